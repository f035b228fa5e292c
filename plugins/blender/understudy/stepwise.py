# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators whose work takes a while and needs Blender's data: done in small steps, so that the window stays alive.

From a script or in background mode all steps are done at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import bpy

from .operators.refusing import refuse
from .ranges import Refusal

Made = TypeVar("Made")

PERIOD_S = 0.01
PATIENCE_S = 0.005  # between two looks at a thread, where no window has to be kept alive
BUDGET_S = 0.01  # of the main thread's time each period, and the rest of the step that is under way then


class Waiting(float):
    """How much is done, where nothing can be done here until a thread has done more."""


class Stepwise:
    """An operator that does its *steps*. Esc or the right mouse button ends them, and leaves nothing behind.

    ``steps(context)`` does the work, and gives after each step how much of it is done, 0 to 1. What it began it ends in
    its own ``finally``. It may raise Refusal.
    """

    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 - as Blender's own are written

    def execute(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            for done in _explained(self.steps(context)):
                if isinstance(done, Waiting):
                    time.sleep(PATIENCE_S)
        except Refusal as refusal:
            return refuse(self, refusal)
        return {"FINISHED"}

    def invoke(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._steps = _explained(self.steps(context))
        manager = context.window_manager
        self._timer = manager.event_timer_add(PERIOD_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self: Any, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self._steps.close()
            return self._end(context, {"CANCELLED"})
        if event.type != "TIMER":
            return {"RUNNING_MODAL"}
        due = time.monotonic() + BUDGET_S
        try:
            done = next(self._steps)
            while time.monotonic() < due and not isinstance(done, Waiting):
                done = next(self._steps)
        except StopIteration:
            return self._end(context, {"FINISHED"})
        except Refusal as refusal:
            return self._end(context, refuse(self, refusal))
        context.workspace.status_text_set(f"{self.bl_label}: {done:.0%}   Esc stops it")
        return {"RUNNING_MODAL"}

    def cancel(self: Any, context: bpy.types.Context) -> None:
        """Blender quits, or another file is opened."""
        self._steps.close()
        self._end(context, {"CANCELLED"})

    def _end(self: Any, context: bpy.types.Context, result: set[str]) -> set[str]:
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
        for area in context.screen.areas:
            area.tag_redraw()
        return result


def aside(work: Callable[[], Made]) -> Future[Made]:
    """Does *work* on a thread for which quitting does not wait."""
    promised: Future[Made] = Future()

    def run() -> None:
        try:
            promised.set_result(work())
        except BaseException as error:
            promised.set_exception(error)

    threading.Thread(target=run, name="understudy-aside", daemon=True).start()
    return promised


def _explained(steps: Iterator[float]) -> Iterator[float]:
    """The same steps; a file that cannot be written is a Refusal."""
    try:
        yield from steps
    except OSError as error:
        raise Refusal(f"A file cannot be written: {error}. Make room, or choose another folder.") from error
