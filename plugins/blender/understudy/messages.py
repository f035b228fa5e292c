# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's thread tells the main thread. Knows nothing of bpy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ._api.spoken import time_text


class State(StrEnum):
    """Where a job stands that has not ended."""

    WAITING = "waiting"  # not handed in yet, or in the server's queue
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    AWAY = "away"  # the server does not answer; it is waited for


class Outcome(StrEnum):
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Note:
    """What is being done, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has the job."""

    job: str
    notice: str  # the honest line about its model, or nothing


@dataclass(frozen=True, slots=True)
class Stated:
    state: State
    text: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    fraction: float  # 0.0-1.0 of the whole job
    stage: str
    remaining_s: float | None = None  # until the end; None while unknown

    @property
    def text(self) -> str:
        if self.remaining_s is None:
            return self.stage
        return f"{self.stage}, {time_text(self.remaining_s)} left"


@dataclass(frozen=True, slots=True)
class Made:
    """Frames *start* to *end*, counted from the job's first, are whole on disk."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Previewed:
    """*picture* shows what is being made. Each has a name of its own and takes the place of the one before."""

    picture: Path


@dataclass(frozen=True, slots=True)
class LayerMade:
    """All frames of a layer are whole on disk."""

    layer: str  # as in Work.layers
    frames: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing follows this message."""

    outcome: Outcome
    text: str = ""
    reason: str = ""  # an error's, for the panel to offer help by


Message = Note | Accepted | Stated | Progress | Made | Previewed | LayerMade | Ended
