"""Analyses beside jobs: one at a time and in order, left in a blink, and none the worse for a death."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.server.support.footage import make_footage
from tests.server.support.process import Server, running
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from tests.support.waiting import wait_until
from understudy_api.client import Client
from understudy_api.errors import Busy, JobFailed, NotFound
from understudy_api.v1 import analysis_pb2, job_pb2

RUNNING, CANCELLED, SUCCEEDED, QUEUED = (
    analysis_pb2.AnalysisState.Value(f"ANALYSIS_STATE_{name}")
    for name in ("RUNNING", "CANCELLED", "SUCCEEDED", "QUEUED")
)
LONG = 240  # frames: some seconds
BLINK_S = 30.0  # on a busy machine; whoever waits for the process itself waits for 120 s


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """short.mkv and long.mkv, of somebody who moves in no way, and what a job that paints needs."""
    folder = make_footage(tmp_path_factory.mktemp("footage"))
    frames = plate_of(studio_clip(ALONE, 6, 64))[:2]
    write_movie(folder / "short.mkv", frames)
    write_movie(folder / "long.mkv", np.repeat(frames, LONG // 2, axis=0))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "home", footage) as server:
        yield server


@pytest.fixture
def begin(client: Client, footage: Path) -> Callable[..., str]:
    return lambda name, **settings: client.create_analysis(client.link(footage / name).name, **settings).name


def under_way(client: Client, name: str) -> analysis_pb2.Analysis:
    """Once frames of *name* have been looked at."""
    with client.watch_analysis(name) as changes:
        return next(change for change in changes if change.progress.frame)


def stopped(server: Server) -> int:
    """The process of analyses, which stands still from now on."""
    [pid] = server.finder_pids()
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_an_analysis_is_left_in_a_blink_and_what_it_found_is_kept(
    server: Server, client: Client, begin: Callable[..., str]
) -> None:
    long, short = begin("long.mkv"), begin("short.mkv")
    with client.watch_analysis(long) as changes:
        next(change for change in changes if change.found)
    assert client.analysis(short).state == QUEUED  # one at a time
    begun = time.monotonic()
    assert client.cancel_analysis(long).state == CANCELLED
    assert time.monotonic() - begun < BLINK_S
    assert client.wait_for_analysis(short).state == SUCCEEDED
    assert client.analysis(long).state == CANCELLED
    assert begin("long.mkv") == long
    with client.watch_analysis(long) as changes:
        again = next(change for change in changes if change.found)
    assert again.found[0].reused
    client.cancel_analysis(long)


def test_a_process_that_does_not_hear_is_ended_in_a_blink_and_the_next_analysis_gets_another(
    server: Server, client: Client, begin: Callable[..., str]
) -> None:
    long = begin("long.mkv", matte=False)
    under_way(client, long)
    deaf = stopped(server)
    begun = time.monotonic()
    assert client.cancel_analysis(long).state == CANCELLED
    assert time.monotonic() - begun < BLINK_S
    assert client.wait_for_analysis(begin("short.mkv", matte=False)).state == SUCCEEDED
    assert server.finder_pids() != [deaf]


def test_a_death_is_told_as_an_error_and_touches_no_job(
    server: Server, client: Client, begin: Callable[..., str], footage: Path
) -> None:
    engine = server.engine_pid()
    long = begin("long.mkv", reference_bgr=True)
    under_way(client, long)
    victim = stopped(server)
    work = job_pb2.AnimateSpec(
        clip=client.link(footage / "clip.mkv").name, character=client.link(footage / "hero.png").name
    )
    work.passes.keypoints = client.link(footage / "points.json").name
    job = client.create_job(job_pb2.JobSpec(animate=work))  # it does not wait for the analysis
    os.kill(victim, signal.SIGKILL)
    with pytest.raises(JobFailed, match="looked through the clip died") as failed:
        client.wait_for_analysis(long)
    assert failed.value.reason == "WORKER_CRASHED"
    client.wait(job.name)
    assert server.engine_pid() == engine
    assert begin("long.mkv", reference_bgr=True) == long  # asked for again, it is begun again
    assert under_way(client, long).state == RUNNING
    client.cancel_analysis(long)


def test_a_change_while_it_runs_makes_it_begin_again_with_the_change(
    client: Client, begin: Callable[..., str]
) -> None:
    long = begin("long.mkv", range=(0, 40))
    under_way(client, long)
    assert client.correct(long, {(1, "nose"): (9, 9)}).state in (QUEUED, RUNNING)
    done = client.wait_for_analysis(long)
    assert (done.revision, done.made_revision) == (2, 2)
    [frame] = client.points(long, (1, 2))
    assert (frame.points[0].x, frame.points[0].y) == (9, 9)


def test_one_that_is_deleted_as_it_runs_is_gone_and_holds_up_nobody(
    server: Server, client: Client, begin: Callable[..., str]
) -> None:
    long, short = begin("long.mkv", range=(1, LONG)), begin("short.mkv", range=(1, 2))
    under_way(client, long)
    client.delete_analysis(long)
    with pytest.raises(NotFound):
        client.analysis(long)
    assert client.wait_for_analysis(short).state == SUCCEEDED
    assert not (server.home / long).exists()


def test_the_process_ends_when_there_is_nothing_to_do_and_after_a_kill_all_goes_on(
    tmp_path: Path, footage: Path
) -> None:
    patience = {"idle_seconds": 0.3}
    with (
        running(tmp_path / "home", footage, reliability=patience, limits={"max_queued_jobs": 1}) as server,
        Client.connect(folder=server.home) as client,
    ):
        media = [client.link(footage / name).name for name in ("short.mkv", "long.mkv")]
        short = client.wait_for_analysis(client.create_analysis(media[0]).name)
        client.correct(short.name, {(0, "nose"): (9, 9)})
        short = client.wait_for_analysis(short.name)
        wait_until(lambda: not server.finder_pids())
        long = client.create_analysis(media[1], range=(0, LONG // 2)).name
        under_way(client, long)
        stopped(server)
        client.create_analysis(media[1], range=(0, 2))
        with pytest.raises(Busy, match="1 analyses wait already, and the limit is 1"):
            client.create_analysis(media[1], range=(0, 3))
        server.kill()
        server.start().close()
        assert client.analysis(short.name) == short
        [frame] = client.points(short.name, (0, 1))
        assert (frame.points[0].x, frame.points[0].y) == (9, 9)
        assert client.wait_for_analysis(long).state == SUCCEEDED
