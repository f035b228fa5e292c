# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between the camera and a joint. Knows nothing of bpy: rays are cast by a function it is given.

A joint lies inside its own body, so skin of that body close to it hides nothing. Farther from it, the body hides its
own joints: a hand behind the back.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

SKIN = 0.25  # of the torso's length: farther from the joint it is another part of the body
TOUCHING = 0.04  # of the torso's length: what is so close to a joint lies on it
MOST_HITS = 16  # through things the camera does not see
STEP = 1e-4  # of the way, beyond a hit


class Hidden(Enum):
    BY_BODY = "own body"
    BY_THING = "something else"


class Hit(NamedTuple):
    place: Vector  # (3,)
    own: bool  # of the rig's own body
    seen: bool  # by the camera


Cast = Callable[[Vector, Vector, float], Hit | None]  # from where, unit direction, how far


def hider(cast: Cast, eye: Vector, joint: Vector, torso: float) -> Hidden | None:
    """What hides *joint* from *eye*; *torso* is the length of the body's, in the same unit."""
    way = joint - eye
    length = float(np.linalg.norm(way))
    if length == 0:
        return None
    direction, start = way / length, 0.0
    for _ in range(MOST_HITS):
        hit = cast(eye + direction * start, direction, length - start)
        if hit is None:
            return None
        gap = float(np.linalg.norm(hit.place - joint))
        if hit.seen and hit.own:
            return Hidden.BY_BODY if gap > SKIN * torso else None
        if hit.seen and gap > TOUCHING * torso:
            return Hidden.BY_THING
        start = length - gap + STEP * length
        if start >= length:
            return None
    return None
