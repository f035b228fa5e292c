# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under way between Blender and an analysis. Main thread only; knows nothing of bpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .._api.errors import UnderstudyError
from ..errands import Done, Post
from ..session import session
from .asking import Say


@dataclass(slots=True)
class State:
    """One lasts as long as the extension is enabled."""

    busy: bool = False
    text: str = ""  # what is being done, or what became of it
    fraction: float = 0.0
    failed: bool = False
    changed: Done = lambda: None  # called when any of it has changed
    file: int = 0  # counts the files that were opened
    written: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  # when a folder's files were last written

    def tell(self, text: str, fraction: float = 0.0) -> None:
        self.text, self.fraction = text, fraction
        self.changed()

    def fail(self, text: str) -> None:
        self.busy, self.failed = False, True
        self.tell(text)

    def leave(self) -> None:
        """Another file is opened: what was asked for does not belong to it."""
        self.busy, self.failed, self.text = False, False, ""
        self.file += 1
        self.written.clear()


state = State()
"""Panels and operators share it."""


Last = Callable[[], Iterator[None] | None]
"""What is done on the main thread at last: at once, or in small steps."""


def begin(name: str, work: Callable[[Say], Last]) -> None:
    """Runs *work* on a thread, shows what it says, and does on the main thread what it returns."""
    state.busy, state.failed, file = True, False, state.file
    state.tell("asking the server")

    def errand(post: Post) -> Done:
        def here(done: Done) -> Done:
            """*done*, unless another file has been opened since."""
            return lambda: done() if state.file == file else None

        def say(text: str, fraction: float) -> None:
            post(here(lambda: state.tell(text, fraction)))

        try:
            done = work(say)
        except UnderstudyError as error:
            text = error.message
        except OSError as error:
            text = f"A file cannot be written: {error}."
        else:
            return here(lambda: _end(done, here))
        return here(lambda: state.fail(text))

    session.errands.begin(errand, name)


def _end(last: Last, here: Callable[[Done], Done]) -> None:
    state.text = ""
    with _defects_told():
        steps = last()
        if steps is None:
            _settle()
        else:
            _go_on(steps, here)


def _go_on(steps: Iterator[None], here: Callable[[Done], Done]) -> None:
    """One step; the next when the main thread has time again."""
    with _defects_told():
        try:
            next(steps)
        except StopIteration:
            _settle()
        except ReferenceError:  # an undo came between
            state.fail("Taken back by an undo while it was made. Press it again.")
        else:
            session.errands.post(here(lambda: _go_on(steps, here)))


@contextmanager
def _defects_told() -> Iterator[None]:
    """The buttons of the panel would wait forever for what broke unheard."""
    try:
        yield
    except Exception as error:
        state.fail(f"Understudy has a defect: {type(error).__name__}: {error}")
        raise


def _settle() -> None:
    state.busy = False
    state.changed()
