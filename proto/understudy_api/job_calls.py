"""The client's calls about jobs: estimate, hand in, steer, follow."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping

from . import channel
from .connection import Connection
from .errors import JobCancelled
from .following import ENDED, AllJobsFollow, JobFollow
from .status import job_error
from .stream import Stream
from .v1 import job_pb2


class JobCalls(Connection):
    def estimate(self, spec: job_pb2.JobSpec) -> job_pb2.EstimateJobResponse:
        """What a job would be and cost; nothing is handed in. Refuses what `create_job` would refuse."""
        request = job_pb2.EstimateJobRequest(spec=spec)
        return self._call(lambda stubs: stubs.jobs.EstimateJob, request, channel.ESTIMATE_DEADLINE_S)

    def create_job(
        self,
        spec: job_pb2.JobSpec,
        display_name: str = "",
        request_id: str | None = None,
        *,
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        keep: job_pb2.KeepPolicy.ValueType = job_pb2.KEEP_POLICY_UNSPECIFIED,
        shot: str = "",
    ) -> job_pb2.Job:
        """Hands in a job and returns it QUEUED. A repetition with the same *request_id* makes no new job.

        Args:
            priority: -100 to 100, higher first.
            labels: words of your own to find it by, at most 16.
            keep: what the server keeps once the job has ended; unspecified = its setting.
            shot: the shot that this is a take of; "" = found by clip, range and verb.
        """
        request = job_pb2.CreateJobRequest(
            request_id=request_id or str(uuid.uuid4()),
            spec=spec,
            display_name=display_name,
            priority=priority,
            labels=labels,
            keep=keep,
            shot=shot,
        )
        return self._call(lambda stubs: stubs.jobs.CreateJob, request).job

    def job(self, name: str) -> job_pb2.Job:
        """Raises NotFound if the server knows no such job."""
        return self._call(lambda stubs: stubs.jobs.GetJob, job_pb2.GetJobRequest(name=name)).job

    def jobs(
        self,
        states: Iterable[job_pb2.JobState.ValueType] = (),
        *,
        labels: Mapping[str, str] | None = None,
        shot: str = "",
    ) -> Iterator[job_pb2.Job]:
        """Jobs, newest first, fetched page by page: in one of *states*, with all of *labels*, takes of *shot*.

        What is left empty lets all pass.
        """
        request = job_pb2.ListJobsRequest(states=list(states), labels=labels, shot=shot)
        while True:
            page = self._call(lambda stubs: stubs.jobs.ListJobs, request)
            yield from page.jobs
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    # ---- Steering ----------------------------------------------------------------------------------------

    def cancel(self, name: str) -> job_pb2.Job:
        """Asks a job to stop, which it does within a step. A job that has ended stays as it is."""
        return self._call(lambda stubs: stubs.jobs.CancelJob, job_pb2.CancelJobRequest(name=name)).job

    def pause(self, name: str) -> job_pb2.Job:
        """Asks a job to stop after its running step. It keeps its place and its stored segments.

        Raises Conflict if it has ended.
        """
        return self._call(lambda stubs: stubs.jobs.PauseJob, job_pb2.PauseJobRequest(name=name)).job

    def resume(self, name: str) -> job_pb2.Job:
        """Puts a paused job back into the queue. Raises Conflict if it has ended."""
        return self._call(lambda stubs: stubs.jobs.ResumeJob, job_pb2.ResumeJobRequest(name=name)).job

    def retry(self, name: str) -> job_pb2.Job:
        """Puts a job that failed or was cancelled back into the queue; its stored segments are kept.

        Raises Conflict if it is in another state.
        """
        return self._call(lambda stubs: stubs.jobs.RetryJob, job_pb2.RetryJobRequest(name=name)).job

    def update(
        self,
        name: str,
        *,
        priority: int | None = None,
        labels: Mapping[str, str] | None = None,
        display_name: str | None = None,
    ) -> job_pb2.Job:
        """Changes what is given, and nothing else. *labels* replace all labels that the job had."""
        request = job_pb2.UpdateJobRequest(
            name=name, priority=priority or 0, labels=labels, display_name=display_name or ""
        )
        given = {"priority": priority, "labels": labels, "display_name": display_name}
        request.update_mask.paths.extend(path for path, value in given.items() if value is not None)
        return self._call(lambda stubs: stubs.jobs.UpdateJob, request).job

    def delete(self, name: str) -> None:
        """Forgets a job that has ended, with all that the server keeps of it; delivered files stay.

        Raises Conflict if it has not ended.
        """
        self._call(lambda stubs: stubs.jobs.DeleteJob, job_pb2.DeleteJobRequest(name=name))

    # ---- Following ---------------------------------------------------------------------------------------

    def watch(self, name: str, after_sequence: int = 0, previews: bool = False) -> Stream[job_pb2.JobEvent]:
        """A job's events behind *after_sequence*, until it ends. None is given twice or left out.

        Goes on by itself after a restart of the server. Heartbeats are not given.
        """
        opened = self._open(lambda stubs: stubs.jobs.WatchJob)
        return self._stream(JobFollow(opened, self.job, name, after_sequence, previews), beats=True)

    def watch_all(
        self, labels: Mapping[str, str] | None = None, *, names: Iterable[str] = ()
    ) -> Stream[job_pb2.WatchJobsResponse]:
        """All jobs that have not ended, and then each one whose state or progress changes. Does not end.

        Each item holds either ``job`` or, for a job that was deleted, ``deleted``. Goes on by itself after a restart
        of the server, and then tells of the jobs that ended meanwhile as well.

        Args:
            labels: only jobs with all of these.
            names: jobs known not to have ended a moment ago: their ends are told even if they come too early for the
                stream.
        """
        opened = self._open(lambda stubs: stubs.jobs.WatchJobs)
        request = job_pb2.WatchJobsRequest(labels=labels)
        return self._stream(AllJobsFollow(opened, self.job, request, names), beats=True)

    def wait(self, name: str) -> job_pb2.Job:
        """The job, once it has succeeded.

        Raises:
            JobFailed: it failed; the reason says why.
            JobCancelled: it was cancelled.
        """
        with self.watch(name, after_sequence=self.job(name).last_sequence) as events:
            for _ in events:
                pass
        return succeeded(self.job(name))


def succeeded(job: job_pb2.Job) -> job_pb2.Job:
    """*job* if it has succeeded; otherwise raises why not (JobFailed, JobCancelled)."""
    if job.state == job_pb2.JOB_STATE_SUCCEEDED:
        return job
    if job.state == job_pb2.JOB_STATE_CANCELLED:
        raise JobCancelled(f"{job.name} was cancelled.", metadata={"job": job.name})
    assert job.state in ENDED, f"{job.name} has not ended"
    raise job_error(job.error)
