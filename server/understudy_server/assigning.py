"""What the engine is given of a job: its spec, the files behind its media, and where its result goes."""

from __future__ import annotations

import asyncio

from understudy_api.v1 import job_pb2

from .convert import loras_of, media_of, work_of
from .engine_process.messages import Assignment
from .loras import chosen_loras
from .media import MediaLinker, Roots
from .settings import Settings
from .store import JobStore


class Assigner:
    def __init__(self, settings: Settings, store: JobStore, linker: MediaLinker, roots: Roots) -> None:
        self._settings = settings
        self._store = store
        self._linker = linker
        self._roots = roots

    async def assignment(self, job: job_pb2.Job) -> Assignment:
        """Of *job*'s present attempt. Raises what the job is to fail with: media that changed, a base that is gone."""
        spec = await self._store.work(job.name)
        work = work_of(spec)
        files = {media: str(await self._linker.unchanged(media)) for media in media_of(work)}
        model, data_folder = self._settings.default_model, self._settings.data_folder
        loras = await asyncio.to_thread(chosen_loras, loras_of(work), model, data_folder)
        return Assignment(
            job=job.name,
            attempt=job.attempt,
            spec=spec.SerializeToString(),
            files=files,
            shown_as={media: await self._linker.shown_as(media) for media in files},
            delivery=await asyncio.to_thread(self.delivery_path, work.delivery),
            retake=job.spec.retake.SerializeToString(),
            base_segments=await self._base_segments(job.spec),
            loras={lora: str(path) for lora, path in loras.items()},
        )

    def delivery_path(self, delivery: job_pb2.Delivery) -> str:
        """Empty where nothing is delivered. Raises PathOutsideRoot.

        Whether something is there already was refused when the job was created, and is looked at again when the result
        is written: an attempt before this one may have put it there.
        """
        return str(self._roots.writable(delivery.path, overwrite=True)) if delivery.HasField("path") else ""

    async def _base_segments(self, spec: job_pb2.JobSpec) -> list[bytes]:
        """Of the take that a retake starts from, which may have gone since the job was created."""
        if not spec.HasField("retake"):
            return []
        await self._store.resolved(spec)
        return [segment.SerializeToString() for segment in await self._store.segments(spec.retake.job)]
