# SPDX-License-Identifier: GPL-3.0-or-later
"""What Preview, Standard and Best mean for the model that a server offers. Knows nothing of bpy."""

from __future__ import annotations

from ._api.quality import MOST_STEPS, PREVIEW_AREA_PX, Making, Quality, making

__all__ = ["MOST_STEPS", "PREVIEW_AREA_PX", "Making", "Quality", "making"]
