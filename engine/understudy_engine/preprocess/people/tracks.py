"""Everybody of one shot, followed by how they move and what they look like, through being hidden and away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..detect import Person
from .assignment import assign
from .walker import Seen, Walker

ALONE = 1.2  # what it costs that somebody is not found in a frame
JOIN = 0.35  # how unlike somebody may be who comes back

Track = Mapping[int, Person]
"""Where one person is seen within one shot: a box for each such frame, by rising frame."""


def follow(frames: Iterable[tuple[int, Sequence[Seen]]]) -> list[Track]:
    """One track for each person that *frames* show, by their first frame. Memory: the tracks, and two KB for each."""
    walkers: list[Walker] = []
    for frame, seen in frames:
        costs = np.array([walker.cost(frame, one) for walker in walkers for one in seen])
        pairs = assign(costs.reshape(len(walkers), len(seen)), ALONE)
        for row, column in pairs:
            walkers[row].go_on(frame, seen[column])
        known = {column for _, column in pairs}
        walkers += [Walker(frame, one) for column, one in enumerate(seen) if column not in known]
    return list(_joined(walkers))


def _joined(walkers: Sequence[Walker]) -> Iterator[Track]:
    """Walkers one of whom begins after the other has ended are one person, if they look alike on the whole."""
    costs = np.array([one.return_cost(other) for one in walkers for other in walkers])
    comes_back_as = dict(assign(costs.reshape(len(walkers), len(walkers)), JOIN))
    for index in sorted(set(range(len(walkers))) - set(comes_back_as.values())):
        boxes = dict(walkers[index].boxes)
        after = comes_back_as.get(index)
        while after is not None:
            boxes |= walkers[after].boxes
            after = comes_back_as.get(after)
        yield boxes
