"""Layers as files: in every codec, checked, whole or not there, and gone with the call that wanted them."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import FRAMES, SIZE, make_clip, plane_digest
from tests.server.support.process import Api, Server, Told, running, told
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.media.pixels import pixel_format
from understudy_engine.media.read import open_clip, probe
from understudy_engine.types import FrameRange

CHARACTER, MATTE, POSE = result_pb2.LAYER_CHARACTER, result_pb2.LAYER_MATTE, result_pb2.LAYER_POSE
FFV1, EXR = job_pb2.DELIVERY_CODEC_FFV1, job_pb2.DELIVERY_CODEC_EXR_SEQUENCE
EXPORT, MASTER = job_pb2.OutputFile.KIND_EXPORT, job_pb2.OutputFile.KIND_MASTER


def asking(
    job: str,
    name: str,
    codec: job_pb2.DeliveryCodec.ValueType = FFV1,
    layer: result_pb2.Layer.ValueType = result_pb2.LAYER_UNSPECIFIED,
    *,
    root: str = "footage",
    overwrite: bool = False,
) -> result_pb2.ExportResultRequest:
    path = types_pb2.RootedPath(root_id=root, relative_path=name)
    delivery = job_pb2.Delivery(path=path, codec=codec, overwrite=overwrite)
    return result_pb2.ExportResultRequest(job=job, layer=layer, delivery=delivery)


def export(api: Api, request: result_pb2.ExportResultRequest) -> job_pb2.OutputFile:
    responses: Iterator[result_pb2.ExportResultResponse] = api.stream(api.results.ExportResult, request)
    *before, last = responses
    assert [response.fraction for response in before] == sorted(response.fraction for response in before)
    assert not any(response.HasField("output") for response in before)
    assert last.fraction == 1
    return last.output


def refused(api: Api, request: result_pb2.ExportResultRequest) -> Told:
    with pytest.raises(grpc.RpcError) as caught:
        list(api.stream(api.results.ExportResult, request))
    return told(caught.value)


@pytest.mark.parametrize(
    ("layer", "pix_fmt"),
    [(result_pb2.LAYER_RESULT, "bgr0"), (CHARACTER, "bgra"), (MATTE, "gray")],
)
def test_a_layer_is_exported_whole_with_every_sample_as_it_is_stored(
    api: Api,
    server: Server,
    footage: Path,
    done: job_pb2.Job,
    layer: result_pb2.Layer.ValueType,
    pix_fmt: str,
) -> None:
    name = f"layer-{layer}.mkv"
    output = export(api, asking(done.name, name, layer=layer))
    content = (footage / name).read_bytes()
    assert (output.kind, output.path.relative_path) == (EXPORT, name)
    assert (output.size_bytes, output.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    info = probe(footage / name)
    assert (info.pix_fmt, info.frame_count, info.rate) == (pix_fmt, FRAMES, probe(footage / "clip.mkv").rate)
    stored = {result_pb2.LAYER_RESULT: "result", CHARACTER: "character", MATTE: "matte"}[layer]
    parts = sorted((server.home / done.name / "segments").glob(f"*/{stored}.mkv"))
    pictures = [picture for part in parts for picture in _pictures(part)]
    for ours, theirs in zip(pictures, _pictures(footage / name), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _pictures(file: Path) -> list[np.ndarray]:
    with open_clip(file) as clip:
        return [picture.planes[0] for picture in clip.read(FrameRange(0, clip.info.frame_count))]


@pytest.mark.parametrize(
    ("codec", "name", "layer", "found"),
    [
        (job_pb2.DELIVERY_CODEC_UNSPECIFIED, "export.mp4", 0, "h264"),
        (job_pb2.DELIVERY_CODEC_PRORES_422_HQ, "export422.mov", 0, "prores"),
        (job_pb2.DELIVERY_CODEC_PRORES_4444, "export4444.mov", CHARACTER, "prores"),
        (job_pb2.DELIVERY_CODEC_PNG_SEQUENCE, "export-png", MATTE, "png"),
        (job_pb2.DELIVERY_CODEC_EXR_SEQUENCE, "export-exr", CHARACTER, "exr"),
    ],
)
def test_every_codec_is_written(
    api: Api,
    footage: Path,
    done: job_pb2.Job,
    codec: job_pb2.DeliveryCodec.ValueType,
    name: str,
    layer: result_pb2.Layer.ValueType,
    found: str,
) -> None:
    export(api, asking(done.name, name, codec, layer))
    info = probe(footage / name)
    assert (info.codec, info.frame_count, info.size) == (found, FRAMES, (SIZE, SIZE))
    assert pixel_format(info.pix_fmt).has_alpha == (layer == CHARACTER)


def test_a_codec_that_the_picture_does_not_suit_says_so(api: Api, footage: Path, done: job_pb2.Job) -> None:
    error = refused(api, asking(done.name, "small.mov", job_pb2.DELIVERY_CODEC_DNXHR_HQX))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA")
    assert error.message == "DNxHR begins at 256 x 120; this is 32 x 32. Choose ProRes."
    assert_nothing_left(footage, "small.mov")


def assert_nothing_left(footage: Path, name: str) -> None:
    assert not (footage / name).exists()
    assert not list(footage.glob(".*"))


def test_the_job_tells_of_its_exports_each_place_once(api: Api, done: job_pb2.Job) -> None:
    for _ in range(2):
        output = export(api, asking(done.name, "told.mkv", layer=MATTE, overwrite=True))
    outputs = api.job(done.name).outputs
    assert outputs[0].kind == MASTER
    assert [one for one in outputs if one.path.relative_path == "told.mkv"] == [output]


def test_a_layer_that_the_job_does_not_make_is_refused_with_those_it_has(api: Api, done: job_pb2.Job) -> None:
    error = refused(api, asking(done.name, "pose.mkv", layer=POSE))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LAYER_NOT_MADE")
    assert error.message == "This job makes no layer 'pose'; it has result, character, matte."


def test_what_is_there_is_replaced_only_if_that_was_allowed(
    api: Api, footage: Path, done: job_pb2.Job
) -> None:
    (footage / "mine.mkv").write_bytes(b"the artist's own")
    error = refused(api, asking(done.name, "mine.mkv"))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "OUTPUT_EXISTS")
    assert (footage / "mine.mkv").read_bytes() == b"the artist's own"
    export(api, asking(done.name, "mine.mkv", overwrite=True))
    assert probe(footage / "mine.mkv").frame_count == FRAMES


@pytest.mark.parametrize(
    ("name", "root", "reason"),
    [
        ("../out.mkv", "footage", "PATH_OUTSIDE_ROOT"),
        ("no/such/folder.mkv", "footage", "MEDIA_NOT_FOUND"),
        ("out.mkv", "results", "PATH_OUTSIDE_ROOT"),
        ("out.mkv", "elsewhere", "PATH_OUTSIDE_ROOT"),
    ],
)
def test_an_export_stays_under_writable_roots(
    api: Api, done: job_pb2.Job, name: str, root: str, reason: str
) -> None:
    assert refused(api, asking(done.name, name, root=root)).reason == reason


def test_a_request_without_a_place_or_with_an_unknown_layer_is_refused(api: Api, done: job_pb2.Job) -> None:
    error = refused(api, result_pb2.ExportResultRequest(job=done.name))
    assert (error.reason, error.message) == ("INVALID_FIELD", "delivery is missing; this request needs it.")
    error = refused(api, asking(done.name, "x.mkv", layer=result_pb2.Layer.ValueType(77)))
    assert "layer has the unknown value 77" in error.message
    assert refused(api, asking("jobs/" + "0" * 20, "x.mkv")).reason == "JOB_NOT_FOUND"


def test_only_a_job_that_has_succeeded_can_be_exported(api: Api) -> None:
    name = api.finish(api.create(animate_spec(api, seed=13), display_name="hero").name).name
    error = refused(api, asking(name, "failed.mkv"))
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_SUCCEEDED")
    assert error.message.startswith("hero has not succeeded, so there is no whole result to export.")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[tuple[Server, str]]:
    """A server with a job whose export takes some seconds."""
    make_clip(footage / "slow.mkv", frames=40, size=256)
    with running(tmp_path_factory.mktemp("busy") / "home", footage, {"STEP_S": "0"}) as server:
        with Api(read_endpoint(server.home)) as api:
            spec = animate_spec(api)
            spec.animate.clip = api.link("slow.mkv").name
            name = api.finish(api.create(spec).name).name
        yield server, name


@pytest.fixture
def large(busy: tuple[Server, str]) -> Iterator[tuple[Server, Api, str]]:
    server, name = busy
    with Api(read_endpoint(server.home)) as api:
        yield server, api, name


def wait_until_nothing_is_left(footage: Path) -> None:
    wait_until(lambda: not list(footage.glob(".understudy*")))


def halfway(server: Server, api: Api, request: result_pb2.ExportResultRequest) -> tuple[Any, int]:
    """An export under way, and the process that writes it, which is stopped."""
    target = server.footage / request.delivery.path.relative_path
    for _ in range(20):  # one may be done before anybody can stop it
        stream = api.stream(api.results.ExportResult, request)
        assert next(response for response in stream if response.fraction > 0)
        for pid in server.children("understudy_server.export"):
            os.kill(pid, signal.SIGSTOP)
            if not target.exists():
                assert list(server.footage.glob(".understudy-export-*"))
                return stream, pid
            os.kill(pid, signal.SIGCONT)
        list(stream)
        shutil.rmtree(target)
    raise AssertionError("all exports were too quick")


def abandoned(pid: int) -> bool:
    """Whether nobody holds the other end of its standard input any more."""
    end = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(end, 1) == b""
    except BlockingIOError:
        return False
    finally:
        os.close(end)


def test_an_export_ends_with_its_call_and_leaves_nothing(
    large: tuple[Server, Api, str], footage: Path
) -> None:
    server, api, name = large
    stream, pid = halfway(server, api, asking(name, "ended", EXR))
    stream.cancel()
    wait_until(lambda: abandoned(pid))
    os.kill(pid, signal.SIGCONT)
    wait_until_nothing_is_left(footage)
    assert not (footage / "ended").exists()
    wait_until(lambda: not server.children("understudy_server.export"))
    assert api.info().version  # and the server lives on
    export(api, asking(name, "ended", EXR))
    assert probe(footage / "ended").frame_count == 40


def test_an_export_whose_server_is_killed_tidies_up(large: tuple[Server, Api, str], footage: Path) -> None:
    server, api, name = large
    _, pid = halfway(server, api, asking(name, "killed", EXR))
    server.kill()
    os.kill(pid, signal.SIGCONT)
    wait_until_nothing_is_left(footage)
    assert not (footage / "killed").exists()
    server.start().close()


def test_an_export_that_dies_is_told_and_leaves_nothing(
    large: tuple[Server, Api, str], footage: Path
) -> None:
    server, api, name = large
    stream, pid = halfway(server, api, asking(name, "died", EXR))
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(grpc.RpcError) as caught:
        list(stream)
    error = told(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INTERNAL, "WORKER_CRASHED")
    assert error.message.startswith("The export of 'died' broke off")
    wait_until_nothing_is_left(footage)


# ---- One frame -------------------------------------------------------------------------------------------


def frame(
    api: Api,
    job: str,
    number: int,
    encoding: result_pb2.FrameEncoding.ValueType,
    edge: int = 0,
    layer: int = 0,
) -> result_pb2.GetFrameResponse:
    request = result_pb2.GetFrameRequest(
        job=job, frame=number, encoding=encoding, max_edge_px=edge, layer=result_pb2.Layer.ValueType(layer)
    )
    return api.call(api.results.GetFrame, request)


RAW, PNG = result_pb2.FRAME_ENCODING_RAW, result_pb2.FRAME_ENCODING_PNG


def test_one_frame_is_the_one_that_the_stream_gives(api: Api, done: job_pb2.Job) -> None:
    streamed = list(api.frames(done.name, encoding=RAW))
    for number in (0, 4, 5, 10):
        response = frame(api, done.name, number, RAW)
        assert response.data == streamed[number][2]
        assert response.header == streamed[number][1]
    assert frame(api, done.name, 3, RAW, layer=CHARACTER).header.channels == 4


def test_a_frame_that_is_not_there_is_refused_with_what_is(api: Api, done: job_pb2.Job) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        frame(api, done.name, 11, PNG)
    assert told(caught.value).message == "Frame 11 was asked for; the job has frames 0 to 10."
    failed = api.finish(api.create(animate_spec(api, seed=13)).name).name
    with pytest.raises(grpc.RpcError) as caught:
        frame(api, failed, 2, PNG)
    error = told(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FRAME_NOT_MADE")
    assert error.message.startswith("Frame 2 is not made yet; 0 frames are.")
    with pytest.raises(grpc.RpcError) as caught:
        frame(api, done.name, -1, PNG)
    assert told(caught.value).reason == "INVALID_FIELD"


def test_a_frame_larger_than_an_answer_is_refused_with_the_edge_that_fits(
    tmp_path: Path, footage: Path
) -> None:
    make_clip(footage / "noisy.mkv", frames=2, size=96)
    limits = {"max_chunk_bytes": 1 << 14}
    with (
        running(tmp_path / "home", footage, limits=limits) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        spec = animate_spec(api)
        spec.animate.clip = api.link("noisy.mkv").name
        name = api.finish(api.create(spec).name).name
        for encoding in (RAW, PNG):
            with pytest.raises(grpc.RpcError) as caught:
                frame(api, name, 0, encoding)
            error = told(caught.value)
            assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "FRAME_TOO_LARGE")
            edge = int(error.metadata["max_edge_px"])
            assert f"max_edge_px {edge} or less" in error.message
            response = frame(api, name, 0, encoding, edge)
            assert 40 < edge < 96
            assert len(response.data) <= 1 << 14
        # What is too large for an answer is not too large for a file.
        export(api, asking(name, "noisy-out.mkv"))
        assert plane_digest(footage / "noisy-out.mkv") == plane_digest(server.home / name / "master.mkv")


# ---- What is kept ----------------------------------------------------------------------------------------


def test_of_a_job_that_kept_its_master_alone_the_result_is_still_there(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server:
        with Api(read_endpoint(server.home)) as api:
            keep = job_pb2.KEEP_POLICY_MASTER
            request = job_pb2.CreateJobRequest(
                request_id=str(uuid.uuid4()), spec=animate_spec(api), keep=keep
            )
            name = api.finish(api.call(api.jobs.CreateJob, request).job.name).name
            whole = [data for _, _, data in api.frames(name, encoding=RAW)]
        server.stop()
        with sqlite3.connect(server.home / "jobs.db") as database:  # as if the job had ended long ago
            database.execute("UPDATE jobs SET clean_at = 1")
        database.close()
        with server.start() as api:
            wait_until(lambda: not any(segment.layers for segment in api.segments(name)))
            assert [data for _, _, data in api.frames(name, encoding=RAW)] == whole
            assert frame(api, name, 7, RAW).data == whole[7]
            export(api, asking(name, "kept.mkv"))
            assert probe(footage / "kept.mkv").frame_count == FRAMES
            error = refused(api, asking(name, "gone.mkv", layer=MATTE))
            assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FRAMES_GONE")
            assert error.message.startswith("The layer 'matte' is no longer kept; the result is.")
