"""Between two pieces of a network's work somebody may ask to stop."""

from __future__ import annotations

from collections.abc import Callable

Between = Callable[[], None]
"""Called between two pieces of work; what it raises ends the work there."""


def go_on() -> None:
    """Nobody asks to stop."""
