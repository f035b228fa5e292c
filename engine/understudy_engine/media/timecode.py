"""SMPTE 12M timecode: which label a later frame carries, dropped numbers included."""

from __future__ import annotations

import re
from fractions import Fraction

_LABEL = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d+)")


def advance(timecode: str, frames: int, rate: Fraction) -> str:
    """The label *frames* frames after *timecode*; "" if that is no timecode.

    "01:00:00;00" (or with a point) counts with dropped numbers, which only 29.97 and its multiples have;
    at other rates it is read as counting every number. Labels wrap after 24 hours.
    """
    match = _LABEL.fullmatch(timecode.strip())
    if match is None:
        return ""
    hours, minutes, seconds, ff = (int(match[i]) for i in (1, 2, 3, 5))
    nominal = round(rate)
    if minutes > 59 or seconds > 59 or nominal < 1 or ff >= nominal:
        return ""
    drop = (
        nominal // 15
        if match[4] != ":" and rate == Fraction(nominal * 1000, 1001) and nominal % 30 == 0
        else 0
    )
    total_minutes = hours * 60 + minutes
    number = (total_minutes * 60 + seconds) * nominal + ff
    number -= drop * (total_minutes - total_minutes // 10)
    return _label(number + frames, nominal, drop)


def _label(number: int, nominal: int, drop: int) -> str:
    """Every minute but each tenth leaves out its first *drop* numbers."""
    per_minute, per_ten = nominal * 60 - drop, nominal * 600 - drop * 9
    number %= per_ten * 6 * 24
    tens, rest = divmod(number, per_ten)
    skipped = drop * 9 * tens
    if rest >= per_minute + drop:
        skipped += drop * ((rest - drop) // per_minute)
    number += skipped
    seconds, ff = divmod(number, nominal)
    separator = ";" if drop else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{separator}{ff:02d}"
