"""What an artist put right in an analysis, as files for the process that makes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy_api.v1 import analysis_pb2, types_pb2
from understudy_engine.preprocess.motion.corrections import FADE_FRAMES

from ..storage import remove
from .files import CORRECTIONS, MATTES, POINTS


def write_given(
    folder: Path, edits: analysis_pb2.AnalysisEdits, size: types_pb2.FrameSize, points: Sequence[bytes]
) -> None:
    """What is said of points, in place of all that was in *folder*. *points* are PointFrames; *size* is the clip's."""
    remove(folder)
    folder.mkdir(parents=True)
    if edits.corrections:
        (folder / CORRECTIONS).write_text(json.dumps(corrections_document(edits, size)), "utf-8")
    if points:
        frames = [analysis_pb2.PointFrame.FromString(body) for body in points]
        rows = [[(point.x, point.y, point.score) for point in frame.points] for frame in frames]
        numbers = np.array([frame.frame for frame in frames], np.int64)
        np.savez(folder / POINTS, frames=numbers, points=np.array(rows, np.float32))


def write_matte(folder: Path, frame: int, png: bytes) -> None:
    (folder / MATTES).mkdir(exist_ok=True)
    (folder / MATTES / f"{frame:08d}.png").write_bytes(png)


def corrections_document(edits: analysis_pb2.AnalysisEdits, size: types_pb2.FrameSize) -> dict[str, object]:
    """The JSON that docs/passes.md describes."""
    return {
        "format": "understudy.pose_corrections",
        "version": 1,
        "width": size.width,
        "height": size.height,
        "fade_frames": fade_of(edits),
        "corrections": [
            {"frame": one.frame, "point": one.point, "x": one.x, "y": one.y} for one in edits.corrections
        ],
    }


def fade_of(edits: analysis_pb2.AnalysisEdits) -> int:
    return edits.fade_frames if edits.HasField("fade_frames") else FADE_FRAMES
