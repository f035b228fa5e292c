"""Takes of a shot through a real server: found, listed, promoted, compared, and made again in part."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import FRAMES
from tests.server.support.process import Api, Server, Told, from_status, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, take_pb2, types_pb2
from understudy_engine.media.read import open_clip
from understudy_engine.types import FrameRange

SUCCEEDED = job_pb2.JOB_STATE_SUCCEEDED
RESULT, CHARACTER, MATTE = result_pb2.LAYER_RESULT, result_pb2.LAYER_CHARACTER, result_pb2.LAYER_MATTE
NOBODY, NOWHERE = "jobs/" + "0" * 20, "shots/" + "0" * 20


@pytest.fixture(scope="module")
def takes_server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("takes") / "home", footage) as server:
        yield server


@pytest.fixture
def api(takes_server: Server) -> Iterator[Api]:
    with Api(read_endpoint(takes_server.home)) as api:
        yield api


@pytest.fixture(scope="module")
def base(takes_server: Server) -> job_pb2.Job:
    """A take of all 11 frames, in segments of 5, 4 and 2."""
    with Api(read_endpoint(takes_server.home)) as api:
        job = api.finish(create(api, animate_spec(api, seed=1)).name)
    assert job.state == SUCCEEDED, from_status(job.error)
    return job


def create(api: Api, spec: job_pb2.JobSpec, **fields: Any) -> job_pb2.Job:
    request = job_pb2.CreateJobRequest(request_id=str(uuid.uuid4()), spec=spec, **fields)
    return api.call(api.jobs.CreateJob, request).job


def ranged(api: Api, start: int, end: int) -> job_pb2.JobSpec:
    spec = animate_spec(api)
    spec.animate.range.start, spec.animate.range.end = start, end
    return spec


def retake_spec(job: job_pb2.Job, start: int, end: int, **fields: Any) -> job_pb2.JobSpec:
    span = types_pb2.FrameRange(start=start, end=end)
    return job_pb2.JobSpec(retake=job_pb2.RetakeSpec(job=job.name, span=span, **fields))


def retake(api: Api, job: job_pb2.Job, start: int, end: int, seed: int = 7) -> job_pb2.Job:
    made = api.finish(create(api, retake_spec(job, start, end, sampling=job_pb2.Sampling(seed=seed))).name)
    assert made.state == SUCCEEDED, from_status(made.error)
    return made


def shots(api: Api, **asked: Any) -> take_pb2.ListShotsResponse:
    return api.call(api.takes.ListShots, take_pb2.ListShotsRequest(**asked))


def promote(api: Api, name: str) -> job_pb2.Job:
    return api.call(api.takes.PromoteTake, take_pb2.PromoteTakeRequest(job=name)).job


def compare(api: Api, a: str, b: str, layer: int = 0) -> list[take_pb2.CompareTakesResponse]:
    request = take_pb2.CompareTakesRequest(job_a=a, job_b=b, layer=result_pb2.Layer.ValueType(layer))
    return list(api.stream(api.takes.CompareTakes, request))


def refused(call: Callable[..., Any], *values: Any, **named: Any) -> Told:
    with pytest.raises(grpc.RpcError) as caught:
        call(*values, **named)
    return told(caught.value)


def identical(api: Api, a: job_pb2.Job, b: job_pb2.Job, layer: int = 0) -> list[int]:
    return [frame.frame for frame in compare(api, a.name, b.name, layer) if frame.identical]


def pixels(api: Api, job: job_pb2.Job, layer: result_pb2.Layer.ValueType = RESULT) -> list[bytes]:
    raw = result_pb2.FRAME_ENCODING_RAW
    return [data for _, _, data in api.frames(job.name, layer=layer, encoding=raw)]


# ---- Shots -----------------------------------------------------------------------------------------------


def test_jobs_on_one_clip_range_and_verb_are_takes_of_one_shot(api: Api) -> None:
    first, second = create(api, ranged(api, 2, 5)), create(api, ranged(api, 2, 5))
    assert (first.take, second.take) == (1, 2)
    assert first.shot == second.shot
    assert first.shot.startswith("shots/")
    other = create(api, ranged(api, 2, 6))
    assert other.take == 1
    assert other.shot != first.shot
    assert api.job(second.name).take == 2
    assert not api.job(second.name).promoted


def test_the_whole_clip_named_frame_by_frame_is_the_same_shot_as_no_range(
    api: Api, base: job_pb2.Job
) -> None:
    assert create(api, ranged(api, 0, FRAMES)).shot == base.shot


def test_a_shot_that_is_named_takes_the_job_whatever_its_range(api: Api) -> None:
    first = create(api, ranged(api, 1, 4))
    with_handles = create(api, ranged(api, 0, 5), shot=first.shot)
    assert (with_handles.shot, with_handles.take) == (first.shot, 2)
    error = refused(create, api, ranged(api, 1, 4), shot=NOWHERE)
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "SHOT_NOT_FOUND")
    assert NOWHERE in error.message
    assert "shot is not a shot's name" in refused(create, api, ranged(api, 1, 4), shot="sc 12").message


def test_shots_are_listed_with_their_takes_newest_shot_first_by_pages(api: Api) -> None:
    old = [create(api, ranged(api, 3, 8)) for _ in range(3)]
    new = create(api, ranged(api, 3, 9))
    first = shots(api, page_size=1)
    assert [shot.name for shot in first.shots] == [new.shot]
    second = shots(api, page_size=1, page_token=first.next_page_token).shots[0]
    assert [take.name for take in second.takes] == [job.name for job in old]
    assert [take.take for take in second.takes] == [1, 2, 3]
    assert (second.range.start, second.range.end) == (3, 8)
    assert second.clip == old[0].spec.animate.clip
    [alone] = shots(api, shot=old[0].shot).shots
    assert alone.name == old[0].shot
    assert refused(shots, api, shot=NOWHERE).reason == "SHOT_NOT_FOUND"
    assert "page_token" in refused(shots, api, page_token="next").message


def test_a_number_is_not_given_again_when_its_take_is_deleted(api: Api) -> None:
    first, second = create(api, ranged(api, 5, 9)), create(api, ranged(api, 5, 9))
    api.finish(second.name)
    api.call(api.jobs.DeleteJob, job_pb2.DeleteJobRequest(name=second.name))
    assert create(api, ranged(api, 5, 9)).take == 3
    assert [take.take for take in shots(api, shot=first.shot).shots[0].takes] == [1, 3]


# ---- The chosen take -------------------------------------------------------------------------------------


def test_a_shot_has_one_chosen_take(api: Api) -> None:
    first, second = (api.finish(create(api, ranged(api, 0, 2)).name) for _ in range(2))
    assert promote(api, first.name).promoted
    assert promote(api, second.name).promoted
    assert promote(api, second.name).promoted
    assert [take.promoted for take in shots(api, shot=first.shot).shots[0].takes] == [False, True]
    assert [api.job(job.name).promoted for job in (first, second)] == [False, True]


def test_only_a_take_that_has_succeeded_can_be_chosen(api: Api) -> None:
    failed = api.finish(create(api, animate_spec(api, seed=13)).name)
    error = refused(promote, api, failed.name)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TAKE_UNFINISHED")
    assert f"take {failed.take} is failed" in error.message
    assert refused(promote, api, NOBODY).reason == "JOB_NOT_FOUND"
    assert "is not a job's name" in refused(promote, api, "jobs/../x").message


# ---- Two takes compared ----------------------------------------------------------------------------------


def test_two_takes_are_compared_frame_by_frame(api: Api, base: job_pb2.Job) -> None:
    same, other = (api.finish(create(api, animate_spec(api, seed=seed)).name) for seed in (1, 2))
    assert identical(api, base, same) == list(range(FRAMES))
    frames = compare(api, base.name, other.name)
    assert [frame.frame for frame in frames] == list(range(FRAMES))
    shape = (32, 32, 3)
    decoded = [
        [np.frombuffer(data, np.uint8).reshape(shape) / 255 for data in pixels(api, job)]
        for job in (base, other)
    ]
    for frame, ours, theirs in zip(frames, *decoded, strict=True):
        apart = np.abs(ours - theirs)
        assert not frame.identical
        assert frame.mean_difference == pytest.approx(apart.mean(), abs=1e-6)
        assert frame.max_difference == pytest.approx(apart.max(), abs=1e-6)


def test_what_cannot_be_compared_says_why(api: Api, base: job_pb2.Job) -> None:
    other_shot = api.finish(create(api, ranged(api, 0, 3)).name)
    assert "takes of two shots" in refused(compare, api, base.name, other_shot.name).message
    shorter = api.finish(create(api, ranged(api, 0, 3), shot=base.shot).name)
    error = refused(compare, api, base.name, shorter.name)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TAKES_UNLIKE")
    assert f"{FRAMES} frames" in error.message
    assert "3." in error.message
    failed = api.finish(create(api, animate_spec(api, seed=13)).name)
    assert refused(compare, api, base.name, failed.name).reason == "TAKE_UNFINISHED"
    assert refused(compare, api, base.name, NOBODY).reason == "JOB_NOT_FOUND"
    assert "no layer 'pose'" in refused(compare, api, base.name, base.name, result_pb2.LAYER_POSE).message
    assert "job_b is missing" in refused(compare, api, base.name, "").message


# ---- Retakes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"), [(3, 7), (0, 4), (8, FRAMES), (6, 7), (5, 9), (0, FRAMES), (1, 10)], ids=str
)
def test_outside_the_span_every_layer_of_a_retake_is_its_bases_bit_for_bit(
    api: Api, base: job_pb2.Job, start: int, end: int
) -> None:
    made = retake(api, base, start, end)
    outside = [frame for frame in range(FRAMES) if not start <= frame < end]
    for layer in (RESULT, CHARACTER, MATTE):
        assert identical(api, base, made, layer) == outside
    assert (made.shot, made.take > base.take) == (base.shot, True)
    assert made.progress.frames_done == made.progress.frames_total == FRAMES


def test_a_retake_is_a_whole_take(api: Api, takes_server: Server, base: job_pb2.Job) -> None:
    made = retake(api, base, 3, 7)
    segments = api.segments(made.name)
    edges = [(segment.frames.start, segment.frames.end) for segment in segments]
    assert edges == [(0, 3), (3, 5), (5, 7), (7, 9), (9, 11)]
    assert [segment.index for segment in segments] == list(range(5))
    assert all(segment.state == result_pb2.SEGMENT_STATE_STORED for segment in segments)
    assert made.plan.segment_count == made.progress.segments_total == 5
    assert made.plan.range == base.plan.range
    assert made.plan.seed == 7
    master = takes_server.home / made.name / "master.mkv"
    with open_clip(master) as clip:
        assert clip.info.rate == Fraction(24000, 1001)
        frames = list(clip.read(FrameRange(0, clip.info.frame_count)))
    assert len(frames) == FRAMES
    streamed = pixels(api, made)
    for picture, data in zip(frames, streamed, strict=True):
        shown = cv2.cvtColor(picture.planes[0][..., :3], cv2.COLOR_BGR2RGB)  # stored as bgr0
        assert shown.tobytes() == data


def test_a_whole_segment_of_the_base_takes_no_second_room(
    api: Api, takes_server: Server, base: job_pb2.Job
) -> None:
    made = retake(api, base, 3, 5)
    home = takes_server.home
    last, bases = (home / job.name / "segments" for job in (made, base))
    newest = max(last.iterdir()) / "result.mkv"
    assert newest.samefile(bases / "00002" / "result.mkv")


def test_a_retake_of_a_retake_keeps_what_the_first_one_made(api: Api, base: job_pb2.Job) -> None:
    first = retake(api, base, 2, 5)
    second = retake(api, first, 6, 9, seed=8)
    assert identical(api, first, second) == [0, 1, 2, 3, 4, 5, 9, 10]
    assert identical(api, base, second) == [0, 1, 5, 9, 10]
    overlapping = retake(api, second, 4, 7, seed=9)
    assert identical(api, second, overlapping) == [0, 1, 2, 3, 7, 8, 9, 10]


def test_the_same_seed_makes_the_same_span_and_other_changes_stay(api: Api, base: job_pb2.Job) -> None:
    first, second = retake(api, base, 3, 7), retake(api, base, 3, 7)
    assert pixels(api, first) == pixels(api, second)
    assert pixels(api, retake(api, base, 3, 7, seed=8)) != pixels(api, first)
    of_it = api.finish(create(api, retake_spec(first, 3, 7)).name)
    assert of_it.plan.seed == 7  # the first retake's change is part of what the second one starts from


def test_a_retake_survives_the_death_of_its_engine_with_the_same_pixels(
    tmp_path: Path, footage: Path
) -> None:
    with running(tmp_path / "calm", footage) as server, Api(read_endpoint(server.home)) as api:
        base = api.finish(create(api, animate_spec(api)).name)
        calm = retake(api, base, 2, 10)
        expected = {layer: pixels(api, calm, layer) for layer in (RESULT, CHARACTER)}
        server.stop()
    for point in ("segment 2", "after join"):
        home = shutil.copytree(tmp_path / "calm", tmp_path / point.replace(" ", "-"))
        with running(home, footage) as server, Api(read_endpoint(server.home)) as api:
            server.fault.wish(point, "engine")
            made = retake(api, base, 2, 10)
            assert made.attempt == 2
            assert {layer: pixels(api, made, layer) for layer in expected} == expected


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"span": types_pb2.FrameRange(start=4, end=4)}, "spec.retake.span is empty"),
        (
            {"span": types_pb2.FrameRange(start=4, end=12)},
            "Frames 4 to 11 were asked for, but take 1 has frames 0 to 10",
        ),
        ({"blend_frames": 17}, "spec.retake.blend_frames is 17"),
        ({"sampling": job_pb2.Sampling(work_area_px=8192)}, "cannot change sampling.work_area_px"),
        ({"sampling": job_pb2.Sampling(guidance_frames=5)}, "cannot change sampling.guidance_frames"),
        ({"job": "jobs/here"}, "is not a job's name"),
        ({"job": NOBODY}, f"There is no job '{NOBODY}'"),
    ],
)
def test_a_retake_that_makes_no_sense_is_refused_when_it_is_created(
    api: Api, base: job_pb2.Job, change: dict[str, Any], words: str
) -> None:
    spec = retake_spec(base, 3, 7)
    spec.retake.MergeFrom(job_pb2.RetakeSpec(**change))
    assert words in refused(create, api, spec).message


def test_a_retake_belongs_to_its_bases_shot(api: Api, base: job_pb2.Job) -> None:
    other = create(api, ranged(api, 6, 9))
    error = refused(create, api, retake_spec(base, 3, 7), shot=other.shot)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "shot")
    assert create(api, retake_spec(base, 3, 7), shot=base.shot).shot == base.shot


def test_a_take_that_failed_or_keeps_no_frames_cannot_be_started_from(api: Api, takes_server: Server) -> None:
    failed = api.finish(create(api, animate_spec(api, seed=13)).name)
    assert refused(create, api, retake_spec(failed, 3, 7)).reason == "TAKE_UNFINISHED"
    emptied = api.finish(create(api, animate_spec(api)).name)
    shutil.rmtree(takes_server.home / emptied.name / "segments")
    job = api.finish(create(api, retake_spec(emptied, 3, 7)).name)
    error = from_status(job.error)
    assert error.reason == "FRAMES_GONE"
    assert "no longer kept" in error.message
    assert refused(compare, api, emptied.name, emptied.name).reason == "FRAMES_GONE"


def test_a_damaged_segment_does_not_become_part_of_the_next_take(api: Api, takes_server: Server) -> None:
    base = api.finish(create(api, animate_spec(api)).name)
    layer = takes_server.home / base.name / "segments" / "00002" / "matte.mkv"
    data = bytearray(layer.read_bytes())
    data[-20] ^= 1
    layer.write_bytes(data)
    error = from_status(api.finish(create(api, retake_spec(base, 0, 3)).name).error)
    assert error.reason == "CORRUPT_MEDIA"
    assert "matte.mkv" in error.message
