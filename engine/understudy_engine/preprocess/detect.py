"""People in a picture, found by a YOLO detector (engine_spec 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize
from .onnx_net import Floats, OnnxNet
from .pose import MIN_BOX_PX

SIZE_PX = 640
LEAST_SCORE = 0.05
MOST_OVERLAP = 0.5
CROWDED = 0.9  # the same for a detector whose boxes stand alone: two people may share most of theirs
PERSON_CLASS = 0
SEEN_SCORE = 0.3  # of supplied points
AROUND_POINTS = 0.15  # points end at brows and knuckles, people do not: of the box's size, to each side
LEAST_SIDE = 0.4  # of the longest side of all people: smaller ones stand in the background


class Person(NamedTuple):
    """A box in whole pixels of the picture, and how sure the detector is, 0-1."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float

    @property
    def area(self) -> float:
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    @property
    def longer_side(self) -> float:
        return max(self.x1 - self.x0, self.y1 - self.y0)

    @property
    def middle(self) -> NDArray[np.float64]:
        """x, y"""
        return np.array([self.x0 + self.x1, self.y0 + self.y1]) / 2

    def moved(self, by: NDArray[np.float64]) -> Person:
        """By x, y pixels."""
        dx, dy = by.tolist()
        return self._replace(x0=self.x0 + dx, y0=self.y0 + dy, x1=self.x1 + dx, y1=self.y1 + dy)


class DetectsPeople(Protocol):
    """Finds people frame by frame; it knows nothing of who they were in the frame before."""

    def find(self, rgb: NDArray[np.uint8]) -> list[Person]:
        """The people in (H, W, 3), surest first."""
        ...


class PersonDetector:
    """A YOLO detector, or nano's. Of boxes that overlap by more than *most_overlap* the surest counts."""

    def __init__(self, net: OnnxNet, most_overlap: float = MOST_OVERLAP) -> None:
        self._net, self._most_overlap = net, most_overlap

    def find(self, rgb: NDArray[np.uint8]) -> list[Person]:
        """The people in (H, W, 3), surest first."""
        height, width = rgb.shape[:2]
        return people_in(self._net(detector_input(rgb)), width, height, self._most_overlap)


def detector_input(rgb: NDArray[np.uint8]) -> Floats:
    """(H, W, 3) -> (1, 3, 640, 640) in 0-1, stretched to a square as the detector learnt it."""
    square = cv2.resize(rgb, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32) / np.float32(255)


def people_in(
    output: NDArray[Any], width: int, height: int, most_overlap: float = MOST_OVERLAP
) -> list[Person]:
    """A detector's output as people in a picture of *width* x *height* pixels, surest first.

    *output* is (1, n, 6), rows x0 y0 x1 y1 score class of a 640 px square (YOLOv10), or (1, 84, n), columns of
    middle, extent and 80 scores (YOLOv8). Of boxes of any kind that overlap by more than *most_overlap*, the surest
    stays.
    """
    rows = _from_columns(output[0]) if output.shape[1] == 84 else output[0]
    rows = rows[rows[:, 4] >= LEAST_SCORE]
    scale = np.array([width, height, width, height]) / SIZE_PX
    boxes = (rows[:, :4] * scale).astype(int)
    extents = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(extents.tolist(), rows[:, 4].tolist(), LEAST_SCORE, most_overlap)
    chosen = [int(index) for index in kept if rows[int(index), 5] == PERSON_CLASS]
    return [_person(boxes[index], rows[index, 4]) for index in chosen]


def _person(box: NDArray[np.int64], score: float) -> Person:
    x0, y0, x1, y1 = box.tolist()
    return Person(x0, y0, x1, y1, float(score))


def _from_columns(columns: NDArray[Any]) -> NDArray[Any]:
    middle, extent, scores = columns[:2].T, columns[2:4].T, columns[4:]
    best = np.stack([scores.max(axis=0), scores.argmax(axis=0)], axis=1)
    return np.concatenate([middle - extent / 2, middle + extent / 2, best], axis=1)


def nearest_person(people: Sequence[Person]) -> Person | None:
    """Whom the reference takes for the subject: the largest box, of those that are not far smaller than others."""
    pick: Person | None = None
    for person in people:
        longest = pick.longer_side if pick else max(other.longer_side for other in people)
        if person.longer_side >= LEAST_SIDE * longest and (pick is None or person.area > pick.area):
            pick = person
    return pick


def overlap(a: Person, b: Person) -> float:
    """What two boxes have in common over what they cover together, 0-1."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.area + b.area - width * height)


def box_around(points: NDArray[np.floating[Any]], size: FrameSize) -> Person | None:
    """A person's box from their (133, 3) points in a frame of *size*; None where no point is to be seen."""
    seen = points[points[:, 2] >= SEEN_SCORE, :2]
    if not len(seen):
        return None
    low, high = seen.min(axis=0), seen.max(axis=0)
    more = AROUND_POINTS * (high - low)
    x0, y0 = np.maximum(low - more, 0).tolist()
    x1, y1 = np.minimum(high + more, size).tolist()
    return Person(x0, y0, x1, y1, 1.0) if min(x1 - x0, y1 - y0) >= MIN_BOX_PX else None
