"""Renders that Resolve made for jobs go again, and never while a job reads them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.support.stage import CUT, Stage, choice
from understudy_api.errors import JobFailed, ServerAway
from understudy_davinci.renders import KEPT_S
from understudy_davinci.shot import Way

Clips = dict[str, Path]
RENDERED = choice(source=Way.RENDER)


@pytest.fixture
def stage(seat: Seat, clips: Clips, tmp_path: Path) -> Stage:
    artist = seat()
    artist.places(artist.imports(clips["a"]), CUT.start, frames=(10, 14))
    artist.looks_at(CUT.start)
    return Stage(artist, tmp_path)


def renders(stage: Stage) -> list[Path]:
    return list((stage.folder / "renders").iterdir())


def a_day_later(stage: Stage) -> None:
    for render in renders(stage):
        then = time.time() - KEPT_S - 60
        os.utime(render, (then, then))


def test_a_render_goes_a_day_after_its_job(stage: Stage) -> None:
    stage.chain.run(stage.shot(), RENDERED)
    (render,) = renders(stage)
    stage.again().chain.clean()
    assert list(render.iterdir()), "another version may still be wanted"
    a_day_later(stage)
    stage.again().chain.clean()
    assert renders(stage) == []


@pytest.mark.parametrize("sequence", [False, True])
def test_a_render_stays_as_long_as_its_job_is_waited_for(stage: Stage, sequence: bool) -> None:
    ticket = stage.chain.submit(stage.shot(), choice(source=Way.RENDER, sequence=sequence))
    a_day_later(stage)
    stage.jobs.error = ServerAway("The server does not answer.")
    again = stage.again()
    again.chain.clean()
    assert len(renders(stage)) == 1
    stage.jobs.error = None
    (waiting,) = again.chain.waiting()
    assert waiting == ticket
    again.chain.finish(waiting)
    stage.again().chain.clean()
    assert renders(stage) == []


def test_a_render_of_a_job_that_failed_goes_too(stage: Stage) -> None:
    ticket = stage.chain.submit(stage.shot(), RENDERED)
    stage.jobs.error = JobFailed("Nobody was found in any of the 4 frames.")
    with pytest.raises(JobFailed):
        stage.chain.finish(ticket)
    a_day_later(stage)
    stage.again().chain.clean()
    assert renders(stage) == []


def test_a_render_that_cannot_be_removed_is_tried_again_another_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows whoever has a file open holds it there."""
    stage.chain.footage(stage.shot(), RENDERED)
    a_day_later(stage)

    def held(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "The file is open in another program")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", held)
        stage.again().chain.clean()
    assert len(renders(stage)) == 1
    stage.again().chain.clean()
    assert renders(stage) == []
