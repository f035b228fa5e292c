# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of its own in which strips are rendered as they are stored: no view transform, no look, no exposure.

The artist's scene is never touched. The scene is gone afterwards, whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

TARGA_HEADER_BYTES = 18


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


def write_greys(scene: bpy.types.Scene, frames: int, folder: Path) -> None:
    """Has *scene* render its first *frames* frames into *folder*, as Targa, which is the plain bytes.

    To be rendered as an animation: a still of a scene that no window shows has masks as they are in the window's frame.
    """
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # from 5.0 on
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "TARGA_RAW", "BW"
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.use_file_extension = False
    scene.render.filepath = str(folder / "######.tga")


def grey_path(folder: Path, frame: int) -> Path:
    return folder / f"{frame:06d}.tga"


def read_grey(folder: Path, frame: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) of a frame of `write_greys`, rows from the top."""
    data, (width, height) = grey_path(folder, frame).read_bytes(), size
    return np.frombuffer(data, np.uint8, width * height, TARGA_HEADER_BYTES).reshape(height, width)[::-1]
