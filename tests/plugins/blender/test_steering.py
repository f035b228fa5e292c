"""Jobs that are paused, tried again, taken up by another Blender, or whose server goes away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.blender.conftest import ENGINE
from tests.plugins.blender.support.extension import load
from tests.plugins.blender.support.footage import FRAMES
from tests.plugins.blender.support.jobs import begun, ended, until, work_of
from tests.server.support.fault import Fault
from tests.server.support.process import Server, running
from tests.support.waiting import PATIENCE_S

frames = load("frames")
job = load("job")
requests = load("request")
State = load("messages").State


def work(server: Server, folder: Path, steps: int = 3) -> Any:
    request = requests.SwapRequest(
        mode=requests.Mode.REPLACE,
        clip=server.footage / "clip.mkv",
        frames=load("ranges").ClipRange(0, FRAMES),
        character=server.footage / "hero.png",
        steps=steps,
        folder=folder,
    )
    return work_of(request)


def test_a_paused_job_stands_still_and_goes_on(server: Server, fault: Fault, tmp_path: Path) -> None:
    fault.halt("step 2 1")
    made = begun(work(server, tmp_path, steps=4), server.home)
    until(made, lambda: made.made)
    assert made.can_pause
    made.pause()
    assert made.text == "pausing"
    until(made, lambda: made.paused)
    fault.go_on()
    landed = made.landed
    assert (made.text, made.remaining_s) == ("paused", None)
    made.resume()
    assert ended(made) == "finished", made.text
    assert landed < made.landed == FRAMES


def test_a_cancelled_job_goes_on_when_it_is_tried_again(server: Server, fault: Fault, tmp_path: Path) -> None:
    fault.halt("step 2 1")
    made = begun(work(server, tmp_path, steps=4), server.home)
    until(made, lambda: made.made)
    made.cancel()
    assert ended(made) == "cancelled"
    fault.go_on()
    kept = {index: (made.folder / frames.frame_name(index)).stat().st_mtime_ns for index in made.made}
    assert made.can_retry
    made.retry()
    assert ended(made) == "finished", made.text
    assert made.made == set(range(FRAMES))
    for index, time_ns in kept.items():
        assert (made.folder / frames.frame_name(index)).stat().st_mtime_ns == time_ns, "fetched again"


@pytest.mark.parametrize("named", [True, False], ids=["by its name", "by its strip's id"])
def test_another_blender_takes_a_job_up_and_fetches_what_is_missing(
    server: Server, tmp_path: Path, named: bool
) -> None:
    first = begun(work(server, tmp_path, steps=4), server.home)
    until(first, lambda: first.landed > 5)
    first.thread.leave()
    first.thread.join(PATIENCE_S)
    gone = first.folder / frames.frame_name(2)
    gone.unlink()
    second = begun(replace(first.thread.work, spec=None, job=first.job if named else ""), server.home)
    assert ended(second) == "finished"
    assert second.job == first.job
    assert frames.frames_in(first.folder) == second.made == set(range(FRAMES))


def test_a_job_that_no_server_knows_says_so(server: Server, tmp_path: Path) -> None:
    made = begun(replace(work(server, tmp_path), spec=None), server.home)
    assert ended(made) == "failed"
    assert made.text == "The server knows no job of this strip. Delete the strip and run it again."


def test_a_server_that_goes_away_is_waited_for(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage, engine_factory=ENGINE) as server:
        server.fault.halt("step 2 1")
        made = begun(work(server, tmp_path, steps=2), server.home, patience_s=0.2)
        until(made, lambda: made.made)
        server.kill()
        until(made, lambda: made.state is State.AWAY)
        assert made.text.endswith("The job goes on when it is back.")
        assert made.brief == "waiting for the server"
        server.fault.go_on()
        server.start()
        assert ended(made) == "finished", made.text
        assert made.landed == FRAMES


def test_the_time_left_is_told_in_the_unit_one_thinks_in() -> None:
    progress = load("messages").Progress
    told = [progress(0.5, "part 1 of 2", seconds).text for seconds in (None, 32.4, 371.0, 9000.0)]
    assert told == ["part 1 of 2", *(f"part 1 of 2, {left} left" for left in ("32 s", "6 min", "2.5 h"))]


def test_preview_and_time_left_are_told_until_the_job_ends(
    server: Server, fault: Fault, tmp_path: Path
) -> None:
    fault.halt("step 2 1")
    made = begun(work(server, tmp_path), server.home)
    until(made, lambda: made.preview and made.remaining_s is not None)
    assert made.stage.startswith("part ")
    assert made.text.startswith(f"{made.stage}, ")
    assert made.preview.read_bytes()[:3] == b"\xff\xd8\xff"
    assert len(list(made.folder.glob("preview_*.jpg"))) <= 1
    fault.go_on()
    ended(made)
    assert (made.preview, made.remaining_s) == (None, None)
    assert list(made.folder.glob("preview_*")) == []
