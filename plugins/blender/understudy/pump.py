# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries what threads report into Blender's data, on the main thread.

In a window an app timer calls ``pump``; in background mode, where timers never fire, ``run_until_ended`` does.
"""

from __future__ import annotations

import functools
import logging
import time
from dataclasses import replace

import bpy
from bpy.app.handlers import persistent

from . import server, timeline
from .desk import desk
from .job import PATIENCE_S
from .preferences import server_choice
from .ranges import Refusal
from .session import Swap, session

PERIOD_S = 0.1
IDLE_S = 0.5  # while nothing is under way, and the server is only listened to
BUDGET_S = 0.015  # of the main thread's time each period

log = logging.getLogger(__name__)
_rendering: set[bool] = set()  # not empty while Blender renders


def pump(budget_s: float = BUDGET_S) -> bool:
    """Takes messages and grows strips for about *budget_s* seconds; whether anything may still come."""
    if _renders():
        return True
    deadline = time.monotonic() + budget_s
    behind = False
    changed = session.errands.take(deadline)
    for swap in list(session.swaps.values()):
        changed |= swap.drain(deadline)
        changed |= _sync(swap)
        behind |= swap.outcome is None or bool(swap.obstacle)
    if changed:
        _redraw()
    return behind or session.errands.pending


def _renders() -> bool:
    """Whether Blender renders. Strips that change meanwhile can crash it."""
    return bool(_rendering) or bpy.app.is_job_running("RENDER")


def run_until_ended(swap: Swap) -> None:
    """Pumps until *swap* has ended and everything it made is on the timeline. Not from a render's handlers."""
    _rendering.clear()
    while swap.outcome is None or not swap.thread.messages.empty():
        pump()
        time.sleep(0.01)
    pump()


def take_up() -> list[Swap]:
    """Follows the jobs of this file's unfinished strips. No server is started for it."""
    choice = replace(server_choice(bpy.context), may_start=False)
    return timeline.take_up(functools.partial(server.connect, choice, patience_s=PATIENCE_S))


def newest() -> Swap:
    """The job that was begun last."""
    return next(reversed(session.swaps.values()))


def start_timer() -> None:
    """Pumps by a timer from now on, until nothing is left to come."""
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=PERIOD_S, persistent=True)


def _tick() -> float | None:
    if not bpy.app.is_job_running("RENDER"):
        _rendering.clear()  # no timer fires under a render that holds the window: one that failed told us nothing
    if pump():
        return PERIOD_S
    return IDLE_S if desk.listener else None


def _sync(swap: Swap, *, undoing: bool = False, whole: bool = False) -> bool:
    changed, obstacle = False, ""
    try:
        changed = timeline.sync(swap, undoing=undoing, whole=whole)
    except Refusal as refusal:
        obstacle = str(refusal)
    except Exception:  # one job's trouble must not stop the timer that serves them all
        obstacle = f"The strip could not be updated; the frames are in {swap.folder}."
        if obstacle != swap.obstacle:
            log.exception("The strip of %s could not be updated", swap.job)
    changed |= obstacle != swap.obstacle
    swap.obstacle = obstacle
    return changed


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


@persistent
def _before_render(*_: object) -> None:
    _rendering.add(True)


@persistent
def _after_render(*_: object) -> None:
    _rendering.clear()


@persistent
def _after_undo(*_: object) -> None:
    """Undo takes back frames that came since; they are there, so they are shown again."""
    timeline.refresh_all()
    for swap in session.swaps.values():
        swap.look_again()
        _sync(swap, undoing=True)


@persistent
def _before_save(*_: object) -> None:
    """What is made goes into the file."""
    if not _renders():
        for swap in session.swaps.values():
            _sync(swap, whole=True)


@persistent
def _before_load(*_: object) -> None:
    session.leave()


@persistent
def _after_load(*_: object) -> None:
    """Jobs of the file that was opened are taken up again. In background mode a file may only be rendered."""
    if not bpy.app.background and take_up():
        start_timer()


HANDLERS = {
    "undo_post": _after_undo,
    "redo_post": _after_undo,
    "save_pre": _before_save,
    "render_init": _before_render,
    "render_complete": _after_render,
    "render_cancel": _after_render,
    "load_pre": _before_load,
    "load_post": _after_load,
}


def register() -> None:
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    session.leave()
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for name, handler in HANDLERS.items():
        getattr(bpy.app.handlers, name).remove(handler)
