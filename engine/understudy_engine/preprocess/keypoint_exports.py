"""Keypoints written as other tools read them: OpenPose, DWPose in ComfyUI, COCO-WholeBody, named 2D tracks.

A point of score 0 is written as 0, 0, 0, which is how all of them say that it was not found. Places have 0.01 pixel,
scores 0.001. OpenPose's people have a neck and a middle hip more, which lie between two points; ComfyUI's have the neck
and no feet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMismatch
from .joint_tracks import write_joint_tracks
from .keypoint_files import write_keypoints
from .keypoint_layouts import OPENPOSE_18, OPENPOSE_25
from .keypoints import FACE, LEFT_HAND, RIGHT_HAND, Keypoints

Rows = NDArray[np.floating[Any]]

MIDDLES = {1: (5, 6), 8: (11, 12)}  # OpenPose's neck and middle hip, between two of the 133 points
PERSON_CATEGORY = 1  # COCO's


class KeypointForm(StrEnum):
    """Forms of keypoint files."""

    UNDERSTUDY = "understudy"
    OPENPOSE = "openpose"  # a folder, one file a frame, 25 body points
    DWPOSE = "dwpose"  # one file, as ComfyUI's DWPose node saves it, 18 body points
    COCO = "coco"  # COCO-WholeBody results, one entry a frame
    TRACKS = "tracks"  # named 2D tracks: JSON, or CSV where the file's name ends in .csv


def export_keypoints(
    path: Path, keypoints: Keypoints, form: KeypointForm, rate: Fraction | None = None
) -> None:
    """Writes *path*: a file, for OpenPose a folder that has no .json file yet. *rate* goes where the form has room.

    Raises:
        PassMismatch: OpenPose's folder holds .json files, which would be read along with these.
    """
    _WRITERS[form](path, keypoints, rate)


def _write_openpose(folder: Path, keypoints: Keypoints, _: Fraction | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    others = sum(1 for _ in folder.glob("*.json"))
    if others:
        raise PassMismatch(
            f"The folder {folder.name} holds {others} .json files already. Choose an empty one.", files=others
        )
    for index, frame in enumerate(_frames(keypoints, OPENPOSE_25)):
        _write(folder / f"{folder.name}_{index:012d}_keypoints.json", {"version": 1.3} | frame)


def _write_dwpose(path: Path, keypoints: Keypoints, _: Fraction | None) -> None:
    _write(path, list(_frames(keypoints, OPENPOSE_18)))


def _write_coco(path: Path, keypoints: Keypoints, _: Fraction | None) -> None:
    _write(path, [_coco_entry(points, index) for index, points in enumerate(keypoints.points)])


def _frames(keypoints: Keypoints, layout: Sequence[int]) -> Iterator[dict[str, Any]]:
    for points in keypoints.points:
        people = [_openpose_person(points, layout)] if (points[:, 2] > 0).any() else []
        yield {"people": people, "canvas_width": keypoints.size.width, "canvas_height": keypoints.size.height}


def _openpose_person(points: Rows, layout: Sequence[int]) -> dict[str, Any]:
    body = np.array(
        [points[place] if place >= 0 else _middle(points, row) for row, place in enumerate(layout)]
    )
    return {
        "pose_keypoints_2d": _flat(body),
        "face_keypoints_2d": _flat(points[FACE]),
        "hand_left_keypoints_2d": _flat(points[LEFT_HAND]),
        "hand_right_keypoints_2d": _flat(points[RIGHT_HAND]),
    }


def _middle(points: Rows, row: int) -> Rows:
    a, b = points[list(MIDDLES[row])]
    return np.asarray((a + b) / 2) if min(a[2], b[2]) > 0 else np.zeros(3)


def _coco_entry(points: Rows, index: int) -> dict[str, Any]:
    return {
        "image_id": index,
        "category_id": PERSON_CATEGORY,
        "score": round(float(points[:, 2].mean()), 3),
        "keypoints": _flat(points[:17]),
        "foot_kpts": _flat(points[17:23]),
        "face_kpts": _flat(points[FACE]),
        "lefthand_kpts": _flat(points[LEFT_HAND]),
        "righthand_kpts": _flat(points[RIGHT_HAND]),
    }


def _flat(rows: Rows) -> list[float]:
    known = np.where(rows[:, 2:] > 0, rows, 0)
    return [value for x, y, s in known.tolist() for value in (round(x, 2), round(y, 2), round(s, 3))]


def _write(path: Path, document: Any) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    part.replace(path)


_WRITERS: dict[KeypointForm, Callable[[Path, Keypoints, Fraction | None], None]] = {
    KeypointForm.UNDERSTUDY: write_keypoints,
    KeypointForm.OPENPOSE: _write_openpose,
    KeypointForm.DWPOSE: _write_dwpose,
    KeypointForm.COCO: _write_coco,
    KeypointForm.TRACKS: write_joint_tracks,
}
