"""Whether an engine still gets on, told from what it says."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

from .messages import Beat, Message, OfJob, StageBegun, StepDone

START_PATIENCE_S = 120.0  # until the first word: importing from a cold disk, or on a busy machine, is slow
STEPS_OF_PATIENCE = 5
STEPS_REMEMBERED = 32


class Watchdog:
    """Told of every message; ``is_hung`` answers whether it is time to replace the engine.

    Between the steps of a segment only a message about the job counts as getting on. Elsewhere (loading, reading,
    coding, joining) there is nothing so regular: there a beat counts too, if it says that something moves.
    An engine without a job has only to beat.

    Args:
        patience_s: how long it may stand still; five times its median step, if that is longer. Until its first
            word it may take START_PATIENCE_S, if that is longer.
    """

    def __init__(self, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience_s = patience_s
        self._clock = clock
        self._got_on = self._asked = clock()
        self._step_began: float | None = None
        self._step_seconds: deque[float] = deque(maxlen=STEPS_REMEMBERED)
        self._within_steps = False
        self._has_spoken = False
        self.has_work = True  # it loads its model

    def begin(self) -> None:
        """A job was given to it, or it begins to load."""
        self.has_work, self._within_steps, self._step_began = True, False, None
        self._got_on = self._clock()

    def rest(self) -> None:
        """It has nothing to do."""
        self.has_work = False

    def excuse(self) -> None:
        """Whatever it does, it is not standing still by its own fault."""
        self._got_on = self._clock()

    def heard(self, message: Message) -> None:
        now, self._has_spoken = self._clock(), True
        if isinstance(message, StepDone):
            if self._step_began is not None:
                self._step_seconds.append(now - self._step_began)
            self._step_began = now
            self._within_steps = message.step < message.steps
        elif isinstance(message, StageBegun):
            self._step_began, self._within_steps = now, False
        moves = isinstance(message, Beat) and (message.moving or not self.has_work) and not self._within_steps
        if moves or isinstance(message, OfJob):
            self._got_on = now

    @property
    def limit_s(self) -> float:
        if not self._has_spoken:
            return max(self._patience_s, START_PATIENCE_S)
        median = statistics.median(self._step_seconds) if self._step_seconds else 0.0
        return max(self._patience_s, STEPS_OF_PATIENCE * median)

    def is_hung(self) -> bool:
        """To be asked several times within the patience: a pause of our own (a suspended laptop) is not held
        against the engine."""
        now = self._clock()
        since_asked, self._asked = now - self._asked, now
        if since_asked > self._patience_s / 2:
            self._got_on = now
        return now - self._got_on > self.limit_s
