# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting over a found matte in Blender itself: the picture under the playhead, in a window of its own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from .. import compat
from ..operators.refusing import NeedsSequencer, refuse
from ..ranges import Refusal
from . import matte_strip, window


class UNDERSTUDY_OT_paint_matte(NeedsSequencer, bpy.types.Operator):
    bl_idname = "understudy.paint_matte"
    bl_label = "Paint"
    bl_description = (
        "Open the picture of the matte under the playhead in a window of its own, to paint over: white is the person. "
        "The strip shows what is saved there (Alt S), and Send saves the rest"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = compat.sequencer_scene(context)
        try:
            path = matte_strip.picture_at(matte_strip.meant(scene), scene.frame_current)
        except Refusal as refusal:
            return refuse(self, refusal)
        image = bpy.data.images.load(str(path), check_existing=True)
        image.colorspace_settings.name = "Non-Color"
        if not bpy.app.background:
            window.paint(image)
        return {"FINISHED"}


def save(folder: Path) -> None:
    """Writes the pictures of *folder* that were painted over in Blender and not saved."""
    for image in bpy.data.images:
        if image.is_dirty and Path(bpy.path.abspath(image.filepath)).parent == folder:
            image.save()


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_OT_paint_matte,))
