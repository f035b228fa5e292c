"""All jobs in one stream: their states and coarse progress, as they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

from understudy_api.v1 import job_pb2

from .. import jobs
from ..bulletin import Bulletin
from ..store import JobStore

AT_ONCE = 200  # jobs read together
PAUSE_S = 0.5  # between two looks: what changes more often is told as it then is
UNENDED = [state for state in jobs.TRANSITIONS if state not in jobs.TERMINAL]


async def changes(
    store: JobStore, bulletin: Bulletin, labels: Mapping[str, str], heartbeat_s: float
) -> AsyncIterator[job_pb2.WatchJobsResponse]:
    """Begins with the jobs that have not ended; then those with all of *labels* that changed. Does not end.

    A reader that is slow is told less often; what waits for it are names, each once.
    """
    with bulletin.feed() as feed:
        async for job in _unended(store, labels):
            yield _summary(job)
        told = time.monotonic()
        while True:
            names = await feed.take(AT_ONCE, max(0.0, told + heartbeat_s - time.monotonic()))
            found = {job.name: job for job in await store.find(names)} if names else {}
            for name in names:
                if name not in found:
                    yield job_pb2.WatchJobsResponse(deleted=name)
                elif labels.items() <= dict(found[name].labels).items():
                    yield _summary(found[name])
                else:
                    continue
                told = time.monotonic()
            if time.monotonic() >= told + heartbeat_s:
                yield job_pb2.WatchJobsResponse(heartbeat=job_pb2.Heartbeat())
                told = time.monotonic()
            elif len(names) < AT_ONCE:
                await asyncio.sleep(PAUSE_S)


async def _unended(store: JobStore, labels: Mapping[str, str]) -> AsyncIterator[job_pb2.Job]:
    before: int | None = None
    while True:
        page, before = await store.page(AT_ONCE, before, UNENDED, labels)
        for job in page:
            yield job
        if before is None:
            return


def _summary(job: job_pb2.Job) -> job_pb2.WatchJobsResponse:
    summary = job_pb2.JobSummary(
        name=job.name,
        display_name=job.display_name,
        state=job.state,
        progress=job.progress,
        priority=job.priority,
        labels=job.labels,
        shot=job.shot,
    )
    return job_pb2.WatchJobsResponse(job=summary)
