# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips beside a result: the character with alpha, the matte, the skeleton, each on a channel of its own above it.

They are muted: the picture stays as it is until the artist uses them. Main thread only.
"""

from __future__ import annotations

from typing import Any

from .. import compat
from ..frames import frame_name
from ..png import png_size
from ..ranges import fitting_scale
from ..session import Swap
from . import versions
from .strips import (
    JOB_KEY,
    LAYER_KEY,
    LOOK,
    UID_KEY,
    Found,
    blend_path,
    channel_for,
    channels_of,
    get_dotted,
    push_undo,
    set_dotted,
)


def land(swap: Swap, found: Found) -> bool:
    """Puts the layers of a job that has ended on the timeline, all as one undo step; whether there were new ones.

    Raises:
        Refusal: no channel is free.
    """
    if swap.outcome is None:
        return False
    new = [layer for layer in swap.layers_made if layer not in swap.layers_inserted]
    for layer in new:
        swap.layers_inserted.add(layer)  # also where it is refused: it is not tried ten times a second
        _insert(swap, found, layer)
    if new:
        push_undo("Understudy Layers")
    return bool(new)


def _insert(swap: Swap, found: Found, layer: str) -> None:
    owner, above = versions.place_of(found)
    timing = compat.timing(found.strip)
    start, count = timing.content_start, swap.layers_made[layer]
    channels = channels_of(found.scene.sequence_editor, owner)
    folder = swap.folder / layer
    strip = compat.strips(owner).new_image(
        name=f"{swap.placement.name} {layer}",
        filepath=blend_path(folder / frame_name(0)),
        channel=channel_for(owner, channels, above=above, start=start, end=start + count),
        frame_start=start,
        fit_method="ORIGINAL",
    )
    for index in range(1, count):
        strip.elements.append(frame_name(index))
    if (timing.left_handle, timing.right_handle) != (start, start + count):
        compat.set_handles(strip, timing.left_handle, timing.right_handle)
    strip[UID_KEY], strip[JOB_KEY], strip[LAYER_KEY] = swap.uid, swap.job, layer
    strip.mute, strip.select = True, False
    strip.colorspace_settings.name = swap.placement.colour_space
    _match(strip, found, swap, layer)


def _match(strip: Any, found: Found, swap: Swap, layer: str) -> None:
    """Lays the layer over the result. A skeleton has the model's size, the others the result's."""
    for name in LOOK:
        set_dotted(strip, name, get_dotted(found.strip, name))
    size = png_size(swap.folder / layer / frame_name(0))
    whole = png_size(swap.folder / frame_name(0))
    if size != whole:
        scale = fitting_scale(size, whole)
        strip.transform.scale_x *= scale
        strip.transform.scale_y *= scale
        for side in ("min_x", "max_x", "min_y", "max_y"):
            setattr(strip.crop, side, round(getattr(found.strip.crop, side) / scale))
