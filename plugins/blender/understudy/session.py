# SPDX-License-Identifier: GPL-3.0-or-later
"""What the main thread knows of this session's jobs. Knows nothing of bpy.

It lies outside the .blend's data, because undo would take that back while the job goes on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from .errands import Errands
from .job import SwapThread
from .messages import (
    Accepted,
    Ended,
    LayerMade,
    Made,
    Message,
    Note,
    Outcome,
    Previewed,
    Progress,
    State,
    Stated,
)
from .ranges import ClipRange
from .request import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a result goes, and how it is shown: as its source strip was when the job began."""

    scene_uid: int
    meta: str  # the name of the meta strip it lies in; "" at the top
    start: int  # timeline frame of the first that is shown
    length: int  # frames that are shown
    before: int = 0  # frames made beside them, behind the strip's handles
    behind: int = 0
    above: int  # the source's channel
    name: str
    clip: str  # the source's file
    clip_range: ClipRange  # of it, what is asked for
    colour_space: str
    look: Mapping[str, Any]  # values of the strip's attributes, by dotted name
    fitted: bool = False  # its look is a result's, and counts for Animate too
    version_of: str = ""  # the uid of the strip it is a newer version of

    @property
    def frames(self) -> int:
        return self.before + self.length + self.behind


@dataclass(slots=True, kw_only=True)
class Swap:
    """A job of this session, and its strip."""

    mode: Mode
    thread: SwapThread
    placement: Placement
    inserted: bool = False  # its strip was made; it may have been deleted since
    job: str = ""  # "jobs/…", once the server has taken it
    made: set[int] = field(default_factory=set)  # frames on disk
    unshown: set[int] = field(default_factory=set)  # those of them that its strip may not show yet
    layers_made: dict[str, int] = field(default_factory=dict)  # frames by layer
    layers_inserted: set[str] = field(default_factory=set)
    state: State = State.WAITING  # counts while it runs
    fraction: float = 0.0
    stage: str = "waiting"
    remaining_s: float | None = None  # until the end; None while unknown
    text: str = "waiting"  # what it is at, or how it ended
    preview: Path | None = None  # a picture of what is being made
    obstacle: str = ""  # why its strip cannot follow just now
    notice: str = ""  # the honest line about the model that makes it
    outcome: Outcome | None = None  # None while it runs
    reason: str = ""  # why it failed, as a word for programs

    @property
    def uid(self) -> str:
        """Also in its strip."""
        return self.thread.work.uid

    @property
    def folder(self) -> Path:
        return self.thread.work.folder

    @property
    def frames(self) -> int:
        return self.thread.work.frames

    @property
    def landed(self) -> int:
        """Frames on disk, from the first without a gap."""
        return next((index for index in range(self.frames) if index not in self.made), self.frames)

    @property
    def brief(self) -> str:
        """What it is at, as short as a strip and a bar want it."""
        return "waiting for the server" if self.is_waiting_for_server else self.text or self.state.value

    @property
    def is_waiting_for_server(self) -> bool:
        return self.outcome is None and self.state is State.AWAY

    # ---- Steering ----------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        return self.outcome is None and self.state is State.PAUSED

    @property
    def can_pause(self) -> bool:
        running = self.state in (State.WAITING, State.PREPARING, State.RUNNING)
        return self.outcome is None and bool(self.job) and running

    @property
    def can_retry(self) -> bool:
        return self.outcome in (Outcome.FAILED, Outcome.CANCELLED)

    def cancel(self) -> None:
        self._say(State.CANCELLING)
        self.thread.cancel()

    def pause(self) -> None:
        self._say(State.PAUSING)
        self.thread.pause()

    def resume(self) -> None:
        self._say(State.WAITING)
        self.thread.resume()

    def retry(self) -> None:
        """Goes on with a job that failed or was cancelled. What is made is kept."""
        self.thread = self.thread.once_more()
        self.outcome, self.reason = None, ""
        self._say(State.WAITING)
        self.thread.start()

    def look_again(self) -> None:
        """Its strip may have lost frames: undo and redo bring back an earlier one."""
        self.unshown |= self.made

    # ---- Messages ----------------------------------------------------------------------------------------

    def drain(self, deadline: float) -> bool:
        """Takes messages until there are none or the monotonic clock passes *deadline*; whether there were any."""
        changed = False
        while time.monotonic() < deadline:
            try:
                message = self.thread.messages.get_nowait()
            except Empty:
                break
            self._take(message)
            changed = True
        return changed

    def _take(self, message: Message) -> None:
        match message:
            case Note(text):
                self.text = text
            case Accepted(job, notice):
                self.job, self.notice = job, notice
            case Stated(state, text):
                self._take_state(state, text)
            case Progress(fraction, stage, remaining_s):
                self.fraction, self.stage, self.remaining_s = fraction, stage, remaining_s
                if self.state not in (State.CANCELLING, State.PAUSING, State.PAUSED):
                    self.text = message.text
            case Made(start, end):
                self.made.update(range(start, end))
                self.unshown.update(range(start, end))
            case Previewed(picture):
                self.preview = picture
            case LayerMade(layer, frames):
                self.layers_made[layer] = frames
            case Ended(outcome, text, reason):
                self.outcome, self.text, self.reason = outcome, text, reason
                self.preview = self.remaining_s = None
                self.fraction = 1.0 if outcome is Outcome.FINISHED else self.fraction

    def _take_state(self, state: State, text: str) -> None:
        asked = self.state  # what the artist asked for shows until the server has heard it
        if asked is State.CANCELLING or (asked is State.PAUSING and state is State.RUNNING):
            return
        self._say(state, text)

    def _say(self, state: State, text: str = "") -> None:
        self.state, self.text = state, text or state.value
        if state is not State.RUNNING:
            self.remaining_s = None


@dataclass(slots=True)
class Session:
    """One lasts as long as the extension is enabled."""

    swaps: dict[str, Swap] = field(default_factory=dict)  # by uid, oldest first
    errands: Errands = field(default_factory=Errands)

    def add(self, swap: Swap) -> None:
        self.swaps[swap.uid] = swap

    def active(self) -> list[Swap]:
        return [swap for swap in self.swaps.values() if swap.outcome is None]

    def leave(self) -> None:
        """Forgets all jobs; they go on in the server."""
        for swap in self.active():
            swap.thread.leave()
        self.swaps.clear()


session = Session()
"""Panels, operators and timers share it: Blender gives them nothing else in common that undo leaves alone."""


def new_uid() -> str:
    return str(uuid.uuid4())
