"""Estimates say what the job will be, refuse what it would refuse, and learn from the jobs before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest

from tests.server.support.footage import make_clip
from tests.server.support.process import Api, Server, running, told
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from tests.support.released import write_detector, write_pose
from understudy_api.client import Client
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, types_pb2
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import POINTS, Keypoints
from understudy_engine.types import FrameSize
from understudy_server.lessons import FIND_FRAME_S, SPREAD

FRAMES, SIZE = 20, 64  # two segments of nano
PERSON_FRAMES = 6


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shot")
    make_clip(folder / "clip.mkv", FRAMES, size=SIZE)
    write_movie(folder / "person.mkv", plate_of(studio_clip(ALONE, PERSON_FRAMES, SIZE)))
    make_clip(folder / "large.mkv", FRAMES, size=4 * SIZE)
    random = np.random.default_rng(0)
    points = np.ones((FRAMES, POINTS, 3), np.float32)
    points[..., 0] = random.uniform(20, 44, (FRAMES, POINTS))
    points[..., 1] = random.uniform(8, 56, (FRAMES, POINTS))
    write_keypoints(folder / "points.json", Keypoints(points, FrameSize(SIZE, SIZE)), Fraction(24))
    faceless = points.copy()
    faceless[:, 23:91, 2] = 0
    write_keypoints(folder / "faceless.json", Keypoints(faceless, FrameSize(SIZE, SIZE)), Fraction(24))
    short = Keypoints(points[:7], FrameSize(SIZE, SIZE))
    write_keypoints(folder / "short.json", short, Fraction(24))
    matte = np.zeros((SIZE, SIZE), np.uint8)
    cv2.imwrite(str(folder / "black.png"), matte)
    cv2.imwrite(str(folder / "white.png"), matte + 255)
    matte[8:56, 20:44] = 255
    cv2.imwrite(str(folder / "matte.png"), matte)
    cv2.imwrite(str(folder / "hero.png"), random.integers(0, 255, (96, 48, 3), np.uint8))
    cv2.imwrite(str(folder / "banner.png"), random.integers(0, 255, (16, 96, 3), np.uint8))
    return folder


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory, shot: Path) -> Iterator[Server]:
    """The engine as it is shipped: only of that does the models' table tell."""
    factory = "understudy_server.engine_process.factory:load"
    with running(tmp_path_factory.mktemp("nano") / "home", shot, engine_factory=factory) as server:
        yield server


@pytest.fixture
def api(nano: Server) -> Iterator[Api]:
    with Api(read_endpoint(nano.home)) as api:
        yield api


def replace(
    api: Api, *, keypoints="points.json", matte="matte.png", character="hero.png", **masks: str
) -> job_pb2.JobSpec:
    work = job_pb2.ReplaceSpec(clip=api.link("clip.mkv").name, character=api.link(character).name)
    work.passes.keypoints = api.link(keypoints).name
    work.passes.matte = api.link(matte).name
    for field, name in masks.items():
        setattr(work.passes, field, api.link(name).name)
    work.sampling.steps = 1
    work.sampling.work_area_px = SIZE * SIZE
    return job_pb2.JobSpec(replace=work)


def estimate(api: Api, spec: job_pb2.JobSpec) -> job_pb2.EstimateJobResponse:
    return api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=spec))


def refusal(api: Api, spec: job_pb2.JobSpec):
    with pytest.raises(grpc.RpcError) as caught:
        estimate(api, spec)
    return told(caught.value)


def test_an_estimate_is_the_plan_of_the_job_and_learns_from_it_and_from_its_retake(api: Api) -> None:
    spec = replace(api)
    before = estimate(api, spec)
    assert not before.HasField("seconds_low")
    assert before.jobs_learned_from == 0
    assert [(each.frames.start, each.frames.end) for each in before.segments] == [(0, 13), (13, 20)]
    assert before.disk_needed_bytes > 0
    assert before.memory_free_bytes > 0

    job = api.finish(api.create(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    assert job.plan == before.plan
    assert [segment.frames for segment in api.segments(job.name)] == [each.frames for each in before.segments]
    assert all(warning in before.warnings for warning in job.warnings)

    after = estimate(api, spec)
    took = (job.end_time.ToNanoseconds() - job.start_time.ToNanoseconds()) / 1e9
    assert after.jobs_learned_from == 1
    assert after.seconds_low < took < after.seconds_high
    spec.replace.sampling.steps = 40
    assert estimate(api, spec).seconds_low > after.seconds_low

    span = types_pb2.FrameRange(start=13, end=FRAMES)
    again = job_pb2.JobSpec(retake=job_pb2.RetakeSpec(job=job.name, span=span))
    assert api.finish(api.create(again).name).state == job_pb2.JOB_STATE_SUCCEEDED
    learned = estimate(api, again)
    assert learned.jobs_learned_from == 2
    assert [each.frames for each in learned.segments] == [span]


def test_nothing_is_written_down_by_an_estimate(api: Api) -> None:
    names = [job.name for job in api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest()).jobs]
    estimate(api, replace(api))
    assert [job.name for job in api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest()).jobs] == names


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"keypoints": "short.json"}, "PASS_MISMATCH", "7 frames"),
        ({"matte": "black.png"}, "MATTE_EMPTY", "invert the matte"),
        ({"keypoints": "matte.png"}, "UNSUPPORTED_MEDIA", "keypoints must be"),
        ({"keep": "points.json"}, "UNSUPPORTED_MEDIA", "The keep mask must be a movie"),
        ({"keep": "white.png"}, "MATTE_EMPTY", "The keep mask is white all over"),
        ({"garbage": "matte.png"}, "MATTE_EMPTY", "garbage mask leaves nothing"),
        ({"garbage": "banner.png"}, "PASS_MISMATCH", "of another shape than the clip's 64x64"),
    ],
)
def test_what_the_job_would_refuse_is_refused(api: Api, changes, reason: str, words: str) -> None:
    error = refusal(api, replace(api, **changes))
    assert error.reason == reason
    assert words in error.message


def test_a_field_out_of_its_range_and_a_spec_without_a_verb_are_refused_by_name(api: Api) -> None:
    spec = replace(api)
    spec.replace.sampling.steps = 101
    assert refusal(api, spec).reason == "INVALID_FIELD"
    assert "steps" in refusal(api, spec).message
    assert refusal(api, job_pb2.JobSpec()).reason == "INVALID_FIELD"


def test_a_range_behind_the_clips_end_is_refused(api: Api) -> None:
    spec = replace(api)
    spec.replace.range.CopyFrom(types_pb2.FrameRange(start=0, end=FRAMES + 1))
    assert refusal(api, spec).reason == "FRAME_RANGE_OUTSIDE"


def test_warnings_tell_of_missing_faces_and_of_another_build(api: Api) -> None:
    warnings = " ".join(
        estimate(api, replace(api, keypoints="faceless.json", character="banner.png")).warnings
    )
    assert "neutral expression" in warnings
    assert "times as tall as wide" in warnings


def test_a_clip_larger_than_the_work_area_is_told(api: Api) -> None:
    spec = replace(api)
    spec.replace.clip = api.link("large.mkv").name
    assert "4.0 times smaller" in " ".join(estimate(api, spec).warnings)


def test_an_estimate_counts_the_jobs_before_it_and_does_not_wait_for_them(api: Api) -> None:
    slow = replace(api)
    slow.replace.sampling.steps = 100
    names = [api.create(slow).name for _ in range(3)]
    assert estimate(api, replace(api)).jobs_ahead == 3
    assert api.job(names[-1]).state == job_pb2.JOB_STATE_QUEUED
    for name in names:
        api.cancel(name)
    for name in names:
        api.finish(name)


def test_what_is_found_already_costs_no_time_and_a_name_that_nobody_has_is_refused(
    api: Api, nano: Server
) -> None:
    if not estimate(api, replace(api)).HasField("seconds_low"):
        api.finish(api.create(replace(api)).name)  # there is something to learn from
    spec = replace(api)
    spec.replace.clip = api.link("person.mkv").name
    spec.replace.passes.ClearField("keypoints")
    spec.replace.passes.ClearField("matte")
    nobody = job_pb2.JobSpec()
    nobody.CopyFrom(spec)
    nobody.replace.pose.person.names.append("Q")
    before, _ = estimate(api, spec), estimate(api, nobody)  # nothing is known of the clip
    with Client.connect(read_endpoint(nano.home)) as client:
        client.wait_for_analysis(client.create_analysis(spec.replace.clip).name)
    saved = before.seconds_high - estimate(api, spec).seconds_high
    wider = 1 + SPREAD / before.jobs_learned_from
    assert saved == pytest.approx(PERSON_FRAMES * FIND_FRAME_S * wider, rel=0.01)
    refused = refusal(api, nobody)
    assert (refused.reason, "Nobody in the clip is named Q" in refused.message) == ("PASS_MISSING", True)


def test_warnings_know_the_nets_in_the_models_folder(api: Api, nano: Server) -> None:
    spec = replace(api)
    spec.replace.passes.ClearField("keypoints")
    small = "small nets find the person"
    assert any(small in warning for warning in estimate(api, spec).warnings)
    folder = nano.home / "models" / "nano"
    try:
        write_detector(folder)
        assert any("a small pose net helps" in warning for warning in estimate(api, spec).warnings)
        write_pose(folder)
        assert not any("drawn figures" in warning for warning in estimate(api, spec).warnings)
    finally:
        shutil.rmtree(folder)
