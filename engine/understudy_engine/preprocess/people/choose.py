"""Which of a clip's people is meant: by name, by a click, or the largest of each shot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import PassMissing
from ...types import Choice, Clicked, Named
from ..detect import Person
from .cast import Cast, Member


def choose(cast: Cast, choice: Choice, *, start: int = 0) -> Mapping[int, Person]:
    """Where the chosen person is: a box for each frame that shows them. Nothing in a clip without anybody.

    *start*: which of the clip's frames is the cast's first. A click counts the clip's.

    Raises PassMissing if nobody of that name, or at that place, is in the clip.
    """
    boxes: dict[int, Person] = {}
    for member in _chosen(cast, choice, start):
        boxes |= {frame: box for frame, box in member.boxes.items() if frame not in boxes}
    return boxes


def _chosen(cast: Cast, choice: Choice, start: int) -> Sequence[Member]:
    match choice:
        case Named(names):
            return [_named(cast, name) for name in names]
        case Clicked():
            return [_clicked(cast, choice, choice.frame - start)]
    return [member for shot in cast.shots for member in one_at_a_time(cast.within(shot))]


def one_at_a_time(members: Sequence[Member]) -> list[Member]:
    """The first of *members*, and of the others, in order, all who share no frame with those before."""
    chosen: list[Member] = []
    for member in members:
        if not any(member.boxes.keys() & other.boxes.keys() for other in chosen):
            chosen.append(member)
    return chosen


def _named(cast: Cast, name: str) -> Member:
    for member in cast.members:
        if member.name == name.strip().upper():
            return member
    there = ", ".join(member.name for member in cast.members) or "nobody"
    raise PassMissing(
        f"Nobody in the clip is named {name}; found were: {there}. Choose one of them.", name=name
    )


def _clicked(cast: Cast, click: Clicked, frame: int) -> Member:
    """Of several whose boxes hold the place in the cast's *frame*, the one in whose middle it lies most."""

    def off_middle(member: Member) -> float:
        box = member.boxes[frame]
        half = np.array([box.x1 - box.x0, box.y1 - box.y0]) / 2
        return float(np.abs((np.array([click.x, click.y]) - box.middle) / half).max())

    there = [member for member in cast.members if frame in member.boxes and off_middle(member) <= 1]
    if not there:
        raise PassMissing(
            f"Nobody was found at {click.x:.0f}, {click.y:.0f} of frame {click.frame}. Click on a person, in a frame "
            "where they stand free.",
            frame=click.frame,
        )
    return min(there, key=off_middle)
