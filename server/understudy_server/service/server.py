"""ServerService."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

from understudy_api.v1 import job_pb2, server_pb2, server_pb2_grpc

from .. import __version__
from ..dispatcher import Dispatcher
from ..settings import RESULTS_ROOT, Settings
from ..storage import DataFolder
from ..store import JobStore

API_MINOR = 0
FEATURES = ("animate", "replace", "link_media", "watch_job", "stream_frames")


class ServerService(server_pb2_grpc.ServerServiceServicer):
    def __init__(self, settings: Settings, instance_id: str, store: JobStore, dispatcher: Dispatcher) -> None:
        self._settings = settings
        self._instance_id = instance_id
        self._store = store
        self._dispatcher = dispatcher
        self.draining = False

    async def GetServerInfo(  # noqa: N802 - the API's name
        self, request: server_pb2.GetServerInfoRequest, context: Any
    ) -> server_pb2.GetServerInfoResponse:
        disk = await asyncio.to_thread(shutil.disk_usage, self._settings.data_folder)
        return server_pb2.GetServerInfoResponse(
            version=__version__,
            api_minor=API_MINOR,
            instance_id=self._instance_id,
            features=FEATURES,
            limits=self._limits(),
            devices=self._dispatcher.devices,
            roots=self._roots(),
            draining=self.draining,
            queued_jobs=await self._store.count(job_pb2.JOB_STATE_QUEUED),
            free_disk_bytes=disk.free,
            engine_state=self._dispatcher.engine_state,
        )

    def _limits(self) -> server_pb2.Limits:
        limits = self._settings.limits
        return server_pb2.Limits(
            max_chunk_bytes=limits.max_chunk_bytes,
            max_frame_pixels=limits.max_frame_pixels,
            max_clip_frames=limits.max_clip_frames,
            max_queued_jobs=limits.max_queued_jobs,
        )

    def _roots(self) -> list[server_pb2.SharedRoot]:
        roots = [
            server_pb2.SharedRoot(id=name, path=str(root.path), writable=root.writable)
            for name, root in self._settings.roots.items()
        ]
        return [
            *roots,
            server_pb2.SharedRoot(id=RESULTS_ROOT, path=str(DataFolder(self._settings.data_folder).jobs)),
        ]
