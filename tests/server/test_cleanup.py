"""What goes when a job has ended, and what an older data folder becomes."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.test_store import a_job
from tests.support.waiting import PATIENCE_S
from understudy_api.v1 import job_pb2, result_pb2
from understudy_server import jobs
from understudy_server.bulletin import Bulletin
from understudy_server.dispatcher import Dispatcher
from understudy_server.housekeeping import Housekeeper
from understudy_server.media import MediaLinker, Prober, Roots, Uploads
from understudy_server.settings import Reliability, Settings
from understudy_server.storage import DataFolder, JobFolder
from understudy_server.store import Database, JobEdit, JobStore, MediaStore
from understudy_server.store.schema import FIRST, VERSION

ALL, MASTER, WEEK = job_pb2.KEEP_POLICY_ALL, job_pb2.KEEP_POLICY_MASTER, job_pb2.KEEP_POLICY_WEEK
HOUR_S, DAY_S = 3600.0, 24 * 3600.0


class House:
    """A data folder with jobs in it."""

    def __init__(self, path: Path) -> None:
        self.data = DataFolder(path)
        self.data.make()
        self.database = Database(self.data.database)
        self.store = JobStore(self.database)

    async def ended(self, keep: int, ago_s: float, *, failed: bool = False) -> tuple[str, JobFolder]:
        """A job that ended *ago_s* ago, and its folder."""
        job = a_job()
        job.keep = job_pb2.KeepPolicy.ValueType(keep)
        await self.store.create(job, job.name, b"", 100)
        folder = self.data.job(job.name)
        folder.segment(0).mkdir(parents=True)
        folder.master.write_bytes(b"master")

        def end(edit: JobEdit) -> None:
            segment = result_pb2.Segment(state=result_pb2.SEGMENT_STATE_STORED)
            segment.layers.add(layer=result_pb2.LAYER_RESULT, size_bytes=1)
            edit.put_segment(segment)
            edit.job.state = jobs.FAILED if failed else jobs.SUCCEEDED
            edit.job.end_time.FromNanoseconds(int((time.time() - ago_s) * 1e9))

        await self.store.edit(job.name, end)
        return job.name, folder


@asynccontextmanager
async def cleaned(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """What the block sees is what is left after the first look, which ends with the uploads."""
    settings = Settings(data_folder=house.data.path, roots={}, reliability=Reliability(reserve_bytes=0))
    store, media, bulletin, roots = house.store, MediaStore(house.database), Bulletin(), Roots({})
    prober = Prober(settings.limits)
    dispatcher = Dispatcher(settings, house.data, store, MediaLinker(roots, media, prober), roots, bulletin)
    uploads = Uploads(house.data, media, prober, settings.limits)
    keeper = Housekeeper(
        settings.reliability, house.data, house.database, store, dispatcher, bulletin, uploads
    )
    looked, clean_uploads = asyncio.Event(), uploads.clean

    async def clean() -> object:
        cleaned = await clean_uploads()
        looked.set()
        return cleaned

    monkeypatch.setattr(uploads, "clean", clean)
    keeper.start()
    async with asyncio.timeout(PATIENCE_S):
        await looked.wait()
    try:
        yield
    finally:
        await keeper.stop()
        house.database.close()


def test_each_policy_keeps_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        house = House(tmp_path)
        everything, all_folder = await house.ended(ALL, 400 * DAY_S)
        master, master_folder = await house.ended(MASTER, HOUR_S)
        _, followed_folder = await house.ended(MASTER, 60.0)
        _, failed_folder = await house.ended(MASTER, HOUR_S, failed=True)
        week, week_folder = await house.ended(WEEK, 8 * DAY_S)
        young, young_folder = await house.ended(WEEK, 6 * DAY_S)
        async with cleaned(house, monkeypatch):
            assert all_folder.segment(0).exists()
            assert not master_folder.segments.exists()
            assert master_folder.master.read_bytes() == b"master"
            assert [len(segment.layers) for segment in await house.store.segments(master)] == [0]
            assert followed_folder.segment(0).exists()  # somebody may still stream its frames
            assert failed_folder.segment(0).exists()  # it can be tried again
            assert not week_folder.path.exists()
            assert young_folder.segment(0).exists()
            names = await house.store.names()
            assert week not in names
            assert {everything, master, young} <= names

    asyncio.run(work())


def test_a_folder_without_its_job_goes_when_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        house = House(tmp_path)
        kept, folder = await house.ended(ALL, DAY_S)
        orphan = house.data.jobs / ("0" * 20)
        (orphan / "segments").mkdir(parents=True)
        async with cleaned(house, monkeypatch):
            assert not orphan.exists()
            assert folder.master.exists()
            assert kept in await house.store.names()

    asyncio.run(work())


def test_a_data_folder_of_the_first_version_opens_with_its_jobs(tmp_path: Path) -> None:
    path, job = tmp_path / "jobs.db", a_job()
    job.state = jobs.SUCCEEDED
    connection = sqlite3.connect(path)
    connection.executescript(FIRST)
    connection.execute(
        "INSERT INTO jobs (name, state, body) VALUES (?, ?, ?)",
        (job.name, job.state, job.SerializeToString()),
    )
    connection.execute("INSERT INTO requests VALUES ('id', x'00', ?)", (job.name,))
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()

    async def work() -> None:
        database = Database(path)
        store = JobStore(database)
        (found,), more = await store.page(10, None, [])
        assert (found.name, found.state, more) == (job.name, jobs.SUCCEEDED, None)
        await store.edit(job.name, lambda edit: edit.job.labels.update({"found": "again"}))
        assert len((await store.page(10, None, [], {"found": "again"}))[0]) == 1
        await store.delete(job.name, jobs.check_ended)
        assert await store.names() == set()
        database.close()

    asyncio.run(work())
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()
