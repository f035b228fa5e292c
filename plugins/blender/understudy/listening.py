# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins to listen to the server once the panel is looked at, never before. Main thread only."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import pump
from .desk import desk
from .estimates import Estimator
from .live import About, Listener, State
from .preferences import server_choice
from .session import session


def begin(context: bpy.types.Context) -> None:
    """Listens from now on; the second time nothing happens. A panel may call it while it is drawn."""
    if desk.listener is not None or bpy.app.background:
        return
    choice = server_choice(context)
    desk.about = About(state=State.ASKING)
    desk.listener = Listener(choice, _tell)
    pump.start_timer()


def begin_anew(context: bpy.types.Context) -> None:
    """The preferences have changed. Does nothing if nobody listens."""
    if desk.listener is None:
        return
    desk.listener.close()
    desk.listener = None
    if desk.estimator is not None:
        desk.estimator.forget()
    begin(context)


def estimator() -> Estimator:
    if desk.estimator is None:
        desk.estimator = Estimator(lambda: session.errands.post(lambda: None))  # which draws the panel anew
    return desk.estimator


def _tell(about: About) -> None:
    """On the listener's thread."""
    session.errands.post(lambda: _take(about))


def _take(about: About) -> None:
    known, desk.about = desk.about, about
    if desk.estimator is not None and _bearing(about) != _bearing(known):
        desk.estimator.forget()


def _bearing(about: About) -> tuple[object, ...]:
    """What estimates rest on: also how many jobs come first, and what a job that has ended has taught."""
    return about.state, about.model, about.loras, about.queued, about.busy


@persistent
def _before_load(*_: object) -> None:
    desk.leave()


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)


def unregister() -> None:
    desk.close()
    bpy.app.handlers.load_pre.remove(_before_load)
