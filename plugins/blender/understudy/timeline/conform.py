# SPDX-License-Identifier: GPL-3.0-or-later
"""A strip that does not show one frame of its clip after the other is rendered by Blender first, as it plays.

Another rate, reversed, retimed, under a speed effect, stills held beyond the clip, scene strips: Blender alone knows
which frame is shown when. What is needed of the artist's scene is written to a small .blend (some ms, here); another
Blender renders it to a lossless movie (seconds, beside this one). The artist's scene is not touched. Main thread only.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

from .. import compat, rendering
from ..ranges import Refusal, plays_one_to_one, visible_clip_range
from ..standard_scene import show_as_stored
from .strips import LOOK

BLEND = "plate.blend"
MOVIE = "plate.mkv"
NEUTRAL = {"transform.scale_x": 1.0, "transform.scale_y": 1.0, "transform.origin": (0.5, 0.5)}
NEUTRAL |= {"blend_alpha": 1.0, "color_saturation": 1.0, "color_multiply": 1.0}
KEPT = ("transform.filter",)  # of LOOK: needs no neutral value


def is_needed(scene: bpy.types.Scene, strip: Any, clip_fps: float) -> bool:
    """Whether *strip* shows anything but one frame of its clip, which has *clip_fps*, after the other."""
    if strip.type != "MOVIE":
        return True
    fps = scene.render.fps / scene.render.fps_base
    if not plays_one_to_one(clip_fps, fps) or strip.use_reverse_frames or strip.strobe > 1:
        return True
    try:
        visible_clip_range(compat.timing(strip))
    except Refusal:
        return True
    return bool(len(strip.retiming_keys)) or any(_speeds(scene, strip))


def beside(scene: bpy.types.Scene, strip: Any, handles: int) -> tuple[int, int]:
    """How many frames *strip* could show before and behind those it shows, at most *handles*.

    None under a speed effect, which is as long as its strip, and none in a meta strip, which may hide them.
    """
    if strip.parent_meta() is not None or any(_speeds(scene, strip)):
        return 0, 0
    head, tail = compat.trims(strip)
    first = compat.timing(strip).left_handle  # scenes have no frames below zero
    return max(min(handles, head, first), 0), max(min(handles, tail), 0)


def write(scene: bpy.types.Scene, strip: Any, more: tuple[int, int], folder: Path) -> functools.partial[None]:
    """Writes what has to be rendered, and *more* frames before and behind it, into *folder*.

    What it returns renders it, and is to be called on a thread.

    Raises:
        Refusal: it cannot be written.
    """
    timing = compat.timing(strip)
    frames = range(timing.left_handle - more[0], timing.right_handle + more[1])
    blend, movie = folder / BLEND, folder / MOVIE
    alone = _copy_with(scene, strip, frames)
    try:
        show_as_stored(alone, size_of(strip))
        _write_movie(alone, frames, movie)
        folder.mkdir(parents=True, exist_ok=True)
        bpy.data.libraries.write(str(blend), {alone}, path_remap="ABSOLUTE")
    except (OSError, RuntimeError) as error:
        raise Refusal(f"The clip cannot be rendered into {folder}: {error}.", fix="frames") from error
    finally:
        bpy.data.scenes.remove(alone)
    return functools.partial(_render, other_blender(), blend, movie, frames)


def _render(
    program: list[str],
    blend: Path,
    movie: Path,
    frames: range,
    say: Callable[[str], None],
    is_wanted: Callable[[], bool],
) -> None:
    """On a thread."""

    def tell(frame: int) -> None:
        done = min(max(frame - frames.start + 1, 1), len(frames))
        say(f"rendering the strip, frame {done} of {len(frames)}")

    rendering.render(program, blend, movie, tell, is_wanted)


def other_blender() -> list[str]:
    """How another Blender like this one is started."""
    return [sys.executable] if compat.IS_MODULE else [bpy.app.binary_path, *rendering.OPTIONS]


def size_of(strip: Any) -> tuple[int, int]:
    """The pixels of what a movie or scene strip shows."""
    if strip.type == "MOVIE":
        return strip.elements[0].orig_width, strip.elements[0].orig_height
    render = strip.scene.render
    percent = render.resolution_percentage
    return render.resolution_x * percent // 100, render.resolution_y * percent // 100


def _speeds(scene: bpy.types.Scene, strip: Any) -> Iterator[Any]:
    """Speed effects that work on *strip*."""
    for effect in compat.all_strips(scene.sequence_editor):
        if effect.type == "SPEED" and compat.effect_input(effect) == strip:
            yield effect


def _copy_with(scene: bpy.types.Scene, strip: Any, frames: range) -> bpy.types.Scene:
    """A copy of *scene* with nothing but *strip*, as its file has it, over *frames*, and what changes its time."""
    name, is_sped = strip.name, any(_speeds(scene, strip))
    alone = scene.copy()
    alone[rendering.MARK] = True
    for collection in list(alone.collection.children):
        alone.collection.children.unlink(collection)
    for thing in list(alone.collection.objects):
        alone.collection.objects.unlink(thing)
    if not is_sped:
        alone.animation_data_clear()  # of opacity and the like; a speed effect's is needed
    editor = alone.sequence_editor
    kept = next(each for each in compat.all_strips(editor) if each.name == name)
    _keep(editor, [kept, *_speeds(alone, kept)])
    timing = compat.timing(kept)
    if (timing.left_handle, timing.right_handle) != (frames.start, frames.stop):
        compat.set_handles(kept, frames.start, frames.stop)
    _make_plain(kept)
    return alone


def _keep(owner: Any, wanted: list[Any]) -> bool:
    """Removes all strips but *wanted* and the meta strips around them; whether any is left."""
    strips = compat.strips(owner)
    for strip in list(strips):
        if strip in wanted:
            strip.mute = False
        elif strip.type == "META" and _keep(strip, wanted):
            strip.mute, strip.blend_alpha = False, 1.0
        elif strip.name in strips:  # an effect goes with its input
            strips.remove(strip)
    return any(strip in wanted or strip.type == "META" for strip in strips)


def _make_plain(strip: Any) -> None:
    """Without what the artist has changed about its look: the result's strip will have it."""
    for dotted in LOOK:
        if dotted not in KEPT:
            _reset(strip, dotted)
    for modifier in list(strip.modifiers):  # modifiers.clear() crashes on a copied scene
        strip.modifiers.remove(modifier)


def _reset(strip: Any, dotted: str) -> None:
    *path, last = dotted.split(".")
    owner = functools.reduce(getattr, path, strip)
    kind = type(getattr(owner, last))
    setattr(owner, last, NEUTRAL.get(dotted, kind(0) if kind in (int, float, bool) else getattr(owner, last)))


def _write_movie(scene: bpy.types.Scene, frames: range, movie: Path) -> None:
    scene.frame_start, scene.frame_end, scene.frame_step = frames.start, frames.stop - 1, 1
    render = scene.render
    render.filepath, render.use_file_extension, render.use_overwrite = str(movie), False, True
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # from 5.0 on
        settings.media_type = "VIDEO"
    settings.file_format, settings.color_mode = "FFMPEG", "RGB"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MKV", "FFV1", "NONE"
