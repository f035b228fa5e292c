# SPDX-License-Identifier: GPL-3.0-or-later
"""A found matte as a strip of pictures above its clip, shown anew whenever somebody has painted over one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import added_strips, compat
from ..png import encode_png
from ..ranges import ClipRange, Refusal
from ..timeline.strips import MATTE_KEY as KEY
from ..timeline.strips import blend_path
from . import painted
from .state import state

LOOK_S = 1.0  # how often it is looked for pictures that have changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a strip of matte pictures belongs to; it stands in the strip."""

    analysis: str
    strip: str  # the uid of the clip's strip
    start: int  # clip frames
    end: int
    size: tuple[int, int]  # of the clip's pictures

    @property
    def frames(self) -> ClipRange:
        return ClipRange(self.start, self.end)


def insert(scene: bpy.types.Scene, clip: Any, folder: Path, belongs: Facts, first: int) -> None:
    """Puts the pictures of *folder* above *clip*, half clear; *first* is the timeline frame of the clip's first.

    Raises:
        Refusal: no channel is free.
    """
    remove(scene, belongs.strip)
    frames = belongs.frames
    start, end = first + frames.start, first + frames.end
    strips, channel = added_strips.free_place(scene, above=clip.channel, start=start, end=end)
    names = [f"{frame:06d}.png" for frame in range(*frames)]
    strip = strips.new_image(
        f"{clip.name} matte", blend_path(folder / names[0]), channel, start, fit_method="FIT"
    )
    for name in names[1:]:
        strip.elements.append(name)
    timing = compat.timing(clip)
    if (start, end) != (timing.left_handle, timing.right_handle):
        compat.set_handles(strip, timing.left_handle, timing.right_handle)
    strip.blend_alpha = 0.5
    strip.colorspace_settings.name = clip.colorspace_settings.name
    strip.select = False
    strip[KEY] = json.dumps(asdict(belongs))
    watch()


def remove(scene: bpy.types.Scene, uid: str) -> None:
    """Takes away the matte of the strip *uid*, if there is one; its pictures stay."""
    added_strips.remove(scene, lambda strip: KEY in strip and facts(strip).strip == uid)


def facts(strip: Any) -> Facts:
    return Facts(**json.loads(strip[KEY]))


def folder(strip: Any) -> Path:
    return Path(bpy.path.abspath(strip.directory))


def meant(scene: bpy.types.Scene | None) -> Any:
    """The strip of matte pictures that is meant: the selected one, or the only one.

    Raises:
        Refusal: there is none, or it is not clear which.
    """
    found = [strip for strip in _all_of(scene) if KEY in strip]
    selected = [strip for strip in found if strip.select]
    if len(selected or found) == 1:
        return (selected or found)[0]
    if found:
        raise Refusal(f"There are {len(found)} mattes. Select the strip of the one that is meant.")
    raise Refusal("There is nothing to send. Press Correct Pose or Correct Matte first.")


def is_there(scene: bpy.types.Scene | None) -> bool:
    return any(KEY in strip for strip in _all_of(scene))


def picture_at(strip: Any, frame: int) -> Path:
    """The picture that *strip* shows in a timeline frame.

    Raises:
        Refusal: it shows none there.
    """
    timing = compat.timing(strip)
    if not timing.left_handle <= frame < timing.right_handle:
        raise Refusal("The playhead is not on the matte. Move it to a frame that is wrong.")
    return folder(strip) / strip.elements[frame - timing.content_start].filename


def painted_frames(strip: Any) -> dict[int, bytes]:
    """Pictures that were changed, as 8 bits of grey, by the clip's frame.

    Raises:
        Refusal: one cannot be read, or has another size.
    """
    width, height = facts(strip).size
    return {frame: _grey(path, (width, height)) for frame, path in painted.changed(folder(strip)).items()}


def _grey(path: Path, size: tuple[int, int]) -> bytes:
    png = path.read_bytes()
    image = bpy.data.images.load(str(path))
    try:
        if tuple(image.size) != size:
            width, height = image.size
            raise Refusal(
                f"{path.name} has {width} x {height} pixels; the clip has {size[0]} x {size[1]}. Save it anew."
            )
        if painted.is_grey(png):
            return png
        image.colorspace_settings.name = "Non-Color"
        values = np.empty(size[0] * size[1] * 4, np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    pixels = values.reshape(size[1], size[0], 4)[::-1]
    grey = pixels[..., :3].mean(axis=2) * pixels[..., 3]  # clear is black
    return encode_png(np.rint(grey.clip(0, 1) * 255).astype(np.uint8))


# ---- Looking again ---------------------------------------------------------------------------------------


def look() -> bool:
    """Shows pictures anew that were written since the last look; whether there were any."""
    any_changed = False
    for scene in bpy.data.scenes:
        for strip in _all_of(scene):
            if KEY in strip:
                any_changed |= _look_at(strip)
    return any_changed


def _look_at(strip: Any) -> bool:
    where = folder(strip)
    now = painted.times(where) if where.is_dir() else {}
    before = state.written.get(str(where))
    state.written[str(where)] = now
    if before is None or before == now:
        return False
    changed = {name for name, time in now.items() if before.get(name) != time}
    for element in strip.elements:
        if element.filename in changed:
            element.filename = element.filename  # Blender reads it again
    return True


def watch() -> None:
    """Looks every second from now on, while there is something to look at."""
    look()
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=LOOK_S, persistent=True)


def _tick() -> float | None:
    if not any(KEY in strip for scene in bpy.data.scenes for strip in _all_of(scene)):
        return None
    if not bpy.app.is_job_running("RENDER") and look():
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "SEQUENCE_EDITOR":
                    area.tag_redraw()
    return LOOK_S


def _all_of(scene: bpy.types.Scene | None) -> list[Any]:
    return list(compat.all_strips(scene.sequence_editor)) if scene and scene.sequence_editor else []


@bpy.app.handlers.persistent
def _after_load(*_: object) -> None:
    watch()


def register() -> None:
    bpy.app.handlers.load_post.append(_after_load)


def unregister() -> None:
    bpy.app.handlers.load_post.remove(_after_load)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
