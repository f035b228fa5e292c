"""What a job would make of a found matte, as a picture; and updates that are more than a request holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.server.support.process import Server, running
from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from understudy_api.client import Client
from understudy_api.errors import Conflict, InvalidRequest
from understudy_api.v1 import analysis_pb2, job_pb2, result_pb2
from understudy_engine.analysis.edge_band import EdgeBand
from understudy_engine.analysis.sheet import LINE_PX
from understudy_engine.types import FrameSize, MatteOptions

SIZE = 96
EDGES, MATTE = analysis_pb2.ANALYSIS_PICTURE_EDGE_BAND, analysis_pb2.ANALYSIS_PICTURE_MATTE
RAW = result_pb2.FRAME_ENCODING_RAW


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_movie(folder / "one.mkv", plate_of(studio_clip(ALONE, 3, SIZE)))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home, footage, engine_factory="tests.server.support.tiny:load") as server:
        yield server


@pytest.fixture(scope="module")
def found(client: Client, footage: Path) -> str:
    clip = client.link(footage / "one.mkv").name
    return client.wait_for_analysis(client.create_analysis(clip, range=(1, 3)).name).name


def raw(answer: analysis_pb2.GetAnalysisPictureResponse) -> NDArray[np.uint8]:
    size = answer.header.size
    return np.frombuffer(answer.data, np.uint8).reshape(size.height, size.width, -1)


def test_edges_are_those_of_a_job_with_the_same_options(client: Client, found: str) -> None:
    asked = job_pb2.MatteOptions(grow_px=4, grow_hair_px=12, soften_px=5)
    shown = raw(client.analysis_picture(found, EDGES, 2, encoding=RAW, matte=asked, work_area_px=SIZE * SIZE))
    options = MatteOptions(grow_px=4, grow_hair_px=12, soften_px=5)
    (frame,) = client.points(found, (2, 3))
    points = np.array([(point.x, point.y, point.score) for point in frame.points], np.float32)
    plate = plate_of(studio_clip(ALONE, 3, SIZE))[2]
    matte = raw(client.analysis_picture(found, MATTE, 2, encoding=RAW))[..., 0]
    band = EdgeBand(work_area_px=SIZE * SIZE, options=options)
    assert np.array_equal(shown, band.picture(plate, matte, points, FrameSize(SIZE, SIZE)))


def test_unset_options_are_the_jobs_own_and_the_models_work_area(client: Client, found: str) -> None:
    plain = client.analysis_picture(found, EDGES, 1, encoding=RAW)
    same = job_pb2.MatteOptions(grow_px=9, soften_px=2)
    told = client.analysis_picture(found, EDGES, 1, encoding=RAW, matte=same, work_area_px=256 * 256)
    assert plain.data == told.data
    other = client.analysis_picture(found, EDGES, 1, encoding=RAW, work_area_px=128 * 128)
    assert other.data != plain.data


def test_a_small_picture_of_the_edges_keeps_a_readable_legend(client: Client, found: str) -> None:
    whole, small = (
        raw(client.analysis_picture(found, EDGES, 1, encoding=RAW, max_edge_px=edge)) for edge in (0, 60)
    )
    assert (whole.shape, small.shape) == ((SIZE + LINE_PX, SIZE, 3), (60, 60 - LINE_PX, 3))
    assert np.array_equal(small[-LINE_PX:], whole[-LINE_PX:, : 60 - LINE_PX])
    jpeg = client.analysis_picture(found, EDGES, 1, encoding=result_pb2.FRAME_ENCODING_JPEG)
    assert cv2.imdecode(np.frombuffer(jpeg.data, np.uint8), cv2.IMREAD_COLOR) is not None


def test_edges_that_cannot_be_are_refused(client: Client, footage: Path, found: str) -> None:
    with pytest.raises(InvalidRequest, match="Frame") as refused:
        client.analysis_picture(found, EDGES, 0)
    assert refused.value.reason == "FRAME_RANGE_OUTSIDE"
    with pytest.raises(InvalidRequest, match=r"matte\.grow_px is 257"):
        client.analysis_picture(found, EDGES, 1, matte=job_pb2.MatteOptions(grow_px=257))
    with pytest.raises(InvalidRequest, match="work_area_px is 1;"):
        client.analysis_picture(found, EDGES, 1, work_area_px=1)
    bare = client.create_analysis(client.link(footage / "one.mkv").name, range=(1, 3), matte=False)
    with pytest.raises(Conflict, match="without a matte"):
        client.analysis_picture(client.wait_for_analysis(bare.name).name, EDGES, 1)


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (4 << 20, r"The request has \d+ bytes; one request may have 4194304\. Send it in parts"),
        (33 << 20, "The request is larger than the server takes. Send it in parts"),  # which nobody reads
    ],
)
def test_an_update_of_more_than_a_request_holds_is_refused_in_a_sentence_and_changes_nothing(
    client: Client, found: str, size_bytes: int, words: str
) -> None:
    request = analysis_pb2.UpdateAnalysisRequest(name=found)
    request.set_mattes.add(frame=1, png=bytes(size_bytes))
    with pytest.raises(InvalidRequest, match=words):
        client.update_analysis(request)
    assert client.analysis(found).revision == 1
    request.set_mattes[0].png = bytes((4 << 20) - 100)  # just small enough to be looked at
    with pytest.raises(InvalidRequest, match="The matte of frame 1 has"):
        client.update_analysis(request)
