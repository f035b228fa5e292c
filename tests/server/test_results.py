"""Frames out of the store: whole, in order, in every encoding, from any frame, while the job still runs."""

from __future__ import annotations

from pathlib import Path

import cv2
import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.server.conftest import animate_spec
from tests.server.support.footage import FRAMES, SIZE, make_clip
from tests.server.support.process import Api, Server, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import to_rgb
from understudy_engine.types import FrameRange

RAW = result_pb2.FRAME_ENCODING_RAW
JPEG = result_pb2.FRAME_ENCODING_JPEG
STORED = result_pb2.SEGMENT_STATE_STORED


@pytest.fixture(scope="module")
def master(server: Server, done: job_pb2.Job) -> NDArray[np.uint8]:
    """(T, H, W, 3): what the stream has to show."""
    with open_clip(server.home / done.name / "master.mkv") as clip:
        pictures = clip.read(FrameRange(0, FRAMES))
        return np.stack([to_rgb(picture, clip.info.colour) for picture in pictures])


def decoded(data: bytes) -> NDArray[np.uint8]:
    """RGB or gray, whatever the picture is."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    found: NDArray[np.uint8] = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return found


def test_every_frame_comes_once_in_order_and_is_the_masters(
    api: Api, done: job_pb2.Job, master: NDArray[np.uint8]
) -> None:
    frames = list(api.frames(done.name))
    assert [number for number, _, _ in frames] == list(range(FRAMES))
    for number, header, data in frames:
        assert header.size_bytes == len(data)
        assert np.array_equal(decoded(data), master[number])


def test_raw_frames_are_as_their_header_says(api: Api, done: job_pb2.Job, master: NDArray[np.uint8]) -> None:
    for number, header, data in api.frames(done.name, encoding=RAW):
        assert (header.size.width, header.size.height, header.channels, header.bits) == (SIZE, SIZE, 3, 8)
        assert np.array_equal(np.frombuffer(data, np.uint8).reshape(SIZE, SIZE, 3), master[number])


def test_a_range_across_segments_begins_and_ends_where_it_says(
    api: Api, done: job_pb2.Job, master: NDArray[np.uint8]
) -> None:
    asked = types_pb2.FrameRange(start=3, end=10)
    frames = list(api.frames(done.name, range=asked, encoding=RAW))
    assert [number for number, _, _ in frames] == list(range(3, 10))
    assert all(data == master[number].tobytes() for number, _, data in frames)


def test_small_frames_keep_their_shape(api: Api, done: job_pb2.Job, master: NDArray[np.uint8]) -> None:
    _, header, data = next(api.frames(done.name, encoding=JPEG, max_edge_px=8))
    assert (header.size.width, header.size.height) == (8, 8)
    small = cv2.resize(master[0], (8, 8), interpolation=cv2.INTER_AREA)
    assert np.abs(decoded(data).astype(int) - small).mean() < 12


@pytest.mark.parametrize(
    ("layer", "channels"),
    [(result_pb2.LAYER_CHARACTER, 4), (result_pb2.LAYER_MATTE, 1), (result_pb2.LAYER_RESULT, 3)],
)
def test_layers_come_with_their_own_channels(
    api: Api, done: job_pb2.Job, layer: result_pb2.Layer.ValueType, channels: int
) -> None:
    _, header, data = next(api.frames(done.name, layer=layer, encoding=RAW))
    assert header.channels == channels
    assert len(data) == SIZE * SIZE * channels
    if channels == 4:
        assert set(data[3::4]) == {200}


def test_a_layer_the_job_has_not_is_refused_with_those_it_has(api: Api, done: job_pb2.Job) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        next(api.frames(done.name, layer=result_pb2.LAYER_POSE))
    error = told(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LAYER_NOT_MADE")
    assert error.message == "This job makes no layer 'pose'; it has result, character, matte."


def test_frames_beyond_the_end_are_refused_with_the_number(api: Api, done: job_pb2.Job) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        next(api.frames(done.name, range=types_pb2.FrameRange(start=5, end=12)))
    assert told(caught.value).message == "Frames up to 12 were asked for; the job has 11."


def test_large_frames_travel_in_chunks_that_join_to_the_whole(tmp_path: Path, footage: Path) -> None:
    make_clip(footage / "large.mkv", frames=2, size=96)
    limit = 16 << 10  # a raw frame has 27 KiB
    with (
        running(tmp_path / "home", footage, limits={"max_chunk_bytes": limit}) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        spec = animate_spec(api)
        spec.animate.clip = api.link("large.mkv").name
        name = api.finish(api.create(spec).name).name
        request = result_pb2.StreamFramesRequest(job=name, encoding=RAW)
        chunks = list(api.stream(api.results.StreamFrames, request))
        assert [len(chunk.data) for chunk in chunks] == [limit, 96 * 96 * 3 - limit] * 2
        assert [chunk.HasField("header") for chunk in chunks] == [True, False] * 2
        assert [chunk.last_chunk for chunk in chunks] == [False, True] * 2


def test_a_follower_gets_frames_while_the_job_runs_and_all_of_them(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("step 1 1")
        name = api.create(animate_spec(api)).name
        frames = api.frames(name, follow=True, encoding=RAW)
        first = next(frames)
        assert first[0] == 0
        assert api.job(name).state == job_pb2.JOB_STATE_RUNNING
        assert api.segments(name)[0].state == STORED
        early = [number for number, _, _ in api.frames(name, encoding=RAW)]
        assert 0 < len(early) < FRAMES  # without follow: what there is
        server.fault.go_on()
        assert [number for number, _, _ in frames] == list(range(1, FRAMES))
        assert api.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_a_follower_of_a_job_that_fails_is_told_its_error(api: Api) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(api.frames(api.create(animate_spec(api, seed=13)).name, follow=True))
    assert told(caught.value).reason == "ENGINE_NAN"


def test_a_follower_of_a_job_that_is_cancelled_keeps_what_came_and_is_told(
    tmp_path: Path, footage: Path
) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("step 1 1")
        name = api.create(animate_spec(api)).name
        frames = api.frames(name, follow=True, encoding=RAW)
        got = [next(frames)[0] for _ in range(5)]
        api.cancel(name)
        with pytest.raises(grpc.RpcError) as caught:
            got += [number for number, _, _ in frames]
        assert told(caught.value).reason == "JOB_CANCELLED"
        assert got == list(range(len(got)))


def test_a_reader_that_leaves_in_the_middle_harms_nobody(api: Api, done: job_pb2.Job) -> None:
    for _ in range(5):
        request = result_pb2.StreamFramesRequest(job=done.name)
        stream = api.stream(api.results.StreamFrames, request)
        next(iter(stream))
        stream.cancel()
    assert len(list(api.frames(done.name))) == FRAMES
