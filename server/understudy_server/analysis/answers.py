"""What is told of an analysis's folder: people, points, pictures. Each answer is bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy_api.v1 import analysis_pb2, types_pb2
from understudy_engine.analysis.edge_band import EdgeBand
from understudy_engine.analysis.folder import PEOPLE, SHEET
from understudy_engine.analysis.pictures import fitted
from understudy_engine.analysis.sheet import LINE_PX
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.keypoints import skeleton_of
from understudy_engine.types import FrameRange, FrameSize

from .files import FACES_MADE, POINTS_MADE

MOST_FRAMES = 256


def people_in(
    folder: Path, chosen: Sequence[str], first: int, count: int, limit_bytes: int
) -> tuple[list[analysis_pb2.Person], int | None]:
    """Of the people in *folder* those from the *first* on: *count*, or as many as *limit_bytes* hold, but one at least.

    The number to go on with comes second; None at the end.
    """
    everybody = json.loads((folder / PEOPLE).read_text("utf-8"))
    page: list[analysis_pb2.Person] = []
    size = 0
    for told in everybody[first : first + count]:
        png = (folder / told["thumbnail"]["file"]).read_bytes()
        size += len(png)
        if page and size > limit_bytes:
            break
        page.append(_person(told, png, told["name"] in chosen))
    behind = first + len(page)
    return page, behind if behind < len(everybody) else None


def _person(told: dict[str, Any], png: bytes, chosen: bool) -> analysis_pb2.Person:
    return analysis_pb2.Person(
        name=told["name"],
        shot=types_pb2.FrameRange(**told["shot"]),
        first=told["first"],
        last=told["last"],
        frames_seen=told["frames_seen"],
        chosen=chosen,
        thumbnail_frame=told["thumbnail"]["frame"],
        thumbnail_box=_box(told["thumbnail"]["box"]),
        thumbnail=png,
    )


def points_in(folder: Path, frames: FrameRange, start: int) -> Iterator[analysis_pb2.FoundFrame]:
    """Of *frames* of the clip; *start* is the analysis's first."""
    points = np.load(folder / POINTS_MADE, mmap_mode="r", allow_pickle=False)
    faces = np.load(folder / FACES_MADE, mmap_mode="r", allow_pickle=False)
    for frame in frames.indices:
        rows, edges = points[frame - start], faces[frame - start].tolist()
        yield analysis_pb2.FoundFrame(
            frame=frame,
            points=[analysis_pb2.Point(x=x, y=y, score=score) for x, y, score in rows.tolist()],
            face=None if np.isnan(edges[0]) else _box(edges),
        )


def _box(edges: Sequence[float]) -> analysis_pb2.PixelBox:
    x0, y0, x1, y1 = edges
    return analysis_pb2.PixelBox(x0=x0, y0=y0, x1=x1, y1=y1)


def sheet_in(folder: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB."""
    picture = cv2.imdecode(np.fromfile(folder / SHEET, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None  # written by us, whole
    return np.ascontiguousarray(picture[..., ::-1])


def skeleton_in(folder: Path, index: int, size: types_pb2.FrameSize) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, as a job draws it at the clip's *size*."""
    return draw_skeleton(skeleton_of(_points_of(folder, index)), FrameSize(size.width, size.height))


def edges_in(
    folder: Path,
    index: int,
    rgb: NDArray[np.uint8],
    matte: NDArray[np.uint8],
    band: EdgeBand,
    max_edge_px: int,
) -> NDArray[np.uint8]:
    """Of a frame *rgb* (H, W, 3) of the clip and its *matte* (H, W): (h, w, 3) RGB with a legend, which stays readable
    however small the frame becomes."""
    size = FrameSize(rgb.shape[1], rgb.shape[0])
    room = FrameSize(max_edge_px, max(2, max_edge_px - LINE_PX)) if max_edge_px else size
    return band.picture(rgb, matte, _points_of(folder, index), fitted(size, room))


def _points_of(folder: Path, index: int) -> NDArray[np.float32]:
    """(133, 3)."""
    return np.array(np.load(folder / POINTS_MADE, mmap_mode="r", allow_pickle=False)[index])
