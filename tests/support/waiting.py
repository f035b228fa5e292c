"""Tests wait for what will come. How soon says nothing where others use the machine, so all are this patient."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0


def wait_until(condition: Callable[[], object], limit_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {limit_s:.0f} s"
        time.sleep(0.01)
