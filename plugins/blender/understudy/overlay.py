# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws on a job's strip how far it is, and what is being made: in the timeline, and small beside the picture.

Nothing of it is in the file, in the undo history or in a render.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from . import compat, timeline
from .messages import Outcome
from .session import Swap, session

VEIL = (0.05, 0.05, 0.06, 0.72)  # over frames that are still to come
GROOVE = (0.0, 0.0, 0.0, 0.6)
BAR = (0.36, 0.62, 1.0, 1.0)
STILL = (0.75, 0.75, 0.75, 1.0)  # the bar of a job that stands still
FAILED = (0.9, 0.3, 0.25, 1.0)
INK = (1.0, 1.0, 1.0, 0.95)
BODY = (0.08, 0.92)  # of a channel's height, what a strip fills
FONT = 0
LETTERS_PX = 11  # at Blender's normal scale
INSET = 0.24  # of the preview's height


class Box(NamedTuple):
    """Pixels of a region."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom


class Picture(NamedTuple):
    texture: Any
    aspect: float  # width by height


# ---- What there is to draw -------------------------------------------------------------------------------


def _watched() -> Iterator[tuple[Swap, Any]]:
    """Jobs with frames to come, and their strips in the timeline that is drawn."""
    waiting = {swap.uid: swap for swap in session.swaps.values() if len(swap.made) < swap.frames}
    editor = compat.sequencer_scene(bpy.context).sequence_editor
    if not (waiting and editor):
        return
    for strip in timeline.open_strips(editor):
        if swap := waiting.get(timeline.uid_of(strip)):
            yield swap, strip


def _draw_timeline() -> None:
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    for swap, strip in _watched():
        box = _box(region.view2d, compat.timing(strip), strip.channel)
        if box.right < 0 or box.left > region.width or box.width < 2:
            continue
        _draw_strip(swap, strip, box, region, scale)
    gpu.state.blend_set("NONE")


def _draw_strip(swap: Swap, strip: Any, box: Box, region: Any, scale: float) -> None:
    timing = compat.timing(strip)
    first = box.right
    for start, end in timeline.missing(swap):
        left = max(timing.content_start + start, timing.left_handle)
        right = min(timing.content_start + end, timing.right_handle)
        if left < right:
            x0, x1 = (region.view2d.view_to_region(frame, 0, clip=False)[0] for frame in (left, right))
            _fill(Box(x0, box.bottom, x1, box.top), VEIL)
            first = min(first, x0)
    if box.height < 12 * scale:
        return
    bar_px = 4 * scale
    _draw_bar(swap, Box(box.left + 1, box.bottom + 1, box.right - 1, box.bottom + 1 + bar_px))
    inner = Box(max(first, box.left, 0), box.bottom + bar_px + 2, min(box.right, region.width), box.top - 2)
    _write(swap.brief, _draw_thumbnail(swap, inner, scale), scale)


def _draw_bar(swap: Swap, box: Box) -> None:
    colour = BAR if swap.outcome is None and not swap.paused else STILL
    if swap.outcome is Outcome.FAILED:
        colour = FAILED
    _fill(box, GROOVE)
    _fill(box._replace(right=box.left + box.width * swap.fraction), colour)


def _draw_thumbnail(swap: Swap, box: Box, scale: float) -> Box:
    """Draws what is being made at the left of *box*; what is left of it."""
    picture = _pictures.of(swap)
    pad = 4 * scale
    if picture is None or box.width < 3 * box.height * picture.aspect:
        return box._replace(left=box.left + pad)
    width = box.height * picture.aspect
    _show(picture, Box(box.left, box.bottom, box.left + width, box.top))
    return box._replace(left=box.left + width + pad)


def _draw_preview() -> None:
    """In the corner of the picture: what is being made of the frame range that the playhead is in."""
    frame = bpy.context.scene.frame_current
    for swap, strip in _watched():
        timing = compat.timing(strip)
        picture = _pictures.of(swap)
        shown = picture and timing.left_handle <= frame < timing.right_handle
        if shown and frame - timing.content_start not in swap.made:
            gpu.state.blend_set("ALPHA")
            _draw_inset(picture, swap.brief)
            gpu.state.blend_set("NONE")
            return


def _draw_inset(picture: Picture, text: str) -> None:
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    pad = 12 * scale
    height = max(region.height * INSET, 48)
    box = Box(pad, pad + 18 * scale, pad + height * picture.aspect, pad + 18 * scale + height)
    blf.size(FONT, LETTERS_PX * scale)
    words = Box(box.left + 4, pad, box.left + 12 + blf.dimensions(FONT, text)[0], box.bottom)
    _fill(Box(box.left - 1, pad - 2, max(box.right + 1, words.right), box.bottom), VEIL)
    _show(picture, box)
    _write(text, words, scale)


def _box(view: Any, timing: Any, channel: int) -> Box:
    left, bottom = view.view_to_region(timing.left_handle, channel + BODY[0], clip=False)
    right, top = view.view_to_region(timing.right_handle, channel + BODY[1], clip=False)
    return Box(left, bottom, right, top)


# ---- Drawing ---------------------------------------------------------------------------------------------


def _corners(box: Box) -> tuple[tuple[float, float], ...]:
    return (
        (box.left, box.bottom),
        (box.right, box.bottom),
        (box.right, box.top),
        (box.left, box.top),
    )


def _fill(box: Box, colour: tuple[float, ...]) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": _corners(box)})
    shader.bind()
    shader.uniform_float("color", colour)
    batch.draw(shader)


def _show(picture: Picture, box: Box) -> None:
    shader = gpu.shader.from_builtin("IMAGE")
    places = {"pos": _corners(box), "texCoord": ((0, 0), (1, 0), (1, 1), (0, 1))}
    batch = batch_for_shader(shader, "TRI_FAN", places)
    shader.bind()
    shader.uniform_sampler("image", picture.texture)
    batch.draw(shader)


def _write(text: str, box: Box, scale: float) -> None:
    if box.width < 20 * scale:
        return
    blf.size(FONT, LETTERS_PX * scale)
    blf.color(FONT, *INK)
    blf.enable(FONT, blf.CLIPPING)
    blf.clipping(FONT, int(box.left), int(box.bottom), int(box.right), int(box.top))
    blf.position(FONT, int(box.left), int(box.bottom + (box.height - 8 * scale) / 2), 0)
    blf.draw(FONT, text)
    blf.disable(FONT, blf.CLIPPING)


class Pictures:
    """The newest preview of each job as a texture."""

    def __init__(self) -> None:
        self._by_uid: dict[str, tuple[Path, Picture | None]] = {}

    def of(self, swap: Swap) -> Picture | None:
        if swap.preview is None:
            self._by_uid.pop(swap.uid, None)
            return None
        path, picture = self._by_uid.get(swap.uid, (None, None))
        if path != swap.preview:
            picture = _load(swap.preview) or picture  # a newer one may have taken its place on disk
            self._by_uid[swap.uid] = (swap.preview, picture)
        return picture

    def clear(self) -> None:
        self._by_uid.clear()


def _load(path: Path) -> Picture | None:
    """By Blender's thumbnails: an Image would be in the file and in the undo history."""
    import bpy.utils.previews  # no attribute of bpy.utils before

    previews = bpy.utils.previews.new()
    try:
        preview = previews.load("preview", str(path), "IMAGE")
        width, height = preview.image_size
        if not (width and height):
            return None
        packed = np.array(preview.image_pixels, np.int32)  # (H * W,) packed RGBA, rows from below
        pixels = packed.view(np.uint8).astype(np.float32) / 255  # (H * W * 4,)
        if bpy.app.version < (5, 0, 0):
            pixels = _linear(pixels)  # which the shader IMAGE takes there
        data = gpu.types.Buffer("FLOAT", len(pixels), pixels)
        texture = gpu.types.GPUTexture((width, height), format="RGBA16F", data=data)
        return Picture(texture, width / height)
    except (OSError, KeyError):
        return None
    finally:
        bpy.utils.previews.remove(previews)


def _linear(values: np.ndarray) -> np.ndarray:
    """Of sRGB's values."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


_pictures = Pictures()
_handles: list[tuple[Any, str]] = []


def register() -> None:
    if bpy.app.background:
        return  # nothing is drawn
    space = bpy.types.SpaceSequenceEditor
    callbacks: tuple[tuple[Callable[[], None], str], ...] = (
        (_draw_timeline, "WINDOW"),
        (_draw_preview, "PREVIEW"),
    )
    for callback, region in callbacks:
        _handles.append((space.draw_handler_add(callback, (), region, "POST_PIXEL"), region))


def unregister() -> None:
    while _handles:
        bpy.types.SpaceSequenceEditor.draw_handler_remove(*_handles.pop())
    _pictures.clear()
