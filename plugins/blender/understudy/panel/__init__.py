# SPDX-License-Identifier: GPL-3.0-or-later
"""The Understudy tab in the sequencer's sidebar."""

from __future__ import annotations

import bpy

from .advanced import UNDERSTUDY_PT_advanced, UNDERSTUDY_PT_passes
from .cast import UNDERSTUDY_PT_cast
from .corrections import UNDERSTUDY_PT_corrections, UNDERSTUDY_PT_points
from .jobs import UNDERSTUDY_PT_jobs
from .masks import UNDERSTUDY_PT_masks
from .result import UNDERSTUDY_PT_result
from .rig import UNDERSTUDY_PT_rig
from .swap import UNDERSTUDY_PT_swap

register, unregister = bpy.utils.register_classes_factory(
    (
        UNDERSTUDY_PT_swap,
        UNDERSTUDY_PT_jobs,
        UNDERSTUDY_PT_result,
        UNDERSTUDY_PT_cast,
        UNDERSTUDY_PT_advanced,
        UNDERSTUDY_PT_passes,
        UNDERSTUDY_PT_rig,
        UNDERSTUDY_PT_masks,
        UNDERSTUDY_PT_corrections,
        UNDERSTUDY_PT_points,
    )
)
