"""ServerService."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from understudy_api.v1 import job_pb2, server_pb2, server_pb2_grpc

from .. import __version__
from ..bulletin import Bulletin
from ..disk import free_bytes
from ..dispatcher import Dispatcher
from ..ending import Ending
from ..settings import RESULTS_ROOT, Settings
from ..storage import DataFolder
from ..store import JobStore
from ..validate import DrainServerFields, check

API_MINOR = 1
FEATURES = (
    "animate",
    "replace",
    "link_media",
    "upload_media",
    "download_media",
    "watch_job",
    "stream_frames",
    "pause",
    "retry",
    "priorities",
    "labels",
    "keep",
    "watch_jobs",
    "watch_server",
    "drain",
    "takes",
    "retake",
    "analyses",
    "roles",
    "masks",
    "matte_growth",
    "edge_band",
    "prompts",
    "loras",
)
PAUSE_S = 0.5  # between two looks: what changes more often is told as it then is
DRAIN_S = 120


class ServerService(server_pb2_grpc.ServerServiceServicer):
    def __init__(
        self,
        settings: Settings,
        instance_id: str,
        store: JobStore,
        dispatcher: Dispatcher,
        bulletin: Bulletin,
        ending: Ending,
    ) -> None:
        self._settings = settings
        self._instance_id = instance_id
        self._store = store
        self._dispatcher = dispatcher
        self._bulletin = bulletin
        self._ending = ending

    async def GetServerInfo(  # noqa: N802 - the API's name
        self, request: server_pb2.GetServerInfoRequest, context: Any
    ) -> server_pb2.GetServerInfoResponse:
        now = await self._now()
        return server_pb2.GetServerInfoResponse(
            version=__version__,
            api_minor=API_MINOR,
            instance_id=self._instance_id,
            features=FEATURES,
            limits=self._limits(),
            devices=now.devices,
            roots=self._roots(),
            draining=now.draining,
            queued_jobs=now.queued_jobs,
            free_disk_bytes=now.free_disk_bytes,
            engine_state=now.engine_state,
        )

    async def WatchServer(  # noqa: N802
        self, request: server_pb2.WatchServerRequest, context: Any
    ) -> AsyncIterator[server_pb2.WatchServerResponse]:
        told, told_at = server_pb2.WatchServerResponse(), 0.0
        beat_s = self._settings.reliability.heartbeat_seconds
        while True:
            turn = self._bulletin.server_turn()
            now = await self._now()
            if _steady(now) != _steady(told) or time.monotonic() >= told_at + beat_s:
                told, told_at = now, time.monotonic()
                yield now
            await asyncio.sleep(PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(told_at + beat_s - time.monotonic()):
                    await turn.wait()

    async def DrainServer(  # noqa: N802
        self, request: server_pb2.DrainServerRequest, context: Any
    ) -> server_pb2.DrainServerResponse:
        check(request, DrainServerFields)
        self._ending.wish(request.patience_seconds or DRAIN_S)
        return server_pb2.DrainServerResponse()

    async def _now(self) -> server_pb2.WatchServerResponse:
        free_disk_bytes = await free_bytes(self._settings.data_folder)
        # before the count: a queue is held once its jobs are back in it
        held_reason = self._dispatcher.held_reason
        queued_jobs = await self._store.count(job_pb2.JOB_STATE_QUEUED)
        return server_pb2.WatchServerResponse(  # the rest is of one moment: nothing may come in between
            engine_state=self._dispatcher.engine_state,
            queued_jobs=queued_jobs,
            running_job=self._dispatcher.running_job,
            devices=self._dispatcher.devices,
            free_disk_bytes=free_disk_bytes,
            draining=self._ending.wished.is_set(),
            held_reason=held_reason,
        )

    def _limits(self) -> server_pb2.Limits:
        limits = self._settings.limits
        return server_pb2.Limits(
            max_chunk_bytes=limits.max_chunk_bytes,
            max_frame_pixels=limits.max_frame_pixels,
            max_clip_frames=limits.max_clip_frames,
            max_queued_jobs=limits.max_queued_jobs,
            max_upload_bytes=limits.max_upload_bytes,
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


def _steady(now: server_pb2.WatchServerResponse) -> tuple[object, ...]:
    """What is told as soon as it changes; free memory and disk, and the seconds of a hold, change all the time."""
    held = bool(now.held_reason)
    return (now.engine_state, now.queued_jobs, now.running_job, len(now.devices), now.draining, held)
