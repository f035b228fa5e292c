"""Times and sizes as a person says them. Standard library only."""

from __future__ import annotations


def time_text(seconds: float) -> str:
    """ "74 s", "12 min", "1.5 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def seconds_text(seconds: tuple[float, float]) -> str:
    """A range of time: "8 s", "8–12 s", "2–4 min", "1.5 h"."""
    high = seconds[1]
    if high < 100:
        unit, shown = "s", [f"{max(1, round(each))}" for each in seconds]
    elif high < 6000:
        unit, shown = "min", [f"{max(1, round(each / 60))}" for each in seconds]
    else:
        unit, shown = "h", [f"{each / 3600:.1f}" for each in seconds]
    return f"{shown[1]} {unit}" if shown[0] == shown[1] else f"{shown[0]}–{shown[1]} {unit}"


def bytes_text(count: int) -> str:
    """ "640 MB", "1.2 GB", "24 GB"."""
    if count < 1e9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"
