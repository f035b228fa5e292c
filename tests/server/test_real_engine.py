"""A Replace through the server with the real engine and a tiny model, undisturbed and disturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.server.support.footage import segment_digests
from tests.server.support.process import Api, Server, from_status
from tests.support.waiting import wait_until
from understudy_api.v1 import job_pb2, result_pb2, take_pb2, types_pb2
from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.write import write_layer
from understudy_engine.types import FrameRange, Picture

TINY = "tests.server.support.tiny:load"
SIZE = 64
FRAMES = 20  # three segments


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """plate.mkv (10 bits, limited range), hero.png, points.json, matte.mkv: all a Replace needs."""
    folder = tmp_path_factory.mktemp("shot")
    noise = np.random.default_rng(7)
    luma = noise.integers(240, 800, (SIZE, SIZE), np.uint16)
    chroma = [noise.integers(400, 600, (SIZE // 2, SIZE // 2), np.uint16) for _ in range(2)]
    plates = [Picture((np.roll(luma, number, axis=1), *chroma), "yuv420p10le") for number in range(FRAMES)]
    rate, colour = Fraction(24000, 1001), ColourTags("bt709", "bt709", "bt709", "tv")
    write_layer(folder / "plate.mkv", plates, rate=rate, colour=colour)
    person = np.zeros((SIZE, SIZE), np.uint8)
    person[20:50, 24:44] = 255
    write_layer(folder / "matte.mkv", [Picture((person,), "gray")] * FRAMES, rate=rate, colour=ColourTags())
    points = np.dstack([noise.uniform(16, 48, (FRAMES, 133, 2)), np.ones((FRAMES, 133))]).round(2).tolist()
    keypoints = {
        "format": "understudy.keypoints",
        "version": 1,
        "width": SIZE,
        "height": SIZE,
        "frames": points,
    }
    (folder / "points.json").write_text(json.dumps(keypoints), "utf-8")
    cv2.imwrite(str(folder / "hero.png"), noise.integers(0, 255, (80, 64, 3), np.uint8))
    return folder


@pytest.fixture
def started(tmp_path: Path, shot: Path) -> Iterator[tuple[Server, Api]]:
    server = Server(tmp_path / "home", shot, engine_factory=TINY)
    api = server.start()
    yield server, api
    api.close()
    if server.process is not None and server.process.poll() is None:
        server.kill()


def replace_spec(api: Api) -> job_pb2.JobSpec:
    work = job_pb2.ReplaceSpec(clip=api.link("plate.mkv").name, character=api.link("hero.png").name)
    work.passes.keypoints = api.link("points.json").name
    work.passes.matte = api.link("matte.mkv").name
    work.sampling.steps, work.sampling.seed, work.sampling.work_area_px = 4, 3, SIZE * SIZE
    return job_pb2.JobSpec(replace=work)


def test_a_replace_survives_the_deaths_of_engine_and_server_with_the_same_pixels(
    started: tuple[Server, Api], shot: Path
) -> None:
    server, api = started
    undisturbed = api.finish(api.create(replace_spec(api)).name)
    assert undisturbed.state == job_pb2.JOB_STATE_SUCCEEDED, from_status(undisturbed.error)
    digests = segment_digests(server.home, undisturbed)
    assert len(digests) == 3 * 5  # result, character, matte, pose and overlap of three segments

    server.fault.wish("step 1 2", "engine")
    job = api.finish(api.create(replace_spec(api)).name)
    assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
    assert segment_digests(server.home, job) == digests

    server.fault.wish("step 1 3", "server")
    server_killed = api.create(replace_spec(api)).name
    server.wait_until_killed()
    with server.start() as again:
        job = again.finish(server_killed)
        assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
        assert segment_digests(server.home, job) == digests
        check_master(server, job, shot)
        check_stream(again, job)


def test_segments_that_are_stored_beside_the_next_ones_steps_have_the_same_pixels(
    started: tuple[Server, Api], shot: Path
) -> None:
    server, api = started
    digests = segment_digests(server.home, api.finish(api.create(replace_spec(api)).name))
    server.stop()
    beside = Server(server.home, shot, {"ASIDE": "1"}, engine_factory=TINY)
    with beside.start() as again:
        try:
            job = again.finish(again.create(replace_spec(again)).name)
            assert segment_digests(beside.home, job) == digests
            check_order(list(again.watch(job.name)))
            beside.fault.wish("step 2 2", "engine")
            job = again.finish(again.create(replace_spec(again)).name)
            assert (job.state, job.attempt) == (job_pb2.JOB_STATE_SUCCEEDED, 2)
            assert segment_digests(beside.home, job) == digests
            check_order(list(again.watch(job.name)))
            beside.fault.halt("step 1 2")
            job = again.create(replace_spec(again))
            wait_until(lambda: again.job(job.name).progress.stage == "denoising")
            again.cancel(job.name)
            assert again.finish(job.name).state == job_pb2.JOB_STATE_CANCELLED
            assert not list((beside.home / "jobs").rglob(".*"))
        finally:
            beside.kill()


def check_order(events: list[job_pb2.JobEvent]) -> None:
    stored = [event.segment_stored.index for event in events if event.HasField("segment_stored")]
    assert stored == [0, 1, 2]
    fractions = [event.progress.fraction for event in events if event.HasField("progress")]
    assert fractions == sorted(fractions)


def check_master(server: Server, job: job_pb2.Job, shot: Path) -> None:
    """It has the plate's format, rate and tags, and outside the matte its samples."""
    file = server.home / job.name / "master.mkv"
    plate, master = probe(shot / "plate.mkv"), probe(file)
    for fact in ("size", "rate", "frame_count", "pix_fmt", "colour"):
        assert getattr(master, fact) == getattr(plate, fact)
    with open_clip(shot / "plate.mkv") as before, open_clip(file) as after:
        everything = FrameRange(0, FRAMES)
        for theirs, ours in zip(before.read(everything), after.read(everything), strict=True):
            assert np.array_equal(theirs.planes[0][:8], ours.planes[0][:8])
            assert not np.array_equal(theirs.planes[0], ours.planes[0])


def check_stream(api: Api, job: job_pb2.Job) -> None:
    """More than 8 bits stay more than 8 bits."""
    asked = types_pb2.FrameRange(start=9, end=12)
    frames = list(api.frames(job.name, range=asked))
    assert [number for number, _, _ in frames] == [9, 10, 11]
    for _, header, data in frames:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture is not None
        assert (picture.dtype, picture.shape) == (np.uint16, (SIZE, SIZE, 3))
        assert header.encoding == result_pb2.FRAME_ENCODING_PNG


def test_what_the_engine_refuses_reaches_the_client_in_its_words(started: tuple[Server, Api]) -> None:
    _, api = started
    spec = replace_spec(api)
    spec.replace.passes.matte = api.link("hero.png").name
    error = from_status(api.finish(api.create(spec).name).error)
    assert error.reason in ("PASS_MISMATCH", "MATTE_EMPTY")


def retake_spec(base: job_pb2.Job) -> job_pb2.JobSpec:
    span, sampling = types_pb2.FrameRange(start=6, end=13), job_pb2.Sampling(seed=4)
    return job_pb2.JobSpec(retake=job_pb2.RetakeSpec(job=base.name, span=span, sampling=sampling))


def changed(api: Api, a: job_pb2.Job, b: job_pb2.Job, layer: result_pb2.Layer.ValueType) -> list[int]:
    request = take_pb2.CompareTakesRequest(job_a=a.name, job_b=b.name, layer=layer)
    return [frame.frame for frame in api.stream(api.takes.CompareTakes, request) if not frame.identical]


def test_a_retake_changes_its_span_alone_also_when_its_engine_dies(started: tuple[Server, Api]) -> None:
    server, api = started
    base = api.finish(api.create(replace_spec(api)).name)
    undisturbed = api.finish(api.create(retake_spec(base)).name)
    assert undisturbed.state == job_pb2.JOB_STATE_SUCCEEDED, from_status(undisturbed.error)
    span = list(range(6, 13))
    assert changed(api, base, undisturbed, result_pb2.LAYER_RESULT) == span
    assert changed(api, base, undisturbed, result_pb2.LAYER_CHARACTER) == span
    assert changed(api, base, undisturbed, result_pb2.LAYER_MATTE) == []
    assert changed(api, base, undisturbed, result_pb2.LAYER_POSE) == []

    server.fault.wish("step 0 2", "engine")
    killed = api.finish(api.create(retake_spec(base)).name)
    assert killed.attempt == 2
    for layer in (result_pb2.LAYER_RESULT, result_pb2.LAYER_CHARACTER):
        assert changed(api, undisturbed, killed, layer) == []
