# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of its own in which strips are rendered as they are stored: no view transform, no look, no exposure.

The artist's scene is never touched. The scene is gone afterwards, whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy


@contextmanager
def standard_scene(size: tuple[int, int]) -> Iterator[bpy.types.Scene]:
    """An empty sequencer whose frames have *size* (width, height) pixels."""
    scene = bpy.data.scenes.new("Understudy")
    try:
        show_as_stored(scene, size)
        scene.sequence_editor_create()
        yield scene
    finally:
        bpy.data.scenes.remove(scene)


def show_as_stored(scene: bpy.types.Scene, size: tuple[int, int]) -> None:
    """Its sequencer's frames have *size* (width, height) pixels, whose values nothing changes."""
    render, shown = scene.render, scene.view_settings
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_sequencer, render.use_compositing = True, False
    render.use_border = render.use_stamp = render.use_multiview = False
    render.dither_intensity = 0.0
    render.frame_map_old = render.frame_map_new = 100
    shown.view_transform, shown.look = "Standard", "None"
    shown.exposure, shown.gamma, shown.use_curve_mapping = 0.0, 1.0, False
    scene.sequencer_colorspace_settings.name = "sRGB"


def write_grey(scene: bpy.types.Scene) -> None:
    """Its stills are written as PNG, 8 bits of grey."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # from 5.0 on
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "BW", "8"
    settings.compression = 15


def render_frame(scene: bpy.types.Scene, frame: int, folder: Path) -> bytes:
    """Renders one frame into *folder*; what was written.

    As an animation of one frame: a still of a scene that no window shows has masks as they are in the window's frame.
    """
    scene.frame_start = scene.frame_end = frame
    scene.render.use_file_extension = False
    scene.render.filepath = str(folder / "######.png")
    bpy.ops.render.render(animation=True, scene=scene.name)
    return (folder / f"{frame:06d}.png").read_bytes()
