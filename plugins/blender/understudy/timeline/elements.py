# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of a result's strip, one for each frame. Blender copies all of them for each that is added, so that a long
strip gets them in parts; until then its last one is held. Main thread only.
"""

from __future__ import annotations

import time
from typing import Any

from .. import compat
from ..frames import WAITING

PART_S = 0.008  # of one part; 5000 take 0.1 to 0.25 s
AT_ONCE = 50  # between two looks at the clock


def grow(strip: Any, frames: int, *, whole: bool = False) -> bool:
    """Adds waiting frames until there are *frames*, or for `PART_S`; whether there were any to add.

    The strip's handles stay where they are.
    """
    elements, due = strip.elements, time.monotonic() + PART_S
    if (there := len(elements)) >= frames:
        return False
    timing = compat.timing(strip)
    while True:
        more = min(AT_ONCE, frames - there)
        # Each makes the strip a frame longer: it is shortened before, so that it never lies over its neighbour.
        compat.set_right_handle(strip, max(timing.right_handle - more, timing.left_handle + 1))
        for _ in range(more):
            elements.append(WAITING)
        compat.set_right_handle(strip, timing.right_handle)
        there = len(elements)
        if there >= frames or (time.monotonic() >= due and not whole):
            return True
