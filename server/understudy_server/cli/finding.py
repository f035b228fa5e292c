"""What doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    FINE = "fine"
    NOTE = "note"  # works, with a limit worth knowing
    MISSING = "missing"  # something will not work


@dataclass(frozen=True, slots=True)
class Finding:
    topic: str
    verdict: Verdict
    found: str
    advice: str = ""
