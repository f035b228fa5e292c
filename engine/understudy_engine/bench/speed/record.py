"""What was measured so far, on disk after every figure: a run that is cut short has told what it knew."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from .goals import GOALS

Tell = Callable[[str], None]
GB = 1e9


class Record:
    """*until* is a time of the monotonic clock after which nothing more is begun."""

    def __init__(self, file: Path | None, until: float, tell: Tell) -> None:
        self.data: dict[str, Any] = {"conditions": {}, "rows": {}, "skipped": {}, "card": {}}
        self._file, self._until, self._tell = file, until, tell

    def row(self, name: str, value: float, unit: str, **beside: Any) -> None:
        goal = GOALS.get(name)
        aims = {} if goal is None else {"reach": goal.reach, "aim": goal.aim}
        self.data["rows"][name] = {"value": round(value, 5), "unit": unit} | aims | beside
        self._tell(f"{name} {value:.5g} {unit}")
        self.write()

    def value(self, name: str) -> float | None:
        row = self.data["rows"].get(name)
        return None if row is None else float(row["value"])

    def skip(self, name: str, why: str) -> None:
        self.data["skipped"][name] = why
        self._tell(f"{name}: skipped, {why}")
        self.write()

    def is_late(self, name: str) -> bool:
        """Whether *name* is not begun any more, which is then written down."""
        late = time.monotonic() > self._until
        if late:
            self.skip(name, "no time was left")
        return late

    def card(self, when: str, state: dict[str, str]) -> None:
        self.data["card"][when] = state

    def write(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")


def timed(work: Callable[[], object], device: torch.device, turns: int = 3) -> list[float]:
    """Seconds of each of *turns*, after one that is not counted."""
    work()
    _wait(device)
    seconds = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        _wait(device)
        seconds.append(time.perf_counter() - began)
    return seconds


def middle(seconds: Sequence[float]) -> float:
    return float(statistics.median(seconds))


def peak_gb(device: torch.device) -> float:
    """Of what was allocated since the last call."""
    if device.type != "cuda":
        return 0.0
    peak = torch.cuda.max_memory_allocated(device) / GB
    torch.cuda.reset_peak_memory_stats(device)
    return round(peak, 2)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
