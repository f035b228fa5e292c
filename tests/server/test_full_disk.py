"""A disk that fills up: jobs wait for room and go on by themselves, and the state can still be written."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import make_clip
from tests.server.support.process import Api, running
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.errors import DiskFull
from understudy_server.disk import LEAST_BYTES, bytes_needed
from understudy_server.storage import new_job_name
from understudy_server.store import Database, JobEdit, JobStore, Reserve

SIZE_MIB = 64
STORED, PENDING = result_pb2.SEGMENT_STATE_STORED, result_pb2.SEGMENT_STATE_PENDING


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave_bytes: int) -> Path:
    """A file that takes all room there is but *leave_bytes*."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - leave_bytes)
    return filler


def segment(index: int, frames: tuple[int, int], state: int, result_bytes: int = 0) -> result_pb2.Segment:
    made = result_pb2.Segment(index=index, state=result_pb2.SegmentState.ValueType(state))
    made.frames.start, made.frames.end = frames
    if result_bytes:
        made.layers.add(layer=result_pb2.LAYER_RESULT, size_bytes=result_bytes)
        made.layers.add(layer=result_pb2.LAYER_MATTE, size_bytes=result_bytes // 10)
    return made


def test_what_a_job_will_need_is_guessed_and_then_learned_from_its_own_segments() -> None:
    size = types_pb2.FrameSize(width=1000, height=1000)
    job = job_pb2.Job(plan=job_pb2.JobPlan(result_size=size, model_size=size))
    assert bytes_needed(job, []) == LEAST_BYTES
    overlaps = 60_000_000  # of one segment: 5 frames of RGB floats
    planned = [segment(0, (0, 10), PENDING), segment(1, (10, 20), PENDING)]
    assert bytes_needed(job, planned) == 20 * 3_000_000 + 2 * overlaps + 20 * 1_500_000
    planned[0] = segment(0, (0, 10), STORED, result_bytes=10_000)
    assert bytes_needed(job, planned) == 10 * 1_100 + overlaps + 20 * 1_000
    job.spec.animate.delivery.path.relative_path = "out.mp4"
    assert bytes_needed(job, planned) == 10 * 1_100 + overlaps + 2 * 20 * 1_000


def test_a_job_waits_for_room_and_goes_on_by_itself(tmp_path: Path, footage: Path, small_disk: Path) -> None:
    make_clip(footage / "roomy.mkv", frames=17, size=256)
    reliability = {"disk_check_seconds": 0.2, "reserve_bytes": 1 << 20}
    home = small_disk / "home"
    with running(home, footage, reliability=reliability) as server, Api(read_endpoint(home)) as api:
        server.fault.halt("step 0 1")  # until it hears that it is to leave
        filler = fill(small_disk, leave_bytes=20 << 20)  # enough to begin, too little for four segments
        spec = animate_spec(api)
        spec.animate.clip = api.link("roomy.mkv").name
        name = api.create(spec).name
        wait_until(lambda: api.job(name).state == job_pb2.JOB_STATE_PAUSED)
        job = api.job(name)
        assert job.pause_reason == "DISK_FULL"
        assert "The disk is nearly full" in job.warnings[-1]
        api.call(api.jobs.PauseJob, job_pb2.PauseJobRequest(name=name))
        filler.unlink()
        server.fault.go_on()
        with pytest.raises(AssertionError):  # an artist paused it meanwhile, so that it stays where it is
            wait_until(lambda: api.job(name).state != job_pb2.JOB_STATE_PAUSED, limit_s=1.0)
        filler = fill(small_disk, leave_bytes=20 << 20)
        api.call(api.jobs.ResumeJob, job_pb2.ResumeJobRequest(name=name))
        wait_until(lambda: api.job(name).pause_reason == "DISK_FULL")
        filler.unlink()
        assert api.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_the_reserve_is_given_up_when_the_disk_is_full_and_made_again_later(small_disk: Path) -> None:
    reserve = Reserve(small_disk / "reserve", 4 << 20)

    async def work() -> None:
        database = Database(small_disk / "jobs.db", reserve)
        store = JobStore(database)
        job = await store.create(a_job(), "1", b"", 10)
        database.refill_reserve()
        assert (small_disk / "reserve").stat().st_size == 4 << 20
        filler = fill(small_disk, leave_bytes=0)
        await store.edit(job.name, grow(2 << 20))  # fits what was kept
        assert not (small_disk / "reserve").exists()
        with pytest.raises(DiskFull, match="Free some space"):
            await store.edit(job.name, grow(8 << 20))
        assert len((await store.get(job.name)).display_name) == 2 << 20
        database.refill_reserve()
        assert not (small_disk / "reserve").exists()
        filler.unlink()
        database.refill_reserve()
        assert (small_disk / "reserve").stat().st_size == 4 << 20
        database.close()

    asyncio.run(work())


def a_job() -> job_pb2.Job:
    return job_pb2.Job(name=new_job_name(), spec=job_pb2.JobSpec(animate=job_pb2.AnimateSpec(clip="media/x")))


def grow(size_bytes: int) -> Callable[[JobEdit], None]:
    def change(edit: JobEdit) -> None:
        edit.job.display_name = "x" * size_bytes

    return change
