"""A clip and a character's picture alone: what else is needed is found, through the server and with a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.server.support.process import Api, Server, from_status, running
from tests.support.people import ALONE, empty_plate_of, plate_of, studio_clip, write_movie
from understudy_api.v1 import job_pb2, result_pb2
from understudy_engine.preprocess.together import AS_BEFORE
from understudy_server.lessons import FIND_FRAME_S, FOUND_BEFORE, lesson_of, seconds_range
from understudy_server.store.lessons import Lesson, Workload

TINY = "tests.server.support.tiny:load"
SIZE, FRAMES = 64, 6
AWAY = 4
FINDING = [
    "finding the person with nano's small nets on the CPU",
    *(
        f"finding the person, {look}frame {frame} of {FRAMES}"
        for look in ("first look, ", "")
        for frame in range(1, FRAMES + 1)
    ),
]
ABSENT = "Nobody was found in 1 of 6 frames (clip frame 4); the clip stays as it is there."


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """plate.mkv, whose person is away in one frame; empty.mkv, without anybody; hero.png."""
    folder = tmp_path_factory.mktemp("footage")
    clip = studio_clip(ALONE, FRAMES, SIZE)
    frames, empty = plate_of(clip), empty_plate_of(clip)
    frames[AWAY] = empty[AWAY]
    write_movie(folder / "plate.mkv", frames)
    write_movie(folder / "empty.mkv", empty)
    hero = np.random.default_rng(1).integers(0, 255, (80, 64, 3), np.uint8)
    cv2.imwrite(str(folder / "hero.png"), hero)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "home", footage, engine_factory=TINY) as server:
        yield server


def replace_spec(api: Api, clip: str = "plate.mkv") -> job_pb2.JobSpec:
    work = job_pb2.ReplaceSpec(clip=api.link(clip).name, character=api.link("hero.png").name)
    work.sampling.steps, work.sampling.work_area_px = 2, SIZE * SIZE
    return job_pb2.JobSpec(replace=work)


def test_a_replace_of_clip_and_character_alone_gives_frames_and_tells_how(server: Server, api: Api) -> None:
    job = api.finish(api.create(replace_spec(api)).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, from_status(job.error)
    assert len(list(api.frames(job.name))) == FRAMES
    stages = [event.progress.stage for event in api.watch(job.name) if event.HasField("progress")]
    assert [stage for stage in stages if stage.startswith("finding")] == FINDING
    assert any("Without keypoints and a matte of yours" in warning for warning in job.warnings)
    assert ABSENT in job.warnings

    for layer in (result_pb2.LAYER_MATTE, result_pb2.LAYER_POSE):  # what was found can be looked at
        shown = [picture(data).any() for _, _, data in api.frames(job.name, layer=layer)]
        assert shown == [number != AWAY for number in range(FRAMES)]

    manifest = json.loads((server.home / job.name / "manifest.json").read_text("utf-8"))
    assert manifest["settings"]["found"] == ["keypoints", "matte"]
    assert len(manifest["model"]["nets_sha256"]) == 64
    assert manifest["model"]["nets"] == "nano's small nets on the CPU"
    assert ABSENT in manifest["warnings"]


def picture(data: bytes) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    return decoded


def test_a_clip_without_anybody_fails_in_one_sentence_before_anything_is_made(api: Api) -> None:
    job = api.finish(api.create(replace_spec(api, "empty.mkv")).name)
    error = from_status(job.error)
    assert error.reason == "PASS_MISSING"
    assert "Nobody was found in any of the 6 frames" in error.message
    assert job.progress.segments_done == job.progress.step == 0


# ---- How long finding takes


WORK = Workload(denoise_flops=0, make_px=0, finish_px=0, find_frames=50)


def progress(second: float, sequence: int, stage: str) -> job_pb2.JobEvent:
    event = job_pb2.JobEvent(sequence=sequence, progress=job_pb2.JobProgress(stage=stage))
    event.time.FromNanoseconds(int(second * 1e9))
    return event


def moved(second: float, sequence: int, state: job_pb2.JobState.ValueType) -> job_pb2.JobEvent:
    event = job_pb2.JobEvent(sequence=sequence, state_changed=job_pb2.StateChanged(state=state))
    event.time.FromNanoseconds(int(second * 1e9))
    return event


def test_a_job_teaches_how_long_finding_takes() -> None:
    events = [
        moved(0, 1, job_pb2.JOB_STATE_QUEUED),
        moved(0, 2, job_pb2.JOB_STATE_PREPARING),
        moved(1, 3, job_pb2.JOB_STATE_RUNNING),
        progress(2, 4, "finding the person, frame 1 of 50"),
        progress(7, 5, "finding the person, frame 50 of 50"),
        progress(8, 6, "looking at the character"),
        progress(10, 7, "reading the clip"),
        progress(11, 8, "finishing"),
        moved(12, 9, job_pb2.JOB_STATE_SUCCEEDED),
    ]
    lesson = lesson_of(events, WORK)
    assert lesson is not None
    assert (lesson.start_s, lesson.find_s, lesson.make_s, lesson.finish_s) == (4, 6, 1, 1)
    assert lesson.find_frames == 50


def test_a_job_that_took_what_was_found_before_teaches_nothing_about_finding() -> None:
    events = [
        moved(0, 1, job_pb2.JOB_STATE_QUEUED),
        moved(0, 2, job_pb2.JOB_STATE_PREPARING),
        moved(1, 3, job_pb2.JOB_STATE_RUNNING),
        progress(2, 4, FOUND_BEFORE),
        progress(3, 5, "reading the clip"),
        moved(4, 6, job_pb2.JOB_STATE_SUCCEEDED),
    ]
    lesson = lesson_of(events, WORK)
    assert lesson is not None
    assert lesson.find_frames == 0
    assert f"finding the person, {AS_BEFORE}" == FOUND_BEFORE  # as the engine says it


def test_finding_counts_in_the_estimate_also_when_no_job_has_done_it_yet() -> None:
    taught = {"start_s": 1.0, "denoise_s": 0.0, "make_s": 0.0, "finish_s": 0.0}
    work = {"denoise_flops": 0.0, "make_px": 0.0, "finish_px": 0.0}
    many = [Lesson(**taught, **work, find_s=10, find_frames=100)] * 1000
    assert seconds_range(many, WORK) == pytest.approx((6, 6), rel=1e-3)
    never = [Lesson(**taught, **work)] * 1000
    assert seconds_range(never, WORK) == pytest.approx([1 + 50 * FIND_FRAME_S] * 2, rel=1e-3)
