from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from understudy_api.v1 import job_pb2
from understudy_engine.errors import DiskFull
from understudy_server import jobs
from understudy_server.errors import JobNotFound, QueueFull, RequestIdReused
from understudy_server.storage import new_job_name
from understudy_server.store import Database, JobEdit, JobStore


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[JobStore]:
    database = Database(path)
    try:
        yield JobStore(database)
    finally:
        database.close()


def with_store(path: Path, work: Callable[[JobStore], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(path) as store:
            await work(store)

    asyncio.run(run())


def a_job() -> job_pb2.Job:
    return job_pb2.Job(name=new_job_name())


def test_one_request_id_makes_one_job_however_often_and_at_once_it_comes(tmp_path: Path) -> None:
    async def work(store: JobStore) -> None:
        made = await asyncio.gather(*(store.create(a_job(), "id", b"body", 10) for _ in range(20)))
        assert len({job.name for job in made}) == 1
        assert await store.count(jobs.QUEUED) == 1
        with pytest.raises(RequestIdReused):
            await store.create(a_job(), "id", b"other body", 10)

    with_store(tmp_path / "db", work)


def test_what_was_acknowledged_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    names: list[str] = []

    async def write(store: JobStore) -> None:
        created = [await store.create(a_job(), str(n), b"", 10) for n in range(3)]
        names.extend(job.name for job in created)

    async def read(store: JobStore) -> None:
        assert await store.in_states(jobs.QUEUED) == names
        assert await store.next_in_turn() == names[0]

    with_store(tmp_path / "db", write)
    with_store(tmp_path / "db", read)


def test_a_full_queue_takes_no_more(tmp_path: Path) -> None:
    async def work(store: JobStore) -> None:
        await store.create(a_job(), "1", b"", 1)
        with pytest.raises(QueueFull, match="1 jobs wait already, and the queue holds 1"):
            await store.create(a_job(), "2", b"", 1)

    with_store(tmp_path / "db", work)


def test_events_of_many_writers_are_numbered_without_a_gap(tmp_path: Path) -> None:
    def warn(edit: JobEdit) -> None:
        edit.emit(job_pb2.JobEvent(warning=job_pb2.Warning(message="!")))

    async def work(store: JobStore) -> None:
        job = await store.create(a_job(), "1", b"", 1)
        await asyncio.gather(*(store.edit(job.name, warn) for _ in range(50)))
        events = await store.events(job.name, 0, 1000)
        assert [event.sequence for event in events] == list(range(1, 52))
        assert (await store.get(job.name)).last_sequence == 51

    with_store(tmp_path / "db", work)


def test_a_change_that_raises_leaves_no_trace_and_harms_no_other(tmp_path: Path) -> None:
    def spoil(edit: JobEdit) -> None:
        edit.job.display_name = "spoilt"
        edit.emit(job_pb2.JobEvent(warning=job_pb2.Warning(message="never")))
        raise ValueError("half-way")

    def name(edit: JobEdit) -> None:
        edit.job.display_name = "good"

    async def work(store: JobStore) -> None:
        job = await store.create(a_job(), "1", b"", 1)
        outcomes = await asyncio.gather(
            store.edit(job.name, spoil), store.edit(job.name, name), return_exceptions=True
        )
        assert isinstance(outcomes[0], ValueError)
        assert (await store.get(job.name)).display_name == "good"
        assert len(await store.events(job.name, 0, 10)) == 1

    with_store(tmp_path / "db", work)


def test_a_full_disk_is_said_and_the_store_lives_on(tmp_path: Path) -> None:
    async def work(store: JobStore) -> None:
        job = await store.create(a_job(), "1", b"", 10)

        def limit(connection: sqlite3.Connection) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")

        def grow(edit: JobEdit) -> None:
            edit.job.display_name = "x" * 100_000

        await store._database.write(limit)
        with pytest.raises(DiskFull, match="Free some space"):
            await store.edit(job.name, grow)
        await store._database.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
        await store.edit(job.name, grow)
        assert len((await store.get(job.name)).display_name) == 100_000

    with_store(tmp_path / "db", work)


def test_pages_hold_each_job_once_newest_first(tmp_path: Path) -> None:
    async def work(store: JobStore) -> None:
        created = [(await store.create(a_job(), str(n), b"", 100)).name for n in range(7)]
        await store.edit(created[3], lambda edit: jobs.move(edit, jobs.CANCELLED))
        seen: list[str] = []
        before = None
        while True:
            page, before = await store.page(3, before, [])
            seen += [job.name for job in page]
            if before is None:
                break
        assert seen == created[::-1]
        cancelled, more = await store.page(3, None, [jobs.CANCELLED])
        assert ([job.name for job in cancelled], more) == ([created[3]], None)

    with_store(tmp_path / "db", work)


def test_a_job_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def work(store: JobStore) -> None:
        with pytest.raises(JobNotFound, match="jobs/0"):
            await store.get("jobs/0")
        with pytest.raises(JobNotFound):
            await store.segments("jobs/0")

    with_store(tmp_path / "db", work)


def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(sqlite3.DatabaseError, match="its format is 99, ours"):
        Database(path)


def test_every_state_can_end_and_an_ended_job_can_at_most_be_tried_again() -> None:
    for state, following in jobs.TRANSITIONS.items():
        if state in jobs.TERMINAL:
            assert following <= {jobs.QUEUED}
        reachable, frontier = set(), {state}
        while frontier:
            reachable |= frontier
            frontier = set().union(*(jobs.TRANSITIONS[each] for each in frontier)) - reachable
        assert reachable & jobs.TERMINAL
    assert not jobs.TRANSITIONS[jobs.SUCCEEDED]
