"""The job's thread, against a real server."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from tests.plugins.blender.support.extension import load
from tests.plugins.blender.support.footage import FRAMES, frame
from tests.plugins.blender.support.invert_engine import FAILING_SEED
from tests.plugins.blender.support.jobs import begun, ended, until, work_of
from tests.server.support.fault import Fault
from tests.server.support.process import Server
from tests.support.waiting import PATIENCE_S
from understudy_engine.model.configs import NANO
from understudy_engine.weights.installed import find_weights, notice_of

job = load("job")
frames_module = load("frames")
messages = load("messages")
requests = load("request")
server_module = load("server")
session = load("session")


@pytest.fixture
def swap(server: Server, tmp_path: Path) -> Any:
    """Makes a Swap whose thread runs a request with the options given."""

    def make(**options: Any) -> Any:
        request: dict[str, Any] = {
            "mode": requests.Mode.REPLACE,
            "clip": server.footage / "clip.mkv",
            "frames": (0, FRAMES),
            "character": server.footage / "hero.png",
            "passes": {
                "keypoints": server.footage / "passes" / "keypoints.json",
                "matte": server.footage / "passes" / "matte.png",
            },
            "folder": tmp_path / "frames",
            **options,
        }
        request["frames"] = load("ranges").ClipRange(*request["frames"])
        return begun(work_of(requests.SwapRequest(**request)), server.home)

    return make


def test_every_frame_lands_as_a_whole_picture_of_the_right_clip_frame(swap: Any) -> None:
    made = swap(frames=(3, 17))
    assert ended(made) == "finished", made.text
    assert (made.landed, made.fraction) == (14, 1.0)
    assert sorted(path.name for path in made.folder.iterdir()) == [
        frames_module.frame_name(index) for index in range(14)
    ]
    for index in range(14):
        picture = cv2.imread(str(made.folder / frames_module.frame_name(index)))
        assert picture is not None
        assert np.array_equal(picture[..., ::-1], 255 - frame(3 + index))


def test_the_job_is_found_again_by_its_strips_id(swap: Any, server: Server) -> None:
    made = swap(frames=(0, 1))
    ended(made)
    with load("_api.client").Client.connect(folder=server.home) as client:
        assert [found.name for found in client.jobs(labels={job.UID_LABEL: made.uid})] == [made.job]


def test_the_honest_line_about_the_model_comes_with_the_job(swap: Any) -> None:
    made = swap(frames=(0, 1))
    ended(made)
    assert made.notice == notice_of(NANO, find_weights(NANO.name))


def test_each_quality_is_asked_for_as_the_served_model_offers_it(tmp_path: Path) -> None:
    quality = load("quality").Quality
    request = requests.SwapRequest(
        mode=requests.Mode.ANIMATE,
        clip=tmp_path,
        frames=load("ranges").ClipRange(0, 3),
        character=tmp_path,
        seed=4,
        folder=tmp_path,
    )

    def asked(four_step: bool = True, **choice: Any) -> tuple[int | None, bool, int | None]:
        model = SimpleNamespace(is_default=True, steps=20, work_area_px=1280 * 720, four_step=four_step)
        client = SimpleNamespace(link=lambda *_: SimpleNamespace(name="media/any"), models=lambda: [model])
        made = requests.build_spec(client, replace(request, **choice)).animate.sampling
        assert made.seed == 4
        return (
            made.steps if made.HasField("steps") else None,
            made.four_step,
            made.work_area_px if made.HasField("work_area_px") else None,
        )

    assert asked() == (None, False, None)
    assert asked(quality=quality.BEST) == (40, False, None)
    assert asked(quality=quality.PREVIEW) == (None, True, 832 * 480)
    assert asked(quality=quality.PREVIEW, four_step=False) == (10, False, 832 * 480)
    assert asked(quality=quality.PREVIEW, steps=9) == (9, False, 832 * 480)


def test_frames_are_on_disk_before_they_are_told_of_and_while_the_job_runs(swap: Any, fault: Fault) -> None:
    fault.halt("step 2 1")
    made = swap()
    until(made, lambda: made.landed)
    assert made.outcome is None
    assert all((made.folder / frames_module.frame_name(index)).is_file() for index in range(made.landed))
    fault.go_on()
    ended(made)


def test_progress_never_goes_back_and_says_part_and_step(swap: Any, fault: Fault) -> None:
    fault.halt("step 0 3")
    made = swap(steps=4)
    told: list[tuple[float, str]] = []

    def heard() -> Any:
        told.append((made.fraction, made.text))
        if "part 1 of 6, step" in made.text:
            fault.go_on()
        return made.outcome

    until(made, heard)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)


def test_cancel_ends_a_running_job_and_keeps_what_has_landed(swap: Any, fault: Fault) -> None:
    fault.halt("step 2 1")
    made = swap()
    until(made, lambda: made.landed)
    made.cancel()
    assert ended(made) == "cancelled"
    assert 0 < made.landed < FRAMES
    assert len(list(made.folder.iterdir())) == made.landed


def test_cancel_at_once_makes_no_frame(swap: Any, fault: Fault) -> None:
    fault.halt("step 0 1")
    made = swap()
    made.cancel()
    assert ended(made) == "cancelled"
    assert made.landed == 0


def test_a_job_that_fails_says_why_and_keeps_its_first_segment(swap: Any) -> None:
    made = swap(seed=FAILING_SEED)
    assert ended(made) == "failed"
    assert made.text == "Segment 2 came out as 12 values that are no numbers. Try another seed."
    assert made.landed == 5


def test_a_file_that_is_missing_or_of_another_kind_is_told_of_by_its_name(swap: Any, footage: Path) -> None:
    missing, mistyped = swap(clip=footage / "gone.mkv"), swap(character=footage / "words.mov")
    assert ended(missing) == ended(mistyped) == "failed"
    assert "gone.mkv" in missing.text
    assert "words.mov" in mistyped.text


def test_a_folder_that_cannot_be_written_is_told_of_before_a_job_is_made(swap: Any, footage: Path) -> None:
    made = swap(folder=footage / "hero.png")
    assert ended(made) == "failed"
    assert "cannot be written" in made.text
    assert made.job == ""


def test_leaving_ends_the_thread_and_not_the_job(swap: Any, server: Server, fault: Fault) -> None:
    fault.halt("step 2 1")
    made = swap()
    until(made, lambda: made.landed)
    made.thread.leave()
    made.thread.join(PATIENCE_S)
    assert not made.thread.is_alive()
    fault.go_on()
    with load("_api.client").Client.connect(folder=server.home) as client:
        assert client.wait(made.job).progress.frames_done == FRAMES


def test_without_a_server_the_job_fails_with_what_to_do(tmp_path: Path, footage: Path) -> None:
    request = requests.SwapRequest(
        mode=requests.Mode.ANIMATE, clip=footage, frames=(0, 1), character=footage, folder=tmp_path
    )
    choice = server_module.ServerChoice(may_start=False, data_folder=tmp_path / "nobody")
    thread = job.SwapThread(work_of(request), functools.partial(server_module.connect, choice))
    thread.run()
    assert thread.messages.get() == messages.Ended(
        messages.Outcome.FAILED,
        "No Understudy server is running. Start one with: understudy serve",
        "SERVER_NOT_RUNNING",
    )
