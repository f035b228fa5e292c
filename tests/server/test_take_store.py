"""Takes in the store: jobs that were there before takes, and shots of any number of them."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from tests.server.test_store import a_job
from understudy_api.v1 import job_pb2
from understudy_server.storage import new_job_name
from understudy_server.store import Database, JobStore, TakeStore
from understudy_server.store.schema import MIGRATIONS

CLIPS = ("media/" + "a" * 20, "media/" + "b" * 20)


def spec(clip: str) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(replace=job_pb2.ReplaceSpec(clip=clip))


def test_jobs_of_an_older_data_folder_become_takes(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    old = [job_pb2.Job(name=new_job_name(), spec=spec(clip)) for clip in (*CLIPS, CLIPS[0])]
    connection = sqlite3.connect(path)
    connection.executescript(f"{MIGRATIONS[0]} PRAGMA user_version = 1;")
    for job in old:
        values = (job.name, job_pb2.JOB_STATE_SUCCEEDED, job.SerializeToString())
        connection.execute("INSERT INTO jobs (name, state, body) VALUES (?, ?, ?)", values)
    connection.commit()
    connection.close()

    async def look() -> None:
        database = Database(path)
        store = JobStore(database)
        jobs = [await store.get(job.name) for job in old]
        assert [job.take for job in jobs] == [1, 1, 2]
        assert jobs[0].shot == jobs[2].shot != jobs[1].shot
        assert await store.work(old[0].name) == old[0].spec
        found, _ = await store.page(10, None, (), {}, jobs[0].shot)
        assert [job.name for job in found] == [old[2].name, old[0].name]
        database.close()

    asyncio.run(look())


def test_a_shot_with_more_takes_than_fit_a_page_goes_on_on_the_next(tmp_path: Path) -> None:
    async def look() -> None:
        database = Database(tmp_path / "jobs.db")
        store, takes = JobStore(database), TakeStore(database)
        jobs = [a_job() for _ in range(1201)]
        for job in jobs:
            job.spec.CopyFrom(spec(CLIPS[0]))
        await asyncio.gather(*(store.create(job, job.name, b"", 2000) for job in jobs))
        seen, place, pages = [], None, 0
        while pages == 0 or place is not None:
            shots, place = await takes.shots(10, place, "")
            seen += [take.take for shot in shots for take in shot.takes]
            pages += 1
        assert seen == list(range(1, 1202))
        assert pages == 3
        database.close()

    asyncio.run(look())
