"""Whom the character follows and how, asked for in a request: through the server, with a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from tests.server.support.process import Api, Server, Told, from_status, running, told
from tests.support.people import TWO, agreement, matte_of, plate_of, points_of, studio_clip, write_movie
from understudy_api.v1 import job_pb2, result_pb2
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import Keypoints
from understudy_engine.types import (
    Clicked,
    FrameSize,
    Largest,
    LimbFactors,
    Mode,
    Named,
    PoseOptions,
    Proportions,
)
from understudy_server.convert import swap_request

SIZE, FRAMES = 256, 5
CHARACTER = job_pb2.PROPORTIONS_CHARACTER


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """plate.mkv with two people, of whom the first is B; points.json of A; right.json and late.json; hero.png."""
    folder = tmp_path_factory.mktemp("footage")
    clip = studio_clip(TWO, FRAMES, SIZE)
    write_movie(folder / "plate.mkv", plate_of(clip))
    write_keypoints(folder / "points.json", Keypoints(points_of(clip, 1), FrameSize(SIZE, SIZE)))
    for name, frame in (("right", 2), ("late", FRAMES)):
        items = [{"frame": frame, "point": "nose", "x": 9, "y": 11}]
        document = {"format": "understudy.pose_corrections", "version": 1, "width": SIZE, "height": SIZE}
        (folder / f"{name}.json").write_text(json.dumps(document | {"corrections": items}))
    cv2.imwrite(str(folder / "hero.png"), np.random.default_rng(1).integers(0, 255, (80, 64, 3), np.uint8))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home, footage, engine_factory="tests.server.support.tiny:load") as server:
        yield server


Pose = job_pb2.PoseOptions | None


def spec(api: Api, pose: Pose = None, verb: str = "replace", **passes: str) -> job_pb2.JobSpec:
    made = job_pb2.JobSpec()
    work = made.replace if verb == "replace" else made.animate
    work.clip, work.character = api.link("plate.mkv").name, api.link("hero.png").name
    for field, name in passes.items():
        setattr(work.passes, field, api.link(name).name)
    work.sampling.steps, work.sampling.work_area_px = 1, 64 * 64
    if verb == "replace":
        made.replace.matte.grow_px = 0
    if pose is not None:
        work.pose.CopyFrom(pose)
    return made


def refused(api: Api, asked: job_pb2.JobSpec) -> Told:
    """By CreateJob: nothing was written down."""
    before = len(api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest()).jobs)
    with pytest.raises(grpc.RpcError) as refusal:
        api.create(asked)
    assert len(api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest()).jobs) == before
    return told(refusal.value)


def finished(api: Api, asked: job_pb2.JobSpec) -> job_pb2.Job:
    job = api.finish(api.create(asked).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, from_status(job.error)
    return job


def manifest(server: Server, job: job_pb2.Job) -> Any:
    return json.loads((server.home / job.name / "manifest.json").read_text("utf-8"))


def person(*names: str) -> job_pb2.PoseOptions:
    return job_pb2.PoseOptions(person=job_pb2.PersonChoice(names=names))


def at(frame: int, x: float, y: float) -> job_pb2.PoseOptions:
    place = job_pb2.PersonAt(frame=frame, x=x, y=y)
    return job_pb2.PoseOptions(person=job_pb2.PersonChoice(at=place))


# ---- What comes through


def test_the_engine_is_asked_what_the_message_says(api: Api) -> None:
    files = {api.link(name).name: Path(name) for name in ("plate.mkv", "hero.png", "right.json")}
    pose = job_pb2.PoseOptions(
        person=job_pb2.PersonChoice(names=["b", "C"]),
        proportions=CHARACTER,
        limbs=job_pb2.LimbFactors(arms=1.5, hands=0.5),
        steady_faces=True,
        reference_bgr=True,
    )
    request = swap_request(spec(api, pose, "animate", corrections="right.json"), files)
    assert request.mode is Mode.ANIMATE
    assert request.passes.corrections == Path("right.json")
    assert request.pose == PoseOptions(
        person=Named(("B", "C")),
        proportions=Proportions.CHARACTER,
        limbs=LimbFactors(arms=1.5, hands=0.5),
        steady_faces=True,
        reference_bgr=True,
    )
    assert swap_request(spec(api, at(3, 4, 5.5)), files).pose.person == Clicked(3, 4, 5.5)


def test_an_unset_and_an_empty_message_are_the_engines_own_defaults(api: Api) -> None:
    files = {api.link(name).name: Path(name) for name in ("plate.mkv", "hero.png")}
    ones = job_pb2.PoseOptions(
        person=job_pb2.PersonChoice(),
        proportions=job_pb2.PROPORTIONS_CLIP,
        limbs=job_pb2.LimbFactors(arms=1, legs=1, torso=1, head=1, hands=1),
    )
    for pose in (None, job_pb2.PoseOptions(), ones):
        assert swap_request(spec(api, pose), files).pose == PoseOptions()
    assert PoseOptions().person == Largest()


def test_another_person_is_replaced_and_a_retake_keeps_to_them(server: Server, api: Api) -> None:
    job = finished(api, spec(api, person("B")))
    truth = matte_of(studio_clip(TWO, FRAMES, SIZE), 1)[0]  # the smaller of the two
    assert agreement(first_frame(api, job, result_pb2.LAYER_MATTE), truth) > 0.7
    assert manifest(server, job)["settings"]["person"] == ["B"]
    retake = job_pb2.RetakeSpec(job=job.name)
    retake.span.start, retake.span.end = 1, 3
    again = finished(api, job_pb2.JobSpec(retake=retake))
    assert agreement(first_frame(api, again, result_pb2.LAYER_MATTE), truth) > 0.7
    assert manifest(server, again)["settings"]["person"] == ["B"]


def first_frame(api: Api, job: job_pb2.Job, layer: result_pb2.Layer.ValueType) -> np.ndarray:
    _, _, data = next(iter(api.frames(job.name, layer=layer)))
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


def test_corrections_and_factors_are_in_the_manifest_and_in_the_skeletons(server: Server, api: Api) -> None:
    plain = finished(api, spec(api, verb="animate", keypoints="points.json"))
    limbs = job_pb2.PoseOptions(limbs=job_pb2.LimbFactors(arms=0.6))
    right = finished(api, spec(api, limbs, "animate", keypoints="points.json", corrections="right.json"))
    before, after = (manifest(server, job) for job in (plain, right))
    assert after["settings"]["limbs"] == {"arms": 0.6, "legs": 1, "torso": 1, "head": 1, "hands": 1}
    assert len(after["settings"]["corrections"]) == 64
    assert {"limbs", "corrections"} == after["settings"].keys() ^ before["settings"].keys()
    assert [one["role"] for one in after["inputs"]] == ["clip", "character", "keypoints", "corrections"]
    assert after["request"]["animate"]["pose"] == {"limbs": {"arms": 0.6}}
    poses = [found["segments"][0]["layers"]["pose"]["pixels"] for found in (before, after)]
    assert poses[0] != poses[1]


def test_a_face_clip_is_looked_through_and_is_an_input(server: Server, api: Api) -> None:
    job = finished(api, spec(api, verb="animate", keypoints="points.json", face_clip="plate.mkv"))
    stages = [event.progress.stage for event in api.watch(job.name) if event.HasField("progress")]
    assert "finding the person of the face clip, frame 5 of 5" in stages
    made = manifest(server, job)
    assert [one["role"] for one in made["inputs"]] == ["clip", "character", "keypoints", "face_clip"]
    assert len(made["model"]["nets_sha256"]) == 64
    assert "found" not in made["settings"]


# ---- What is refused


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (job_pb2.PoseOptions(limbs=job_pb2.LimbFactors(legs=4.5)), "spec.replace.pose.limbs.legs is 4.5"),
        (job_pb2.PoseOptions(limbs=job_pb2.LimbFactors(legs=float("nan"))), "spec.replace.pose.limbs.legs"),
        (person("B2"), "spec.replace.pose.person.names.0 is 'B2'"),
        (at(0, -1, 5), "spec.replace.pose.person.at.x is -1.0"),
        (
            job_pb2.PoseOptions(person=job_pb2.PersonChoice(names=["A"], at=job_pb2.PersonAt(frame=1))),
            "needs names or at, not both",
        ),
        (job_pb2.PoseOptions(proportions=7), "has the unknown value 7"),  # type: ignore[arg-type]
        (job_pb2.PoseOptions(proportions=CHARACTER), "Replace keeps the person's own proportions"),
        (at(0, 5, SIZE), "outside the clip's 256x256 pixels"),
    ],
)
def test_values_out_of_their_range_and_what_goes_not_together_make_no_job(
    api: Api, pose: job_pb2.PoseOptions, words: str
) -> None:
    error = refused(api, spec(api, pose))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert words in error.message


def test_a_person_beside_keypoints_makes_no_job(api: Api) -> None:
    error = refused(api, spec(api, person("B"), keypoints="points.json"))
    assert error.reason == "INVALID_FIELD"
    assert "Nobody is looked for, since passes of yours say whom to follow" in error.message


def test_a_click_in_a_frame_that_is_not_made_makes_no_job(api: Api) -> None:
    asked = spec(api, at(4, 5, 5))
    asked.replace.range.start, asked.replace.range.end = 1, 4
    error = refused(api, asked)
    assert error.reason == "FRAME_RANGE_OUTSIDE"
    assert "clicked in frame 4, but frames 1 to 3 are made" in error.message


@pytest.mark.parametrize(
    ("role", "words"), [("corrections", "The corrections must be"), ("face_clip", "The face clip must be")]
)
def test_a_picture_in_the_place_of_corrections_or_a_face_clip_makes_no_job(
    api: Api, role: str, words: str
) -> None:
    error = refused(api, spec(api, None, "replace", **{role: "hero.png"}))
    assert error.reason == "UNSUPPORTED_MEDIA"
    assert words in error.message


@pytest.mark.parametrize(
    ("file", "reason", "words"),
    [
        ("late.json", "PASS_MISMATCH", "A correction is of frame 5, but the clip has 5 frames"),
        ("points.json", "UNSUPPORTED_MEDIA", "understudy.pose_corrections"),
    ],
)
def test_corrections_that_do_not_fit_are_refused_by_the_estimate(
    api: Api, file: str, reason: str, words: str
) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=spec(api, corrections=file)))
    error = told(refusal.value)
    assert error.reason == reason
    assert words in error.message


def test_a_name_that_nobody_has_fails_with_those_that_there_are_before_the_model_runs(api: Api) -> None:
    job = api.finish(api.create(spec(api, person("Z"))).name)
    error = from_status(job.error)
    assert error.reason == "PASS_MISSING"
    assert "Nobody in the clip is named Z; found were: A, B. Choose one of them." in error.message
    assert job.progress.step == 0
