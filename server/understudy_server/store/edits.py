"""A change to one job, as it is being made inside a write."""

from __future__ import annotations

import sqlite3

from google.protobuf.timestamp_pb2 import Timestamp

from understudy_api.v1 import job_pb2, result_pb2


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
        self._connection.execute(
            "UPDATE jobs SET state = ?, crashes = ?, body = ? WHERE name = ?",
            (self.job.state, self.crashes, self.job.SerializeToString(), self.job.name),
        )


def read_segments(connection: sqlite3.Connection, name: str) -> list[result_pb2.Segment]:
    rows = connection.execute("SELECT body FROM segments WHERE job = ? ORDER BY number", (name,))
    return [result_pb2.Segment.FromString(body) for (body,) in rows]
