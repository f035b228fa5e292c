"""A change to one job, as it is being made inside a write."""

from __future__ import annotations

import sqlite3

from google.protobuf.timestamp_pb2 import Timestamp

from understudy_api.v1 import job_pb2, result_pb2

WEEK_S = 7 * 24 * 3600.0
FOLLOWERS_S = 600.0  # for those who still stream the frames of a job that keeps only its master


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


class JobEdit:
    """``job`` may be changed freely; events are numbered as they are emitted, and all is written together."""

    def __init__(self, connection: sqlite3.Connection, job: job_pb2.Job, crashes: int) -> None:
        self.job = job
        self.crashes = crashes  # engine deaths since a segment was stored
        self._connection = connection
        self._labels = dict(job.labels)

    @property
    def state(self) -> job_pb2.JobState.ValueType:
        return self.job.state

    def emit(self, event: job_pb2.JobEvent) -> None:
        """Writes *event* down as this job's next; its job, sequence and time are set here."""
        self.job.last_sequence += 1
        event.job, event.sequence = self.job.name, self.job.last_sequence
        event.time.CopyFrom(now())
        self._connection.execute(
            "INSERT INTO events (job, sequence, body) VALUES (?, ?, ?)",
            (event.job, event.sequence, event.SerializeToString()),
        )

    def put_segment(self, segment: result_pb2.Segment) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO segments (job, number, body) VALUES (?, ?, ?)",
            (self.job.name, segment.index, segment.SerializeToString()),
        )

    def segments(self) -> list[result_pb2.Segment]:
        return read_segments(self._connection, self.job.name)

    def save(self) -> None:
        job = self.job
        self._connection.execute(
            "UPDATE jobs SET state = ?, crashes = ?, priority = ?, shot = ?, pause_reason = ?, clean_at = ?, body = ? "
            "WHERE name = ?",
            (
                job.state,
                self.crashes,
                job.priority,
                job.shot,
                job.pause_reason,
                clean_at(job),
                job.SerializeToString(),
                job.name,
            ),
        )
        if dict(job.labels) != self._labels:
            put_labels(self._connection, job)


def clean_at(job: job_pb2.Job) -> float | None:
    """When something of *job* is to be thrown away, seconds since 1970; None while nothing is."""
    if not job.HasField("end_time"):
        return None
    ended = job.end_time.ToNanoseconds() / 1e9
    if job.keep == job_pb2.KEEP_POLICY_WEEK:
        return ended + WEEK_S
    if job.keep == job_pb2.KEEP_POLICY_MASTER and job.state == job_pb2.JOB_STATE_SUCCEEDED:
        return ended + FOLLOWERS_S
    return None


def put_labels(connection: sqlite3.Connection, job: job_pb2.Job) -> None:
    connection.execute("DELETE FROM labels WHERE job = ?", (job.name,))
    rows = [(job.name, key, value) for key, value in job.labels.items()]
    connection.executemany("INSERT INTO labels (job, key, value) VALUES (?, ?, ?)", rows)


def read_segments(connection: sqlite3.Connection, name: str) -> list[result_pb2.Segment]:
    rows = connection.execute("SELECT body FROM segments WHERE job = ? ORDER BY number", (name,))
    return [result_pb2.Segment.FromString(body) for (body,) in rows]
