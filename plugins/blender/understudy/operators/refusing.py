# SPDX-License-Identifier: GPL-3.0-or-later
"""How operators say no: in the status bar, and in the panel with what helps."""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat, selection
from ..desk import Trouble, desk
from ..ranges import Refusal
from ..translations import words


def refuse(operator: bpy.types.Operator, refusal: Refusal) -> set[str]:
    """Reports *refusal* and keeps it in the panel until something works, or something else is selected."""
    scene = compat.sequencer_scene(bpy.context)
    text = words(str(refusal))
    desk.trouble = Trouble(text, refusal.fix, selection.names(scene) if scene else ())
    operator.report({"ERROR"}, text)
    return {"CANCELLED"}


class NeedsSequencer:
    """An operator that is grey where the sequencer has no strips."""

    @classmethod
    def poll(cls: Any, context: bpy.types.Context) -> bool:
        scene = compat.sequencer_scene(context)
        if scene is None or scene.sequence_editor is None:
            cls.poll_message_set("Add a movie strip to the sequencer first")
            return False
        return True
