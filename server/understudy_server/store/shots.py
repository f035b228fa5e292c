"""Which shot a job is a take of, and what a retake makes: all within a read or a write of the database."""

from __future__ import annotations

import sqlite3

from understudy_api.v1 import job_pb2, media_pb2

from ..convert import retaken, work_of
from ..errors import FramesGone, InvalidField, JobNotFound, ShotNotFound, TakeUnfinished
from ..storage import new_shot_name
from .edits import read_segments


def resolved(connection: sqlite3.Connection, spec: job_pb2.JobSpec) -> job_pb2.JobSpec:
    """What *spec* makes, without retakes: Replace or Animate with every change applied.

    Raises:
        JobNotFound, TakeUnfinished, FramesGone: the take to start from cannot be used.
        InvalidField: it has no such frames.
    """
    if not spec.HasField("retake"):
        return spec
    asked = spec.retake
    base = read_job(connection, asked.job)
    check_succeeded(base, "retaken")
    segments = read_segments(connection, base.name)
    if not all(segment.layers for segment in segments):
        raise FramesGone(
            f"The frames of take {base.take} are no longer kept, so none of them can be made again. Render the whole "
            "shot again, and keep everything of it.",
            job=base.name,
        )
    frames = segments[-1].frames.end
    if asked.span.end > frames:
        raise InvalidField(
            f"Frames {asked.span.start} to {asked.span.end - 1} were asked for, but take {base.take} has frames 0 to "
            f"{frames - 1}. Choose a span inside it.",
            field="spec.retake.span",
            frames=frames,
        )
    roles = max(1, base.plan.role_count)
    if any(role >= roles for role in asked.roles):
        raise InvalidField(
            f"There is no role {max(asked.roles)} in take {base.take}, which has roles 0 to {roles - 1}. Choose those.",
            field="spec.retake.roles",
            roles=roles,
        )
    return retaken(read_work(connection, base.name), base.plan, asked)


def read_work(connection: sqlite3.Connection, name: str) -> job_pb2.JobSpec:
    """What job *name* makes, as `resolved` told when it was created."""
    row = connection.execute("SELECT work FROM takes WHERE job = ?", (name,)).fetchone()
    if row is None:
        raise _unknown(name)
    return job_pb2.JobSpec.FromString(row[0])


def add_take(connection: sqlite3.Connection, job: job_pb2.Job) -> None:
    """Makes *job*, whose row is there already, the next take of its shot: the one it names, its base's, or by its work.

    Raises:
        ShotNotFound: *job* names a shot that is not there. Whatever `resolved` raises.
    """
    work = resolved(connection, job.spec)
    job.shot = _shot_of(connection, job, work)
    counted = "UPDATE shots SET takes = takes + 1 WHERE name = ? RETURNING takes"
    (job.take,) = connection.execute(counted, (job.shot,)).fetchone()
    connection.execute(
        "INSERT INTO takes (job, shot, number, work) VALUES (?, ?, ?, ?)",
        (job.name, job.shot, job.take, work.SerializeToString()),
    )


def adopt_jobs(connection: sqlite3.Connection) -> None:
    """Makes takes of the jobs that were there before takes were."""
    rows = connection.execute("SELECT body FROM jobs WHERE name NOT IN (SELECT job FROM takes) ORDER BY id")
    for (body,) in rows.fetchall():
        job = job_pb2.Job.FromString(body)
        add_take(connection, job)
        connection.execute(
            "UPDATE jobs SET shot = ?, body = ? WHERE name = ?", (job.shot, job.SerializeToString(), job.name)
        )


def _shot_of(connection: sqlite3.Connection, job: job_pb2.Job, work: job_pb2.JobSpec) -> str:
    shot = job.shot
    if job.spec.HasField("retake"):
        shot = read_job(connection, job.spec.retake.job).shot
        if job.shot not in ("", shot):
            raise InvalidField(
                f"A retake belongs to the shot of the take it starts from, {shot}. Leave the shot out.",
                field="shot",
            )
    if shot:
        check_shot(connection, shot)
        return shot
    key = _key(connection, work)
    columns = "clip, first_frame, end_frame, verb"
    connection.execute(
        f"INSERT OR IGNORE INTO shots (name, {columns}) VALUES (?, ?, ?, ?, ?)", (new_shot_name(), *key)
    )
    query = "SELECT name FROM shots WHERE clip = ? AND first_frame = ? AND end_frame = ? AND verb = ?"
    (found,) = connection.execute(query, key).fetchone()
    return str(found)


def _key(connection: sqlite3.Connection, spec: job_pb2.JobSpec) -> tuple[str, int, int, str]:
    """Clip, range and verb: what a take shares with the others of its shot."""
    work = work_of(spec)
    clip = work.clip or work.passes.pose
    end = work.range.end if work.HasField("range") else _frame_count(connection, clip)
    return clip, work.range.start, end, spec.WhichOneof("work") or ""


def _frame_count(connection: sqlite3.Connection, media: str) -> int:
    row = connection.execute("SELECT body FROM media WHERE name = ?", (media,)).fetchone()
    return media_pb2.MediaAsset.FromString(row[0]).probe.frame_count if row else 0


def check_shot(connection: sqlite3.Connection, shot: str) -> None:
    if connection.execute("SELECT 1 FROM shots WHERE name = ?", (shot,)).fetchone() is None:
        raise ShotNotFound(f"There is no shot '{shot}'. `understudy takes` lists those there are.", shot=shot)


def read_job(connection: sqlite3.Connection, name: str) -> job_pb2.Job:
    row = connection.execute("SELECT body FROM jobs WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise _unknown(name)
    return job_pb2.Job.FromString(row[0])


def _unknown(name: str) -> JobNotFound:
    return JobNotFound(f"There is no job '{name}'. `understudy jobs` lists those there are.", job=name)


def check_succeeded(job: job_pb2.Job, wish: str) -> None:
    if job.state != job_pb2.JOB_STATE_SUCCEEDED:
        state = job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        raise TakeUnfinished(
            f"Only a take that has succeeded can be {wish}; take {job.take} is {state}. Choose another.",
            job=job.name,
            state=state,
        )
