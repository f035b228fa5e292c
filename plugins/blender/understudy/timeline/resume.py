# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes up the jobs of strips whose frames are not all there: after a file is opened, or Blender has crashed.

Main thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import compat
from ..frames import WAITING, frame_name, frames_in, write_waiting
from ..job import SwapThread, Work
from ..request import Mode
from ..session import Placement, Swap, session
from .elements import grow
from .facts import Facts, was_cancelled
from .strips import JOB_KEY, UID_KEY, VERSION_KEY, Found, folder_of, results


def take_up(connect: Callable[..., Any]) -> list[Swap]:
    """Follows the job of every strip with frames to come; a strip whose job was cancelled is left alone."""
    taken = []
    for found in list(results()):
        facts, uid = Facts.of(found.strip), found.strip[UID_KEY]
        grow(found.strip, facts.frames if facts else 0, whole=True)
        is_whole = _match_disk(found)
        if is_whole or facts is None or uid in session.swaps or was_cancelled(found.strip):
            continue
        swap = _swap(found, facts, connect)
        session.add(swap)
        swap.thread.start()
        taken.append(swap)
    return taken


def _match_disk(found: Found) -> bool:
    """Lets the strip show what is there, and nothing that is not; whether that is all of it.

    An element whose file is missing can crash Blender when it is drawn.
    """
    folder, elements = folder_of(found), found.strip.elements
    there = frames_in(folder)
    whole = all(index in there for index in range(len(elements)))
    if not whole:
        try:
            write_waiting(folder)
        except OSError:  # a drive that is not there: nothing can be fetched to it either
            return True
    for index, element in enumerate(elements):
        name = frame_name(index) if index in there else WAITING
        if element.filename != name:
            element.filename = name
    return whole


def _swap(found: Found, facts: Facts, connect: Callable[..., Any]) -> Swap:
    strip, mode = found.strip, Mode(facts.mode)
    work = Work(
        uid=strip[UID_KEY],
        folder=folder_of(found),
        frames=len(strip.elements),
        title=f"{facts.name} {mode}",
        job=strip.get(JOB_KEY, ""),
        layers=facts.layers,
    )
    swap = Swap(
        mode=mode,
        thread=SwapThread(work, connect),
        placement=_placement(found, facts),
        job=work.job,
        inserted=True,
    )
    swap.text = "taking it up again"
    return swap


def _placement(found: Found, facts: Facts) -> Placement:
    timing = compat.timing(found.strip)
    meta = found.owner.name if getattr(found.owner, "type", "") == "META" else ""
    return Placement(
        scene_uid=compat.scene_uid(found.scene),
        meta=meta,
        start=timing.content_start + facts.before,
        length=len(found.strip.elements) - facts.before - facts.behind,
        before=facts.before,
        behind=facts.behind,
        above=found.strip.channel,
        name=facts.name,
        clip=facts.clip,
        clip_range=facts.clip_range,
        version_of=found.strip.get(VERSION_KEY, ""),
        colour_space=found.strip.colorspace_settings.name,
        look={},
    )
