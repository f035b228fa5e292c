# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job would cost, asked while the artist chooses. Knows nothing of bpy.

One thread asks, and only once the choice has stood still for a moment; nobody waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import passes, server
from ._api.errors import UnderstudyError
from .quality import Quality
from .ranges import ClipRange, Refusal
from .request import Mode, RoleChoice, SwapRequest, build_spec
from .server import ServerChoice

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.v1 import job_pb2

SETTLE_S = 0.5  # how long a choice stands still before it is asked about
KEPT = 64  # answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a job would be made of; equal questions have equal answers."""

    mode: Mode
    clip: Path
    frames: ClipRange
    character: Path
    people: tuple[str, ...] = ()
    roles: tuple[RoleChoice, ...] = ()
    passes_folder: str = ""
    passes: tuple[tuple[str, Path], ...] = ()
    prompt: str = ""
    quality: Quality = Quality.STANDARD
    steps: int = 0
    loras: tuple[str, ...] = ()  # that count, whatever their strength: it costs nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the server says of a question."""

    seconds: tuple[float, float] | None = None  # least and most; None before the first job
    memory_bytes: int = 0  # that it needs
    memory_free_bytes: int = 0
    disk_bytes: int = 0
    disk_free_bytes: int = 0
    jobs_ahead: int = 0
    parts: int = 0
    warnings: tuple[str, ...] = ()
    trouble: str = ""  # why there is no estimate; a job would be refused in the same words
    reason: str = ""


class Estimator:
    """Asks about the questions that were wanted last, the first of them first; answers stay for the next time."""

    def __init__(self, told: Callable[[], None]) -> None:
        """*told* is called from the thread whenever there is an answer."""
        self._told = told
        self._lock = threading.Condition()
        self._wanted: tuple[Question, ...] = ()
        self._choice = ServerChoice()
        self._settled = 0.0  # on the monotonic clock
        self._answers: OrderedDict[Question, Estimate] = OrderedDict()
        self._running = False
        self._closed = False

    def want(self, choice: ServerChoice, questions: tuple[Question, ...]) -> None:
        """What is to be known. Returns at once; the same again changes nothing."""
        with self._lock:
            if questions == self._wanted:
                return
            self._wanted, self._choice = questions, choice
            self._settled = time.monotonic() + SETTLE_S
            if not self._running and not self._closed and self._next() is not None:
                self._running = True
                threading.Thread(target=self._run, name="understudy-estimate", daemon=True).start()
            self._lock.notify()

    def answer(self, question: Question) -> Estimate | None:
        """None while it is not known."""
        with self._lock:
            return self._answers.get(question)

    @property
    def asking(self) -> bool:
        with self._lock:
            return self._running

    def forget(self) -> None:
        """Answers of another server, or from before a job that taught it."""
        with self._lock:
            self._answers.clear()
            self._wanted = ()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._wanted = ()
            self._lock.notify()

    def _run(self) -> None:
        while (question := self._settle()) is not None:
            found = ask(self._choice, question)
            with self._lock:
                self._answers[question] = found
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
            self._told()

    def _settle(self) -> Question | None:
        """The next question, once nothing has changed for a moment; None, and the thread ends, if none is left."""
        with self._lock:
            while (rest := self._settled - time.monotonic()) > 0 and not self._closed:
                self._lock.wait(rest)
            question = self._next()
            self._running = question is not None
            return question

    def _next(self) -> Question | None:
        return next((each for each in self._wanted if each not in self._answers), None)


def ask(choice: ServerChoice, question: Question) -> Estimate:
    """What the server says of *question*. No server is started for it, and no file is sent."""
    try:
        with server.connect(replace(choice, may_start=False)) as client:
            return _read(client.estimate(_spec(client, question)))
    except UnderstudyError as error:
        return Estimate(trouble=error.message, reason=error.reason)
    except Refusal as refusal:
        return Estimate(trouble=str(refusal))
    except OSError as error:
        return Estimate(trouble=f"A file cannot be read: {error}.")


def _spec(client: Client, question: Question) -> job_pb2.JobSpec:
    folder = Path(question.passes_folder) if question.passes_folder else None
    return build_spec(
        client,
        SwapRequest(
            mode=question.mode,
            clip=question.clip,
            frames=question.frames,
            character=question.character,
            people=question.people,
            roles=question.roles,
            passes=passes.gather(folder, dict(question.passes)),
            prompt=question.prompt,
            quality=question.quality,
            steps=question.steps,
            loras=dict.fromkeys(question.loras, 1.0),
            folder=Path(),
        ),
    )


def _read(answer: job_pb2.EstimateJobResponse) -> Estimate:
    known = answer.HasField("seconds_low") and answer.HasField("seconds_high")
    return Estimate(
        seconds=(answer.seconds_low, answer.seconds_high) if known else None,
        memory_bytes=answer.memory_needed_bytes,
        memory_free_bytes=answer.memory_free_bytes,
        disk_bytes=answer.disk_needed_bytes,
        disk_free_bytes=answer.disk_free_bytes,
        jobs_ahead=answer.jobs_ahead,
        parts=answer.plan.segment_count,
        warnings=tuple(answer.warnings),
    )
