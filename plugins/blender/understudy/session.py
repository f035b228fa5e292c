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
from .job import Accepted, Ended, Landed, Note, Outcome, Progress, SwapThread
from .request import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a result goes, and how it is shown: as its source strip was when the job began."""

    scene_uid: int
    meta: str  # the name of the meta strip it lies in; "" at the top
    start: int  # timeline frame
    length: int  # frames
    above: int  # the source's channel
    name: str
    colour_space: str
    look: Mapping[str, Any]  # values of the strip's attributes, by dotted name


@dataclass(slots=True, kw_only=True)
class Swap:
    """A job of this session."""

    mode: Mode
    thread: SwapThread
    placement: Placement
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))  # also in its strip
    job: str = ""  # "jobs/…", once the server has taken it
    folder: Path | None = None
    landed: int = 0  # frames on disk, from the first without a gap
    inserted: bool = False  # its strip was made; it may have been deleted since
    fraction: float = 0.0
    text: str = "waiting"
    cancelling: bool = False
    obstacle: str = ""  # why its strip cannot follow just now
    notice: str = ""  # the honest line about the model that makes it
    outcome: Outcome | None = None  # None while it runs
    reason: str = ""  # why it failed, as a word for programs

    def cancel(self) -> None:
        self.cancelling, self.text = True, "cancelling"
        self.thread.cancel()

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

    def fail(self, text: str) -> None:
        self.outcome, self.text = Outcome.FAILED, text

    def _take(self, message: Note | Accepted | Progress | Landed | Ended) -> None:
        match message:
            case Note(text):
                self.text = text
            case Accepted(job, folder, notice):
                self.job, self.folder, self.notice = job, folder, notice
            case Progress(fraction, text):
                self.fraction = fraction
                self.text = "cancelling" if self.cancelling else text
            case Landed(index):
                self.landed = index + 1
            case Ended(outcome, text, reason):
                self.outcome, self.text, self.reason = outcome, text, reason
                self.fraction = 1.0 if outcome is Outcome.FINISHED else self.fraction


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
