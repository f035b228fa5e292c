"""Settings of projects and timelines, as Python reads them from Resolve."""

from __future__ import annotations

from typing import Any

from .timecode import rate_of

DEFAULTS = {
    "timelineFrameRate": "24",
    "timelinePlaybackFrameRate": "24",
    "timelineDropFrameTimecode": "0",
    "timelineResolutionWidth": "64",
    "timelineResolutionHeight": "48",
    "timelinePixelAspectRatio": "square",
    "colorScienceMode": "davinciYRGB",
    "colorSpaceInput": "Rec.709 Gamma 2.4",
    "colorSpaceTimeline": "Rec.709 Gamma 2.4",
    "colorSpaceOutput": "Same as Timeline",
    "useCustomSettings": "0",
    "nodeStackLayers": "1",
    "superScale": "1",
}


def get_setting(settings: dict[str, str], name: str | None) -> Any:
    """One value: '' for an unknown key, all of them for none (R:704). Python gets the frame rate as a float (B7)."""
    if not name:
        return {key: _as_python(key, value) for key, value in settings.items()}
    return _as_python(name, settings[name]) if name in settings else ""


def set_setting(settings: dict[str, str], name: str, value: Any) -> bool:
    """False for an unknown key or a rate that no timeline can have; values are text (R:704)."""
    if name not in settings or name == "timelinePlaybackFrameRate":
        return False
    if name == "timelineFrameRate":
        value = str(value).removesuffix(".0")
        try:
            rate_of(value)
        except ValueError:
            return False
    settings[name] = str(value)
    return True


def _as_python(name: str, value: str) -> Any:
    if name == "timelineFrameRate" and not value.endswith("DF"):
        return float(value)
    return value
