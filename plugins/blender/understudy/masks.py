# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's masks as passes: another Blender draws them, over the strip's frames, at the clip's size.

Another one, since setting its renderer up holds a window for a quarter of a second.

A mask strip lies on the timeline, and counts where it lies there. A mask that is chosen by name counts as the Movie
Clip Editor draws it: its first frame belongs to the clip's first.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty, PointerProperty
from numpy.typing import NDArray

from . import carried, compat, rendering
from .png import encode_png
from .png_movie import PngMovie
from .ranges import Refusal
from .rig.operators import rate_of
from .rig.source import Driven, driven, refuse_other_shape
from .standard_scene import grey_path, read_grey, standard_scene, write_greys
from .stepwise import Stepwise, Waiting, aside
from .timeline import selected_strips
from .timeline.conform import other_blender, size_of

USES = (
    ("matte", "Matte", "White is the person who is replaced"),
    (
        "garbage",
        "Garbage",
        "Nobody is replaced where it is white: what the matte catches there by mistake goes",
    ),
    ("keep", "Keep", "Where it is white the clip stays as it is, for what stands in front of the person"),
)


class UNDERSTUDY_OT_use_mask(Stepwise, bpy.types.Operator):
    bl_idname = "understudy.use_mask"
    bl_label = "Use Mask"
    bl_description = (
        "Draw a mask over every frame that the selected strip shows, and use it in the strip's next job. A selected "
        "mask strip counts before the mask that is chosen here"
    )

    use: EnumProperty(name="Use As", items=USES, default="matte")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """The tooltip of each use."""
        what = next(text for name, _, text in USES if name == properties.use)
        return f"{what}. {cls.bl_description}"

    def steps(self, context: bpy.types.Context) -> Iterator[float]:
        work = driven(context)
        if work.strip is None:
            raise Refusal("No movie strip is selected. Select the one that the mask belongs to.")
        drawn = _mask(context, work)
        folder = carried.new_folder()
        path = folder / f"{self.use}.avi"
        try:
            yield from _draw(drawn, work, path)
        except BaseException:  # also when the artist stops it
            carried.discard(folder)
            raise
        carried.carry(work.strip, self.use, path, work.content)
        self.report({"INFO"}, f"'{drawn.mask.name}' is the {self.use} of {len(work.frames)} frames")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A mask, and which of its frames belongs to each frame of the strip: None where it is not there."""

    mask: bpy.types.Mask
    frames: list[int | None]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last of the mask's own frames that are wanted."""
        wanted = [frame for frame in self.frames if frame is not None]
        return min(wanted, default=1), max(wanted, default=1)


def _mask(context: bpy.types.Context, work: Driven) -> Drawn:
    """The selected mask strip's, or the chosen one."""
    scene = compat.sequencer_scene(context)
    strips = [strip for strip in selected_strips(scene) if strip.type == "MASK" and strip.mask]
    if len(strips) > 1:
        raise Refusal(f"{len(strips)} mask strips are selected. Select one of them, with the clip.")
    if strips:
        refuse_other_shape(work)
        return Drawn(strips[0].mask, _of_strip(strips[0], work))
    mask = scene.understudy_mask
    if mask is None:
        raise Refusal("No mask is chosen. Select a mask strip with the clip, or choose a mask.")
    _refuse_empty(mask)
    if work.rendered:
        raise Refusal(
            f"'{work.strip.name}' does not show its clip frame by frame, so nobody knows which frame of the mask is "
            "whose. Put the mask over it as a mask strip."
        )
    return Drawn(mask, [mask.frame_start + frame for frame in range(*work.content)])


def _of_strip(strip: Any, work: Driven) -> list[int | None]:
    """Its frames where it lies; a mask strip is one frame shorter than its mask, so its last one is looked for."""
    _refuse_empty(strip.mask)
    timing = compat.timing(strip)
    first = strip.mask.frame_start + timing.content_trim_start - timing.content_start
    covered = range(timing.left_handle, timing.right_handle + 1)
    timeline = range(work.start, work.start + len(work.frames))
    if timing.right_handle + 1 < timeline.stop:
        covered = covered[:-1]  # it ends earlier than the clip, and is meant to
    return [first + frame if frame in covered else None for frame in timeline]


def _refuse_empty(mask: bpy.types.Mask) -> None:
    if not any(spline.points for layer in mask.layers for spline in layer.splines):
        raise Refusal(
            f"The mask '{mask.name}' has no shape. Draw one over the clip in the Movie Clip Editor."
        )


def _draw(drawn: Drawn, work: Driven, path: Path) -> Iterator[float]:
    """Begins a Blender that draws, and waits for the movie at *path*."""
    size, rate = size_of(work.strip), rate_of(work.stage.render)
    stopped = threading.Event()
    folder = Path(tempfile.mkdtemp(prefix="understudy-"))
    try:
        blend = _write(drawn, size, folder)
        yield 0.0
        made = aside(lambda: _make(drawn, blend, PngMovie(path, size, rate), size, stopped))
        while not made.done():
            yield Waiting(len(list(folder.glob("*.tga"))) / len(drawn.frames))
        made.result()
    finally:
        stopped.set()
        shutil.rmtree(folder, ignore_errors=True)


def _write(drawn: Drawn, size: tuple[int, int], folder: Path) -> Path:
    """What has to be drawn, as a .blend in *folder*, with its pictures beside it."""
    first, last = drawn.span
    mask = drawn.mask.copy()
    try:
        with standard_scene(size) as scene:
            scene[rendering.MARK] = True
            mask.frame_start, mask.frame_end = first, last + 1  # a strip of it ends one frame early
            compat.strips(scene.sequence_editor).new_mask("mask", mask, 1, 1)
            write_greys(scene, last - first + 1, folder)
            scene.view_layers[0].update()  # Blender 5.2 crashes when it writes a scene that never was
            bpy.data.libraries.write(str(folder / "mask.blend"), {scene}, path_remap="ABSOLUTE")
    finally:
        bpy.data.masks.remove(mask)
    return folder / "mask.blend"


def _make(
    drawn: Drawn, blend: Path, movie: PngMovie, size: tuple[int, int], stopped: threading.Event
) -> None:
    """On a thread: has *blend* rendered, and makes its pictures the movie."""
    first, last = drawn.span
    black = encode_png(np.zeros((size[1], size[0]), np.uint8))
    with movie:
        if any(frame is not None for frame in drawn.frames):
            _render(blend, last - first + 1, stopped)
        for frame in drawn.frames:
            grey = None if frame is None else read_grey(blend.parent, frame - first + 1, size)
            movie.add(black if grey is None else encode_png(_whole(grey)))


def _render(blend: Path, frames: int, stopped: threading.Event) -> None:
    last = grey_path(blend.parent, frames)
    try:
        rendering.render(other_blender(), blend, last, lambda done: None, lambda: not stopped.is_set())
    except OSError as error:
        raise Refusal(f"The mask was not drawn: {error}.") from error


def _whole(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """*drawn* with its last pixel, the right upper one, which Blender 4.2 and 4.5 leave as they find it."""
    whole = drawn.copy()
    whole[0, -1] = whole[0, -2] if whole.shape[1] > 1 else 0
    return whole


_register_classes, _unregister_classes = bpy.utils.register_classes_factory((UNDERSTUDY_OT_use_mask,))


def register() -> None:
    _register_classes()
    bpy.types.Scene.understudy_mask = PointerProperty(
        type=bpy.types.Mask,
        name="Mask",
        description="A mask that was drawn over the clip. A selected mask strip counts before it",
    )


def unregister() -> None:
    del bpy.types.Scene.understudy_mask
    _unregister_classes()
