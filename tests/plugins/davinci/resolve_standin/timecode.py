"""Rates as Resolve writes them, and timecode of every one of them, drop frame included."""

from __future__ import annotations

from fractions import Fraction

NTSC = {"23.976": 24, "29.97": 30, "47.952": 48, "59.94": 60, "119.88": 120}


def rate_of(setting: str) -> Fraction:
    """Frames a second of a `timelineFrameRate`, with or without its " DF"."""
    number = setting.removesuffix(" DF")
    return Fraction(NTSC[number] * 1000, 1001) if number in NTSC else Fraction(number)


def setting_of(rate: Fraction) -> str:
    for name, whole in NTSC.items():
        if rate == Fraction(whole * 1000, 1001):
            return name
    return str(float(rate)).removesuffix(".0")


def is_drop(setting: str) -> bool:
    return setting.endswith(" DF")


def frame_of(timecode: str, setting: str) -> int | None:
    """The frame that *timecode* names, or None where it is no timecode of this rate."""
    parts = timecode.replace(";", ":").split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    hours, minutes, seconds, frames = map(int, parts)
    per_second = round(rate_of(setting))
    if minutes > 59 or seconds > 59 or frames >= per_second:
        return None
    number = ((hours * 60 + minutes) * 60 + seconds) * per_second + frames
    if is_drop(setting):
        total = hours * 60 + minutes
        number -= per_second // 15 * (total - total // 10)
    return number


def timecode_of(frame: int, setting: str) -> str:
    per_second = round(rate_of(setting))
    if is_drop(setting):
        drop = per_second // 15
        tens, rest = divmod(frame, per_second * 600 - 9 * drop)
        frame += 9 * drop * tens
        if rest >= per_second * 60:
            frame += drop * ((rest - per_second * 60) // (per_second * 60 - drop) + 1)
    seconds, frames = divmod(frame, per_second)
    mark = ";" if is_drop(setting) else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{frames:02}"
