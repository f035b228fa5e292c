"""TakeService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2, take_pb2, take_pb2_grpc

from ..compare import compared
from ..errors import FramesGone, InvalidField, TakesUnlike
from ..exporter import layer_asked, layers_of
from ..storage import DataFolder, job_id
from ..store import JobStore, TakeStore
from ..store.shots import check_succeeded
from ..store.takes import Place
from ..validate import CompareTakesFields, ListShotsFields, check
from .threads import in_thread

PAGE_SIZE, LARGEST_PAGE = 100, 1000
COMPARERS = 2


class TakeService(take_pb2_grpc.TakeServiceServicer):
    def __init__(self, data: DataFolder, store: JobStore, takes: TakeStore) -> None:
        self._data = data
        self._store = store
        self._takes = takes
        self._comparers = ThreadPoolExecutor(COMPARERS, thread_name_prefix="comparer")

    def close(self) -> None:
        self._comparers.shutdown(wait=True, cancel_futures=True)

    async def ListShots(  # noqa: N802 - the API's name
        self, request: take_pb2.ListShotsRequest, context: Any
    ) -> take_pb2.ListShotsResponse:
        check(request, ListShotsFields)
        limit = min(request.page_size or PAGE_SIZE, LARGEST_PAGE)
        after = Place(*map(int, request.page_token.split("-"))) if request.page_token else None
        shots, more = await self._takes.shots(limit, after, request.shot)
        token = "" if more is None else f"{more.shot_id}-{more.number}"
        return take_pb2.ListShotsResponse(shots=shots, next_page_token=token)

    async def PromoteTake(  # noqa: N802
        self, request: take_pb2.PromoteTakeRequest, context: Any
    ) -> take_pb2.PromoteTakeResponse:
        job_id(request.job)
        return take_pb2.PromoteTakeResponse(job=await self._takes.promote(request.job))

    async def CompareTakes(  # noqa: N802
        self, request: take_pb2.CompareTakesRequest, context: Any
    ) -> AsyncGenerator[take_pb2.CompareTakesResponse]:
        check(request, CompareTakesFields)
        a, b = [await self._store.get(name) for name in (request.job_a, request.job_b)]
        _check_alike(a, b)
        layer = layer_asked(request)
        files = [await self._files(job, layer) for job in (a, b)]
        async with aclosing(in_thread(self._comparers, compared(*files))) as differences:
            async for difference in differences:
                yield difference

    async def _files(self, job: job_pb2.Job, layer: str) -> list[Path]:
        """The stored files of *layer*, in order."""
        segments = await self._store.segments(job.name)
        kept = list(dict.fromkeys(name for segment in segments for name in layers_of(segment)))
        files = [self._data.job(job.name).layer(segment.index, layer) for segment in segments]
        if kept and layer not in kept:
            raise InvalidField(
                f"Take {job.take} has no layer '{layer}'; it has {', '.join(kept)}.",
                field="layer",
                layer=layer,
            )
        if not kept or not await asyncio.to_thread(lambda: all(file.exists() for file in files)):
            raise FramesGone(
                f"The frames of take {job.take} are no longer kept, so there is nothing to compare.",
                job=job.name,
            )
        return files


def _check_alike(a: job_pb2.Job, b: job_pb2.Job) -> None:
    for job in (a, b):
        check_succeeded(job, "compared")
    if a.shot != b.shot:
        raise TakesUnlike(
            f"{a.name} and {b.name} are takes of two shots. Choose two takes of one shot.",
            shot_a=a.shot,
            shot_b=b.shot,
        )
    lengths = [job.plan.range.end - job.plan.range.start for job in (a, b)]
    if lengths[0] != lengths[1]:
        raise TakesUnlike(
            f"Take {a.take} has {lengths[0]} frames, take {b.take} has {lengths[1]}. Compare takes of one length.",
            frames_a=lengths[0],
            frames_b=lengths[1],
        )
