# SPDX-License-Identifier: GPL-3.0-or-later
"""Which LoRAs of the artist's own count in the next job."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import compat, options
from .._api.sampling import MOST_LORAS
from ..desk import desk


def offered(picked: options.UNDERSTUDY_PG_options) -> tuple[str, ...]:
    """The names of those that fit the model and are not chosen yet."""
    if len(picked.loras) >= MOST_LORAS:
        return ()
    return tuple(name for name in desk.about.loras if name not in picked.loras)


def _offered(self: Any, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    scene = compat.sequencer_scene(context)
    return _items(offered(scene.understudy)) if scene else []


@lru_cache(maxsize=32)
def _items(names: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Kept, because Blender does not hold the words that it shows."""
    return [(name, name, "") for name in names]


class LoraOperator:
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}


class UNDERSTUDY_OT_add_lora(LoraOperator, bpy.types.Operator):
    bl_idname = "understudy.add_lora"
    bl_label = "Add LoRA"
    bl_description = (
        "Choose a LoRA of your own for the next jobs. They lie in models/loras of the server's data folder, "
        "as .safetensors files"
    )

    name: EnumProperty(items=_offered)

    def execute(self, context: bpy.types.Context) -> set[str]:
        compat.sequencer_scene(context).understudy.loras.add().name = self.name
        return {"FINISHED"}


class UNDERSTUDY_OT_remove_lora(LoraOperator, bpy.types.Operator):
    bl_idname = "understudy.remove_lora"
    bl_label = "Remove LoRA"
    bl_description = "Leave this LoRA out of the next jobs"

    name: StringProperty()

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = compat.sequencer_scene(context).understudy.loras
        chosen.remove(chosen.find(self.name))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((UNDERSTUDY_OT_add_lora, UNDERSTUDY_OT_remove_lora))
