"""JobService."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

from understudy_api.v1 import job_pb2, job_pb2_grpc

from .. import jobs
from ..admission import Admission
from ..bulletin import Bulletin
from ..dispatcher import Dispatcher
from ..ending import Ending
from ..errors import Draining
from ..estimate import Estimator
from ..housekeeping import Housekeeper
from ..jobs import TERMINAL
from ..settings import Settings
from ..storage import job_id, new_job_name
from ..store import JobStore
from ..store.edits import now
from ..validate import (
    CreateJobFields,
    EstimateJobFields,
    ListJobsFields,
    UpdateJobFields,
    WatchJobFields,
    WatchJobsFields,
    check,
)
from .job_feed import changes

PAGE_SIZE, LARGEST_PAGE = 100, 1000
EVENTS_AT_ONCE = 256
KEEP_POLICIES = {
    "all": job_pb2.KEEP_POLICY_ALL,
    "master": job_pb2.KEEP_POLICY_MASTER,
    "week": job_pb2.KEEP_POLICY_WEEK,
}


class JobService(job_pb2_grpc.JobServiceServicer):
    def __init__(
        self,
        store: JobStore,
        admission: Admission,
        estimator: Estimator,
        dispatcher: Dispatcher,
        bulletin: Bulletin,
        housekeeper: Housekeeper,
        ending: Ending,
        settings: Settings,
    ) -> None:
        self._store = store
        self._admission = admission
        self._estimator = estimator
        self._dispatcher = dispatcher
        self._bulletin = bulletin
        self._housekeeper = housekeeper
        self._ending = ending
        self._settings = settings

    async def CreateJob(  # noqa: N802 - the API's name
        self, request: job_pb2.CreateJobRequest, context: Any
    ) -> job_pb2.CreateJobResponse:
        check(request, CreateJobFields)
        request_id, digest = str(uuid.UUID(request.request_id)), _digest(request)
        job = await self._store.made_by(request_id, digest)
        if job is None:
            if self._ending.wished.is_set():
                raise Draining(
                    "The server is about to end and takes no new jobs. Start it again, then try again."
                )
            await self._admission.check(await self._store.resolved(request.spec))
            limit = self._settings.limits.max_queued_jobs
            job = await self._store.create(self._job(request), request_id, digest, limit)
            self._dispatcher.wake(job.name)
        return job_pb2.CreateJobResponse(job=job)

    async def EstimateJob(  # noqa: N802
        self, request: job_pb2.EstimateJobRequest, context: Any
    ) -> job_pb2.EstimateJobResponse:
        check(request, EstimateJobFields)
        return await self._estimator.estimate(request.spec)

    async def GetJob(self, request: job_pb2.GetJobRequest, context: Any) -> job_pb2.GetJobResponse:  # noqa: N802
        job_id(request.name)
        return job_pb2.GetJobResponse(job=await self._store.get(request.name))

    async def ListJobs(self, request: job_pb2.ListJobsRequest, context: Any) -> job_pb2.ListJobsResponse:  # noqa: N802
        check(request, ListJobsFields)
        limit = min(request.page_size or PAGE_SIZE, LARGEST_PAGE)
        before = int(request.page_token) if request.page_token else None
        found, more = await self._store.page(
            limit, before, list(request.states), dict(request.labels), request.shot
        )
        return job_pb2.ListJobsResponse(jobs=found, next_page_token="" if more is None else str(more))

    async def CancelJob(  # noqa: N802
        self, request: job_pb2.CancelJobRequest, context: Any
    ) -> job_pb2.CancelJobResponse:
        job_id(request.name)
        return job_pb2.CancelJobResponse(job=await self._dispatcher.cancel(request.name))

    async def PauseJob(self, request: job_pb2.PauseJobRequest, context: Any) -> job_pb2.PauseJobResponse:  # noqa: N802
        job_id(request.name)
        return job_pb2.PauseJobResponse(job=await self._dispatcher.pause(request.name))

    async def ResumeJob(  # noqa: N802
        self, request: job_pb2.ResumeJobRequest, context: Any
    ) -> job_pb2.ResumeJobResponse:
        job_id(request.name)
        return job_pb2.ResumeJobResponse(job=await self._dispatcher.requeue(request.name, jobs.resume))

    async def RetryJob(self, request: job_pb2.RetryJobRequest, context: Any) -> job_pb2.RetryJobResponse:  # noqa: N802
        job_id(request.name)
        return job_pb2.RetryJobResponse(job=await self._dispatcher.requeue(request.name, jobs.retry))

    async def UpdateJob(  # noqa: N802
        self, request: job_pb2.UpdateJobRequest, context: Any
    ) -> job_pb2.UpdateJobResponse:
        check(request, UpdateJobFields)
        job = await self._dispatcher.edit(request.name, lambda edit: _update(edit.job, request), durable=True)
        return job_pb2.UpdateJobResponse(job=job)

    async def DeleteJob(  # noqa: N802
        self, request: job_pb2.DeleteJobRequest, context: Any
    ) -> job_pb2.DeleteJobResponse:
        job_id(request.name)
        await self._housekeeper.delete(request.name)
        return job_pb2.DeleteJobResponse()

    async def WatchJobs(  # noqa: N802
        self, request: job_pb2.WatchJobsRequest, context: Any
    ) -> AsyncIterator[job_pb2.WatchJobsResponse]:
        check(request, WatchJobsFields)
        beat_s = self._settings.reliability.heartbeat_seconds
        async for change in changes(self._store, self._bulletin, dict(request.labels), beat_s):
            yield change

    async def WatchJob(  # noqa: N802
        self, request: job_pb2.WatchJobRequest, context: Any
    ) -> AsyncIterator[job_pb2.WatchJobResponse]:
        check(request, WatchJobFields)
        await self._store.get(request.name)
        sequence, shown = request.after_sequence, 0
        while True:
            turn = self._bulletin.turn(request.name)
            job = await self._store.get(request.name)
            async for event in self._events_after(request.name, sequence):
                sequence = event.sequence
                yield job_pb2.WatchJobResponse(event=event)
            if job.state in TERMINAL and sequence >= job.last_sequence:
                return
            preview = self._bulletin.preview(request.name) if request.previews else None
            if preview is not None and preview.number > shown:
                shown = preview.number
                yield _unkept(request.name, preview=preview.preview)
            try:
                async with asyncio.timeout(self._settings.reliability.heartbeat_seconds):
                    await turn.wait()
            except TimeoutError:
                yield _unkept(request.name, heartbeat=job_pb2.Heartbeat())

    def _job(self, request: job_pb2.CreateJobRequest) -> job_pb2.Job:
        return job_pb2.Job(
            name=new_job_name(),
            display_name=request.display_name,
            spec=request.spec,
            priority=request.priority,
            labels=request.labels,
            keep=request.keep or KEEP_POLICIES[self._settings.keep],
            shot=request.shot,
        )

    async def _events_after(self, name: str, sequence: int) -> AsyncIterator[job_pb2.JobEvent]:
        while events := await self._store.events(name, sequence, EVENTS_AT_ONCE):
            for event in events:
                yield event
            sequence = events[-1].sequence


def _digest(request: job_pb2.CreateJobRequest) -> bytes:
    """Of everything but the id: two requests with one digest ask for the same."""
    body = job_pb2.CreateJobRequest()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


def _update(job: job_pb2.Job, request: job_pb2.UpdateJobRequest) -> None:
    for path in request.update_mask.paths:
        job.ClearField(path)  # type: ignore[arg-type]  # one of three, validated
    wanted = job_pb2.Job()
    request.update_mask.MergeMessage(
        job_pb2.Job(priority=request.priority, labels=request.labels, display_name=request.display_name),
        wanted,
    )
    job.MergeFrom(wanted)


def _unkept(job: str, **kind: Any) -> job_pb2.WatchJobResponse:
    return job_pb2.WatchJobResponse(event=job_pb2.JobEvent(job=job, time=now(), **kind))
