"""One person in the layouts of other tools, as 133 whole-body points.

Points that a layout lacks, or that its detector did not find, get score 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMismatch
from .keypoints import FACE, LEFT_HAND, POINTS, RIGHT_HAND

Rows = NDArray[np.float64]  # (n, 3): x, y, score

# Position in the tool's body -> position among the 133; -1: the 133 have no such point.
OPENPOSE_18 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
OPENPOSE_25 = (
    0, -1, 6, 8, 10, 5, 7, 9, -1, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 17, 18, 19, 20, 21, 22,
)  # fmt: skip
COCO_17 = tuple(range(17))
COCO_FEET = tuple(range(17, 23))
WHOLE_BODY = tuple(range(POINTS))
BODIES = {len(layout): layout for layout in (OPENPOSE_18, OPENPOSE_25, COCO_17, WHOLE_BODY)}

FACE_POINTS = 68  # OpenPose adds two pupils, which the 133 do not have
HAND_POINTS = 21


class Person:
    """133 points that are filled part by part."""

    def __init__(self, frame: int) -> None:
        self.points: Rows = np.zeros((POINTS, 3))
        self._frame = frame

    def body(self, values: Any) -> None:
        """18 or 25 points of OpenPose, 17 of COCO, or all 133."""
        rows = self._rows(values, "body", tuple(BODIES))
        self._put(rows, BODIES[len(rows)] if len(rows) else ())

    def feet(self, values: Any) -> None:
        rows = self._rows(values, "foot", (len(COCO_FEET),))
        self._put(rows, COCO_FEET[: len(rows)])

    def face(self, values: Any) -> None:
        rows = self._rows(values, "face", (FACE_POINTS, FACE_POINTS + 2))[:FACE_POINTS]
        self._put(rows, range(FACE.start, FACE.start + len(rows)))

    def hand(self, values: Any, place: slice) -> None:
        rows = self._rows(values, "hand", (HAND_POINTS,))
        self._put(rows, range(place.start, place.start + len(rows)))

    def _put(self, rows: Rows, places: Sequence[int]) -> None:
        for row, place in zip(rows, places, strict=True):
            if place >= 0:
                self.points[place] = row

    def _rows(self, values: Any, part: str, counts: tuple[int, ...]) -> Rows:
        """(n, 3) from a flat list, or rows of x, y, score; none for an absent part."""
        numbers = _numbers(values, part, self._frame)
        if numbers.size == 0:
            return np.zeros((0, 3))
        if numbers.ndim == 1 and numbers.size % 3 == 0:
            numbers = numbers.reshape(-1, 3)
        if numbers.ndim != 2 or numbers.shape[1] != 3 or len(numbers) not in counts:
            found = numbers.size // 3 if numbers.ndim < 3 else len(numbers)
            allowed = " or ".join(map(str, sorted(counts)))
            raise PassMismatch(
                f"Frame {self._frame} of the keypoints has {found} {part} points; "
                f"{allowed} of x, y, score are known. Export COCO-WholeBody, OpenPose or DWPose keypoints.",
                frame=self._frame,
                points=found,
            )
        # Detectors mark a point that they did not find by 0, 0 or -1, -1, whatever its score.
        numbers[(numbers[:, :2] <= 0).all(axis=1)] = 0
        return numbers


def _numbers(values: Any, part: str, frame: int) -> Rows:
    try:
        return np.array([] if values is None else values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise PassMismatch(
            f"The {part} points of frame {frame} of the keypoints are not rows of numbers. "
            "Export them again.",
            frame=frame,
        ) from error


def from_openpose(person: Mapping[str, Any], frame: int) -> Rows:
    """One of the ``people`` of an OpenPose (or ControlNet DWPose) frame."""
    result = Person(frame)
    result.body(person.get("pose_keypoints_2d"))
    result.face(person.get("face_keypoints_2d"))
    result.hand(person.get("hand_left_keypoints_2d"), LEFT_HAND)
    result.hand(person.get("hand_right_keypoints_2d"), RIGHT_HAND)
    return result.points


def from_coco(person: Mapping[str, Any], frame: int) -> Rows:
    """One COCO-WholeBody result or MMPose instance: 133 points, or 17 and the parts beside them."""
    result = Person(frame)
    points = person.get("keypoints")
    scores = person.get("keypoint_scores")
    result.body(points if scores is None else _with_scores(points, scores, frame))
    result.feet(person.get("foot_kpts"))
    result.face(person.get("face_kpts"))
    result.hand(person.get("lefthand_kpts"), LEFT_HAND)
    result.hand(person.get("righthand_kpts"), RIGHT_HAND)
    return result.points


def from_dwpose(document: Mapping[str, Any], frame: int) -> list[Rows]:
    """All people of a frame as DWPose's code returns it: bodies, hands (all left, then all right), faces."""
    bodies = document["bodies"]
    seen = bodies.get("score")
    if seen is None and bodies.get("subset") is not None:
        # Rows of positions in candidate, -1 for a point that was not found.
        positions = np.atleast_1d(_numbers(bodies["subset"], "body", frame))
        seen = positions[..., : len(OPENPOSE_18)] >= 0
    body = _with_scores(bodies.get("candidate"), seen, frame).reshape(-1, 3)
    count = len(body) // len(OPENPOSE_18)
    hands = _with_scores(document.get("hands"), document.get("hands_score"), frame)
    faces = _with_scores(document.get("faces"), document.get("faces_score"), frame)
    people = []
    for i in range(count):
        result = Person(frame)
        result.body(body[i * len(OPENPOSE_18) : (i + 1) * len(OPENPOSE_18)])
        result.face(faces[i] if i < len(faces) else None)
        result.hand(hands[i] if i < len(hands) else None, LEFT_HAND)
        result.hand(hands[count + i] if count + i < len(hands) else None, RIGHT_HAND)
        people.append(result.points)
    return people


def _with_scores(points: Any, scores: Any, frame: int) -> Rows:
    """(..., 2) points and (...) scores -> (..., 3); score 1 where there are none."""
    places = _numbers(points, "keypoint", frame)
    if places.size == 0:
        return np.zeros((0, 3))
    if places.ndim < 2 or places.shape[-1] < 2:
        raise PassMismatch(
            f"The points of frame {frame} of the keypoints are not rows of x, y. Export them again.",
            frame=frame,
        )
    points_count = places[..., 0].size
    values = np.ones(points_count) if scores is None else _numbers(scores, "keypoint", frame)
    if values.size != points_count:
        raise PassMismatch(
            f"Frame {frame} of the keypoints has {points_count} points but {values.size} scores. "
            "Export them again.",
            frame=frame,
            points=points_count,
            scores=values.size,
        )
    return np.concatenate([places[..., :2], values.reshape(*places.shape[:-1], 1)], axis=-1)
