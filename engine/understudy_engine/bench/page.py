"""A page of the documentation with a table in it that a program writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(page: Path, marker: str, table: Sequence[str]) -> None:
    """Puts *table* between the two *marker* lines of *page*, where there are any."""
    parts = page.read_text("utf-8").split(marker) if page.exists() else []
    if len(parts) == 3:
        page.write_text(marker.join([parts[0], "\n" + "\n".join(table) + "\n", parts[2]]), encoding="utf-8")
