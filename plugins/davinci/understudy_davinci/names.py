"""What the artist sees of us in Resolve: names of bins, tracks, timelines, files."""

from __future__ import annotations

import re

PRODUCT = "Understudy"
TRACKS = {"": PRODUCT, "character": f"{PRODUCT} character", "matte": f"{PRODUCT} matte"}
"""Of video tracks, by layer; "" is the result's."""


def render_name(uid: str) -> str:
    """Of a timeline and of render settings that a render needs; by it the next run finds what a killed one left."""
    return f"{PRODUCT} render {uid[:8]}"


def stem(title: str) -> str:
    """*title* as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").lower()[:40] or "shot"
