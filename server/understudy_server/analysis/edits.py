"""UpdateAnalysis: what is taken back and what is set, checked against the clip, as one change."""

from __future__ import annotations

import struct

from understudy_api.v1 import analysis_pb2, types_pb2
from understudy_engine.errors import FrameRangeOutside, PassMismatch
from understudy_engine.preprocess.point_names import NAMES

from ..errors import InvalidField
from ..store import AnalysisEdit
from ..store.analyses import MATTE, POINTS

MOST_CORRECTIONS = 10_000
MOST_FRAMES = 2000  # given ones, of points and of mattes each
PNG_HEAD = struct.Struct(">8s4x4sIIBB")  # signature, the first chunk's name, width, height, bits, colour type
PNG_SIGNATURE, HEADER_CHUNK, GREY = b"\x89PNG\r\n\x1a\n", b"IHDR", (8, 0)

Request = analysis_pb2.UpdateAnalysisRequest
NUMBERS = {name: number for number, name in enumerate(NAMES)}


def check_update(
    request: Request, spec: analysis_pb2.AnalysisSpec, size: types_pb2.FrameSize, max_png_bytes: int
) -> None:
    """Raises InvalidField, FrameRangeOutside or PassMismatch for what does not fit the clip of *size*."""
    _check_frames(request, spec.range)
    for one in request.set_corrections:
        point_name(one.point)
    for place in request.remove_corrections:
        point_name(place.point)
    if request.set_mattes and spec.no_matte:
        raise InvalidField(
            "This analysis is made without a matte, so no frame of one can be given. Make one with a matte.",
            field="set_mattes",
        )
    for matte in request.set_mattes:
        _check_png(matte, size, max_png_bytes)


def apply_update(edit: AnalysisEdit, request: Request) -> bool:
    """Whether that changes anything; raises InvalidField where it becomes too much."""
    edits = edit.analysis.edits
    before = edits.SerializeToString(deterministic=True)
    _correct(edits, request)
    changed = [edit.take_back(POINTS, frame) for frame in request.remove_points]
    changed += [edit.take_back(MATTE, frame) for frame in request.remove_mattes]
    changed += [edit.give(POINTS, one.frame, one.SerializeToString()) for one in request.set_points]
    changed += [edit.give(MATTE, one.frame, one.png) for one in request.set_mattes]
    edits.point_frames[:] = _within(edit.given(POINTS), "set_points")
    edits.matte_frames[:] = _within(edit.given(MATTE), "set_mattes")
    return any(changed) or edits.SerializeToString(deterministic=True) != before


def point_name(point: str) -> str:
    """COCO-WholeBody's name of a point that is told by its name or its number. Raises InvalidField."""
    if point in NUMBERS:
        return point
    if point.isascii() and point.isdecimal() and len(point) <= 3 and int(point) < len(NAMES):
        return NAMES[int(point)]
    raise InvalidField(
        f"{point[:40]!r} is no point. Points have COCO-WholeBody's names, like 'left_wrist' and 'face_30', or their "
        f"numbers, 0 to {len(NAMES) - 1}.",
        field="point",
    )


def _correct(edits: analysis_pb2.AnalysisEdits, request: Request) -> None:
    kept = {(one.frame, point_name(one.point)): one for one in edits.corrections}
    for place in request.remove_corrections:
        kept.pop((place.frame, point_name(place.point)), None)
    for one in request.set_corrections:
        name = point_name(one.point)
        kept[one.frame, name] = analysis_pb2.PointCorrection(frame=one.frame, point=name, x=one.x, y=one.y)
    if len(kept) > MOST_CORRECTIONS:
        raise _too_many(len(kept), "corrections", MOST_CORRECTIONS, "set_corrections")
    corrections = [kept[key] for key in sorted(kept, key=lambda key: (key[0], NUMBERS[key[1]]))]
    del edits.corrections[:]
    edits.corrections.extend(corrections)
    if request.HasField("fade_frames"):
        edits.fade_frames = request.fade_frames


def _within(frames: list[int], field: str) -> list[int]:
    if len(frames) > MOST_FRAMES:
        raise _too_many(len(frames), "given frames", MOST_FRAMES, field)
    return frames


def _too_many(count: int, what: str, most: int, field: str) -> InvalidField:
    return InvalidField(
        f"That makes {count} {what}, and an analysis holds {most}. Give the job a file of your own instead.",
        field=field,
        count=count,
        limit=most,
    )


def _check_frames(request: Request, frames: types_pb2.FrameRange) -> None:
    corrected = (one.frame for one in request.set_corrections)
    painted = (one.frame for one in request.set_mattes)
    for frame in (*corrected, *(one.frame for one in request.set_points), *painted):
        if not frames.start <= frame < frames.end:
            raise FrameRangeOutside(
                f"Frame {frame} is not in the analysis, which has frames {frames.start} to {frames.end - 1} of the "
                "clip.",
                frame=frame,
                start=frames.start,
                end=frames.end,
            )


def _check_png(matte: analysis_pb2.MatteFrame, size: types_pb2.FrameSize, max_bytes: int) -> None:
    """By its first bytes alone: what is behind them is opened elsewhere."""
    where: dict[str, str | float] = {"field": "set_mattes", "frame": matte.frame}
    if len(matte.png) > max_bytes:
        raise InvalidField(
            f"The matte of frame {matte.frame} has {len(matte.png)} bytes; the limit is {max_bytes}. Give the job a "
            "matte of your own instead.",
            **where,
        )
    head = PNG_HEAD.unpack(matte.png[: PNG_HEAD.size]) if len(matte.png) > PNG_HEAD.size else (b"",) * 2
    if head[:2] != (PNG_SIGNATURE, HEADER_CHUNK) or head[4:] != GREY:
        raise InvalidField(f"The matte of frame {matte.frame} is no PNG of 8 bits of grey.", **where)
    if head[2:4] != (size.width, size.height):
        raise PassMismatch(
            f"The matte of frame {matte.frame} is {head[2]}x{head[3]}, but the clip is {size.width}x{size.height}. "
            "Give it at the clip's size.",
            frame=matte.frame,
        )
