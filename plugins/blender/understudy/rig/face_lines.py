# SPDX-License-Identifier: GPL-3.0-or-later
"""The 68 landmarks of a face along the bones of Rigify's face. Knows nothing of bpy.

Each line runs through the beginnings or ends of bones, and carries landmarks at equal steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Stop(NamedTuple):
    """A corner of a line: where a bone begins, or where it ends."""

    stem: str
    side: str  # "" in the middle
    at_tail: bool = False


class Line(NamedTuple):
    landmarks: Sequence[int]
    stops: tuple[Stop, ...]


def _side(side: str, *stems: str) -> tuple[Stop, ...]:
    return tuple(Stop(stem, side) for stem in stems)


def _eye(side: str, first: int, outer_first: bool) -> list[Line]:
    upper = _side(side, "lidt", "lidt001", "lidt002", "lidt003", "lidb")
    lower = _side(side, "lidb", "lidb001", "lidb002", "lidb003", "lidt")
    if not outer_first:  # the picture's right eye begins at its inner corner
        upper, lower = upper[::-1], lower[::-1]
    return [Line(range(first, first + 4), upper), Line([-1, first + 4, first + 5, -1], lower)]


_JAW = ("jaw", "jaw001", "chin")
_BROW = ("browt001", "browt002", "browt003")
_CORNERS = tuple(Stop("lipt001", side, at_tail=True) for side in ("right", "left"))
_UPPER_LIP = (
    _CORNERS[0], Stop("lipt001", "right"), Stop("lipt", "left"), Stop("lipt001", "left"), _CORNERS[1],
)  # fmt: skip
_LOWER_LIP = (
    _CORNERS[1], Stop("lipb001", "left"), Stop("lipb", "left"), Stop("lipb001", "right"), _CORNERS[0],
)  # fmt: skip

LINES: tuple[Line, ...] = (
    Line(range(17), (*_side("right", *_JAW), Stop("chin", ""), *_side("left", *_JAW)[::-1])),
    Line(range(17, 22), _side("right", *_BROW)),
    Line(range(22, 27), _side("left", *_BROW)[::-1]),
    Line(range(27, 31), (Stop("nose", ""), Stop("nose001", ""), Stop("nose002", ""))),
    Line(range(31, 36), (Stop("nose001", "right"), Stop("nose004", ""), Stop("nose001", "left"))),
    *_eye("right", 36, outer_first=True),
    *_eye("left", 42, outer_first=False),
    Line(range(48, 55), _UPPER_LIP),
    Line([-1, *range(55, 60), -1], _LOWER_LIP),
    Line([60, *range(61, 64), -1], _UPPER_LIP),
    Line([64, *range(65, 68), -1], _LOWER_LIP),
)
"""A landmark of -1 is a step that another line carries already."""

NOSE_TIP = Stop("nose002", "")
EARS = {side: Stop("ear", side) for side in ("left", "right")}
STEMS = {(stop.stem, stop.side) for line in LINES for stop in line.stops} | {
    (stop.stem, stop.side) for stop in (NOSE_TIP, *EARS.values())
}
