"""Several people in one job, through a server with the real engine and a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from tests.engine.conftest import SIZE, moving_plate
from tests.engine.two_people import LEFT, RIGHT, role_in
from tests.server.support.footage import segment_digests
from tests.server.support.process import Api, Server, Told, from_status, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, take_pb2
from understudy_engine.footprint import memory_needed
from understudy_engine.media.info import ClipInfo, ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.model.configs import NANO
from understudy_engine.planning import draft
from understudy_engine.types import Depth, FrameSize
from understudy_server.convert import media_of, roles_of, swap_request
from understudy_server.disk import bytes_needed
from understudy_server.estimate import Outline
from understudy_server.store.lessons import Workload

FRAMES = 14  # two segments
TINY = "tests.server.support.tiny:load"
SUCCEEDED = job_pb2.JOB_STATE_SUCCEEDED


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """plate.mkv; of two people apart, left and right, and of one in the middle .png, .json and .mkv."""
    folder = tmp_path_factory.mktemp("footage")
    write_layer(folder / "plate.mkv", moving_plate(FRAMES), rate=Fraction(24), colour=ColourTags())
    for seed, (name, columns) in enumerate({"left": LEFT, "right": RIGHT, "middle": (14, 36)}.items()):
        role_in(folder, name, [columns] * FRAMES, 40 + seed)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home, footage, engine_factory=TINY) as server:
        yield server


def fill(api: Api, role: Any, name: str) -> Any:
    role.character = api.link(f"{name}.png").name
    role.passes.keypoints = api.link(f"{name}.json").name
    role.passes.matte = api.link(f"{name}.mkv").name
    role.matte.grow_px = 2
    return role


def spec(api: Api, *names: str, seed: int = 5) -> job_pb2.JobSpec:
    """The first of *names* as the request's own, the others as further roles."""
    made = job_pb2.JobSpec()
    work = fill(api, made.replace, names[0])
    work.clip = api.link("plate.mkv").name
    for name in names[1:]:
        fill(api, work.roles.add(), name)
    work.sampling.steps, work.sampling.seed, work.sampling.work_area_px = 2, seed, SIZE * SIZE
    return made


@pytest.fixture(scope="module")
def both(server: Server) -> job_pb2.Job:
    """A job of two roles."""
    with Api(read_endpoint(server.home)) as api:
        return finished(api, spec(api, "left", "right"))


@pytest.fixture(scope="module")
def left(server: Server) -> job_pb2.Job:
    """A job of the first of them alone."""
    with Api(read_endpoint(server.home)) as api:
        return finished(api, spec(api, "left"))


def finished(api: Api, asked: job_pb2.JobSpec) -> job_pb2.Job:
    job = api.finish(api.create(asked).name)
    assert job.state == SUCCEEDED, from_status(job.error)
    return job


def manifest(server: Server, job: job_pb2.Job) -> Any:
    return json.loads((server.home / job.name / "manifest.json").read_text("utf-8"))


def pixels(server: Server, job: job_pb2.Job) -> list[dict[str, str]]:
    """Of each segment, the layers' hashes by name."""
    segments = manifest(server, job)["segments"]
    return [{name: layer["pixels"] for name, layer in each["layers"].items()} for each in segments]


def refused(api: Api, asked: job_pb2.JobSpec) -> Told:
    with pytest.raises(grpc.RpcError) as refusal:
        api.create(asked)
    return told(refusal.value)


# ---- What comes through


def test_the_engine_is_asked_what_the_message_says(api: Api) -> None:
    asked = spec(api, "left", "right")
    role = asked.replace.roles[0]
    role.pose.limbs.arms, role.depth = 1.5, job_pb2.DEPTH_FRONT
    role.matte.grow_hair_px = 0
    names = [f"{name}.{suffix}" for name in ("left", "right") for suffix in ("png", "json", "mkv")]
    files = {api.link(name).name: Path(name) for name in ("plate.mkv", *names)}
    request = swap_request(asked, files)
    (further,) = request.roles
    assert (request.depth, further.depth) == (Depth.SEEN, Depth.FRONT)
    assert (request.character, further.character) == (Path("left.png"), Path("right.png"))
    assert (further.passes.keypoints, further.passes.matte) == (Path("right.json"), Path("right.mkv"))
    assert (further.pose.limbs.arms, further.matte.grow_px) == (1.5, 2)
    assert (further.matte.grow_hair_px, further.matte.grow_clothes_px) == (0, None)
    assert swap_request(spec(api, "left"), files).roles == ()


def test_each_roles_layers_are_those_of_a_job_of_its_own(
    server: Server, api: Api, both: job_pb2.Job, left: job_pb2.Job
) -> None:
    right = finished(api, spec(api, "right", seed=6))
    for together, first, second in zip(*(pixels(server, job) for job in (both, left, right)), strict=True):
        for layer in ("character", "matte", "pose"):
            assert together[layer] == first[layer]
            assert together[f"{layer}-1"] == second[layer]
        assert together["result"] not in (first["result"], second["result"])


def test_a_role_is_streamed_scrubbed_and_told_by_its_number(api: Api, both: job_pb2.Job) -> None:
    segments = api.segments(both.name)
    assert [(each.layer, each.role) for each in segments[0].layers if each.role] == [
        (result_pb2.LAYER_CHARACTER, 1),
        (result_pb2.LAYER_MATTE, 1),
        (result_pb2.LAYER_POSE, 1),
    ]
    mattes = []
    for role in (0, 1):
        stream = list(api.frames(both.name, layer=result_pb2.LAYER_MATTE, role=role))
        request = result_pb2.GetFrameRequest(job=both.name, layer=result_pb2.LAYER_MATTE, frame=3, role=role)
        assert api.call(api.results.GetFrame, request).data == stream[3][2]
        matte = cv2.imdecode(np.frombuffer(stream[3][2], np.uint8), cv2.IMREAD_UNCHANGED)
        assert matte is not None
        mattes.append(matte)
    assert mattes[0][:, :32].any()
    assert not mattes[0][:, 32:].any()
    assert mattes[1][:, 32:].any()
    assert not mattes[1][:, :32].any()
    results = [next(iter(api.frames(both.name, role=role)))[2] for role in (0, 1)]
    assert results[0] == results[1]  # everybody's


def test_a_role_that_is_not_there_has_no_layers(api: Api, both: job_pb2.Job) -> None:
    request = result_pb2.GetFrameRequest(job=both.name, layer=result_pb2.LAYER_POSE, role=2)
    with pytest.raises(grpc.RpcError) as refusal:
        api.call(api.results.GetFrame, request)
    error = told(refusal.value)
    assert error.reason == "LAYER_NOT_MADE"
    assert "character-1, matte-1, pose-1" in error.message


def test_the_manifest_tells_inputs_settings_seeds_and_order_of_each_role(
    server: Server, both: job_pb2.Job, left: job_pb2.Job
) -> None:
    made = manifest(server, both)
    roles = [one["role"] for one in made["inputs"]]
    assert roles == ["clip", "character", "keypoints", "matte", "character-1", "keypoints-1", "matte-1"]
    assert made["settings"]["roles"][0]["grow_px"] == 2
    assert made["request"]["replace"]["roles"] == [{"matte": {"grow_px": 2}}]
    assert [len(segment["seeds"]) for segment in made["segments"]] == [1, 1]
    assert [segment["order"] for segment in made["segments"]] == [[[0, 9, [0, 1]]], [[9, 14, [0, 1]]]]
    alone = manifest(server, left)
    assert not {"seeds", "order"} & alone["segments"][0].keys()
    assert "roles" not in alone["settings"]


def test_masks_of_each_role_come_through_and_stand_in_the_manifest(
    server: Server, api: Api, footage: Path, both: job_pb2.Job
) -> None:
    upper = np.zeros((SIZE, SIZE), np.uint8)
    upper[: SIZE // 2] = 255
    cv2.imwrite(str(footage / "upper.png"), upper)
    asked = spec(api, "left", "right")
    asked.replace.passes.garbage = asked.replace.roles[0].passes.keep = api.link("upper.png").name
    files = {name: Path(name) for name in media_of(asked.replace)}
    request = swap_request(asked, files)
    assert request.passes.garbage == request.roles[0].passes.keep == Path(api.link("upper.png").name)
    masked = finished(api, asked)
    made = manifest(server, masked)
    hashes = {one["role"]: one["sha256"] for one in made["inputs"]}
    assert hashes["garbage"] == hashes["keep-1"]
    assert made["settings"] == manifest(server, both)["settings"]
    frame = result_pb2.GetFrameRequest(job=masked.name, layer=result_pb2.LAYER_MATTE, role=1)
    matte = cv2.imdecode(
        np.frombuffer(api.call(api.results.GetFrame, frame).data, np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert matte is not None
    assert not matte[: SIZE // 2].any()
    assert matte[SIZE // 2 :].any()


def test_steps_and_parts_are_told_of_all_roles_together(api: Api, both: job_pb2.Job) -> None:
    assert (both.plan.role_count, both.plan.steps_per_segment) == (2, 4)
    events = list(api.watch(both.name))
    steps = [event.progress.step for event in events if event.progress.stage == "denoising"]
    assert steps == [1, 2, 3, 4] * 2
    fractions = [event.progress.fraction for event in events if event.HasField("progress")]
    assert fractions == sorted(fractions)
    stored = [n for n, event in enumerate(events) if event.HasField("segment_stored")]
    later = [n for n, event in enumerate(events) if event.progress.stage == "denoising"]
    assert stored[0] < later[-1]  # the first part landed while others rendered


# ---- Disturbed


def test_an_engine_that_dies_between_segments_leaves_a_job_that_ends_with_the_same_pixels(
    server: Server, api: Api, both: job_pb2.Job
) -> None:
    server.fault.wish("step 1 1", "engine")
    job = api.finish(api.create(spec(api, "left", "right")).name)
    assert (job.state, job.attempt) == (SUCCEEDED, 2)
    assert segment_digests(server.home, job) == segment_digests(server.home, both)
    assert pixels(server, job) == pixels(server, both)


# ---- Again


def test_a_retake_of_one_role_keeps_the_other_and_all_frames_outside(
    server: Server, api: Api, both: job_pb2.Job
) -> None:
    retake = job_pb2.RetakeSpec(job=both.name, roles=[1], blend_frames=0)
    retake.span.start, retake.span.end = 9, 14
    retake.sampling.seed = 77
    estimate = api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=job_pb2.JobSpec(retake=retake)))
    assert estimate.plan.steps_per_segment == 2
    again = finished(api, job_pb2.JobSpec(retake=retake))
    before, after = pixels(server, both), pixels(server, again)
    assert after[0] == before[0]
    assert {name for name in before[1] if after[1][name] != before[1][name]} == {"result", "character-1"}
    told = manifest(server, again)
    assert [segment["order"] for segment in told["segments"]] == [[[0, 9, [0, 1]]], [[9, 14, [0, 1]]]]
    assert differing(api, both, again, role=0) == []
    assert set(differing(api, both, again, role=1)) == set(range(9, 14))


def differing(api: Api, a: job_pb2.Job, b: job_pb2.Job, role: int) -> list[int]:
    """Frames in which the character of *role* is another."""
    request = take_pb2.CompareTakesRequest(
        job_a=a.name, job_b=b.name, layer=result_pb2.LAYER_CHARACTER, role=role
    )
    return [each.frame for each in api.stream(api.takes.CompareTakes, request) if not each.identical]


def test_a_retake_of_a_role_that_is_not_there_makes_no_job(api: Api, both: job_pb2.Job) -> None:
    retake = job_pb2.RetakeSpec(job=both.name, roles=[2])
    retake.span.end = 5
    error = refused(api, job_pb2.JobSpec(retake=retake))
    assert error.reason == "INVALID_FIELD"
    assert "There is no role 2" in error.message


# ---- What it costs


def test_the_work_of_roles_adds_up(api: Api) -> None:
    def work(*names: str, found: bool = False, recalled: Sequence[int] = ()) -> Workload:
        asked = spec(api, *names)
        for role in roles_of(asked.replace) if found else ():
            role.ClearField("passes")
        files = {name: Path("any") for name in media_of(asked.replace)}
        info = ClipInfo(
            path=Path("any"),
            size=FrameSize(SIZE, SIZE),
            rate=Fraction(24),
            frame_count=FRAMES,
            variable_rate=False,
            pix_fmt="yuv420p",
            bit_depth=8,
        )
        made = draft(swap_request(asked, files), NANO, info, FrameSize(64, 80), loras=())
        outline = Outline(
            spec=asked, model=NANO, loras=frozenset(), clip=info, draft=made, recalled=frozenset(recalled)
        )
        return outline.work

    one, two, found = work("left"), work("left", "right"), work("left", "right", found=True)
    known = work("left", "right", found=True, recalled=[1])
    assert (two.denoise_flops, two.make_px, two.finish_px) == (
        2 * one.denoise_flops,
        2 * one.make_px,
        2 * one.finish_px,
    )
    assert (one.find_frames, two.find_frames, found.find_frames) == (0, 0, 2 * FRAMES)
    assert known.find_frames == FRAMES  # of role 1 all was found before


def test_memory_and_disk_are_those_of_one_and_what_is_kept_of_the_other(api: Api, both: job_pb2.Job) -> None:
    one, two = (
        api.call(api.jobs.EstimateJob, job_pb2.EstimateJobRequest(spec=asked))
        for asked in (spec(api, "left"), spec(api, "left", "right"))
    )
    assert one.memory_needed_bytes < two.memory_needed_bytes < 2 * one.memory_needed_bytes
    assert one.disk_needed_bytes < two.disk_needed_bytes < 2 * one.disk_needed_bytes


def test_a_further_role_takes_its_frames_as_floats_and_its_layers() -> None:
    model, plate, frames = FrameSize(256, 256), FrameSize(512, 512), 9
    one, two = (memory_needed(NANO, model, frames, plate, roles=roles) for roles in (1, 2))
    kept = frames * (3 * 4 * 256 * 256 + 5 * 512 * 512)
    assert two - one == kept + 37 * 512 * 512 + (13 << 20)


def test_the_disk_is_asked_for_the_layers_of_every_role(api: Api, both: job_pb2.Job) -> None:
    plain = job_pb2.Job(spec=both.spec, plan=both.plan)
    plain.plan.role_count = 0
    pending = [result_pb2.Segment(frames=each.frames) for each in api.segments(both.name)]
    needed = [bytes_needed(job, pending) for job in (plain, both)]
    overlaps = len(pending) * SIZE * SIZE * 5 * 3 * 4
    assert needed[1] - needed[0] == overlaps + int(FRAMES * 1.5 * SIZE * SIZE)


# ---- What is refused


def test_two_roles_of_one_person_fail_the_job_before_the_model_runs(api: Api) -> None:
    asked = spec(api, "left", "right")
    asked.replace.roles[0].passes.matte = asked.replace.passes.matte
    job = api.finish(api.create(asked).name)
    error = from_status(job.error)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PASS_MISMATCH")
    assert "Roles 0 and 1 would replace the same person" in error.message
    assert job.progress.step == 0


def test_what_is_amiss_with_a_role_makes_no_job(api: Api) -> None:
    limbs, kind, many, idle = (spec(api, "left", "right") for _ in range(4))
    limbs.replace.roles[0].pose.limbs.legs = 9
    kind.replace.roles[0].passes.face_clip = api.link("left.png").name
    many.replace.roles.extend([many.replace.roles[0]] * 7)
    idle.replace.roles[0].pose.person.names.append("B")
    for asked, words in (
        (limbs, "spec.replace.roles.0.pose.limbs.legs is 9"),
        (kind, "The face clip-1 must be"),
        (many, "spec.replace.roles"),
        (idle, "Role 1: Nobody is looked for"),
    ):
        assert words in refused(api, asked).message
