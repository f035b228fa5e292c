"""Work on strangers' files that is asked once and answered once, done by a process of its own.

`errand` is the end that asks, `serve` the process's. It says now and then that it gets on, and ends when nobody waits
for it any more.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar, cast

from numpy.typing import NDArray

from ..errors import EngineError
from .confined import allow_more_seconds, confine, take_standard_pipes
from .isolated import started
from .wire import DecoderLimits, error_answer, receive, send

MEANWHILE_S = 0.5

Answer: TypeAlias = "dict[str, Any]"
Result = TypeVar("Result")
GetsOn: TypeAlias = Callable[[], None]
Work: TypeAlias = "Callable[[Answer, GetsOn], tuple[Mapping[str, Any], Sequence[NDArray[Any]]]]"


class Lost(Exception):
    """The process died, took too long or spoke nonsense; whoever sent it knows what it worked on."""


def errand(
    module: str,
    asked: Mapping[str, Any],
    limits: DecoderLimits,
    *,
    take: Callable[[Answer, BinaryIO], Result],
    patience_s: float | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Result:
    """What *take* makes of the answer (and what follows it in the pipe) of *module*'s process.

    Args:
        patience_s: how long it may say nothing; None: as long as it may compute, ``limits.seconds``.
        meanwhile: called twice a second; what it raises ends the process and is raised here.

    Raises:
        Lost: and whatever EngineError or OSError the process tells.
    """
    process = started(module)
    requests, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    reader: _Reader[Result] = _Reader(answers, take)
    try:
        with suppress(OSError):  # it died at once, which the reader finds too
            send(requests, {**asked, "limits": asdict(limits)})
        reader.start()
        while not wait([reader.outcome], timeout=MEANWHILE_S).done:
            meanwhile()
            if reader.quiet_s() > (patience_s or limits.seconds):
                process.kill()
        return reader.outcome.result()
    finally:
        process.kill()
        process.wait()
        reader.join()
        answers.close()
        with suppress(OSError):  # it died with something unread
            requests.close()


class _Reader(threading.Thread, Generic[Result]):
    """Hears a process until its answer: a thread, since not every system can ask a pipe whether there is something."""

    def __init__(self, pipe: BinaryIO, take: Callable[[Answer, BinaryIO], Result]) -> None:
        super().__init__(daemon=True)
        self.outcome: Future[Result] = Future()
        self._pipe = pipe
        self._take = take
        self._heard = time.monotonic()

    def quiet_s(self) -> float:
        return time.monotonic() - self._heard

    def run(self) -> None:
        try:
            answer = self._answer()
            if "errno" in answer:
                told = OSError(int(answer["errno"]), str(answer["message"]))
                self.outcome.set_exception(told)
            else:
                self.outcome.set_result(self._take(answer, self._pipe))
        except EngineError as error:
            self.outcome.set_exception(error)
        except Exception as error:  # nothing that it says may end this thread without an outcome
            lost = Lost()
            lost.__cause__ = error
            self.outcome.set_exception(lost)

    def _answer(self) -> Answer:
        while "gets_on" in (answer := receive(self._pipe)):
            self._heard = time.monotonic()
        return answer


def serve(work: Work, *, may_write: bool = False) -> None:
    """Does *work* on what is asked at standard input, within its limits, and answers with what it returns.

    *work* is handed a function to call whenever it gets on: the processor time it may use is counted from there.
    """
    requests, answers = take_standard_pipes()
    asked = receive(requests)
    threading.Thread(target=_end_with, args=(requests,), daemon=True).start()
    limits = DecoderLimits(**asked["limits"])
    confine(limits, may_write=may_write)

    def gets_on() -> None:
        allow_more_seconds(limits.seconds)
        send(answers, {"gets_on": True})

    try:
        answer, arrays = work(asked, gets_on)
        send(answers, answer, arrays)
    except EngineError as error:
        send(answers, error_answer(error))
    except OSError as error:
        send(answers, {"errno": error.errno or 0, "message": error.strerror or str(error)})


def _end_with(requests: BinaryIO) -> None:
    requests.read()
    os._exit(1)  # whatever is half-written has a temporary name
