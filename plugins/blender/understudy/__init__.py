# SPDX-License-Identifier: GPL-3.0-or-later
"""Understudy in Blender's Video Sequencer: Replace and Animate on the selected movie strip.

The work is done by the Understudy server, another process; this extension holds no torch and no model.

    ranges, passes, quality, request       what is to be made, in frames and files
    server, local_server, handshake, live  the server: found, started, listened to
    job, events, messages, frames          a job's thread, what it tells, what it writes
    people, estimates, errands             other threads
    session, desk                          what the main thread knows

None of these knows bpy; pytest runs them. These do:

    options, character, selection          what the artist has chosen
    compat, timeline                       read and write strips, on Blender 4.2 to 5.2
    pump, listening                        carry what threads report to the main thread
    overlay                                draws on strips how far their jobs are
    rig, masks, corrections, carried       passes that are made in Blender, and carried by their strips
    operators, panel, preferences          what the artist sees

Only the main thread touches bpy. A thread puts messages on a queue; the pump drains it.
"""

from __future__ import annotations

from . import (
    listening,
    masks,
    operators,
    options,
    overlay,
    panel,
    preferences,
    pump,
    thumbnails,
    translations,
)
from .corrections import matte_strip, painting
from .corrections import operators as corrections
from .rig import operators as rig

MODULES = (
    preferences,
    options,
    operators,
    rig,
    masks,
    corrections,
    painting,
    matte_strip,
    panel,
    overlay,
    pump,
    listening,
    thumbnails,
    translations,
)


def register() -> None:
    for module in MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(MODULES):
        module.unregister()
