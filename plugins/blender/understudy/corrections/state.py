# SPDX-License-Identifier: GPL-3.0-or-later
"""What is under way between Blender and an analysis. Main thread only; knows nothing of bpy."""

from __future__ import annotations

from collections.abc import Callable
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
    written: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  # folder -> file -> when it was last written

    def fail(self, text: str) -> None:
        self.busy, self.failed, self.text = False, True, text


state = State()
"""Panels and operators share it."""


def begin(name: str, work: Callable[[Say], Done]) -> None:
    """Runs *work* on a thread, shows what it says, and does on the main thread what it returns."""
    state.busy, state.failed, state.text, state.fraction = True, False, "asking the server", 0.0

    def errand(post: Post) -> Done:
        def say(text: str, fraction: float) -> None:
            post(lambda: _show(text, fraction))

        try:
            done = work(say)
        except UnderstudyError as error:
            text = error.message
        except OSError as error:
            text = f"A file cannot be written: {error}."
        else:
            return lambda: _end(done)
        return lambda: state.fail(text)

    session.errands.begin(errand, name)


def _show(text: str, fraction: float) -> None:
    state.text, state.fraction = text, fraction


def _end(done: Done) -> None:
    state.busy, state.text = False, ""
    done()
