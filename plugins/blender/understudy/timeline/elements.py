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
    right = compat.timing(strip).right_handle
    while True:
        for _ in range(min(AT_ONCE, frames - there)):
            elements.append(WAITING)
        there = len(elements)
        if there >= frames or (time.monotonic() >= due and not whole):
            break
    compat.set_right_handle(strip, right)
    return True
