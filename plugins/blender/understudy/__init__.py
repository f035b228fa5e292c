# SPDX-License-Identifier: GPL-3.0-or-later
"""Understudy in Blender's Video Sequencer: Replace and Animate on the selected movie strip.

The work is done by the Understudy server, another process; this extension holds no torch and no model.

    ranges, passes, request, errands, job, server, session   know nothing of bpy; pytest runs them
    compat, timeline                       read and write strips, on Blender 4.2 to 5.2
    pump                                   carries what threads report to the main thread
    operators, panel, preferences          what the artist sees

Only the main thread touches bpy. A thread puts messages on a queue; the pump drains it.
"""

from __future__ import annotations

from . import operators, panel, preferences, pump

MODULES = (preferences, operators, panel, pump)


def register() -> None:
    for module in MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(MODULES):
        module.unregister()
