"""Movies that Resolve rendered for jobs: input, not results, so they go again.

One folder each, in `renders` of the plugin's own. A render is used again as long as the window is open. A day after it
was made it goes at the next start, unless a job that reads it is still waited for.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from .journal import Journal, every

KEPT_S = 24 * 60 * 60


def place(folder: Path, uid: str) -> Path:
    """Where the render *uid* goes; *folder* is the plugin's."""
    return folder / "renders" / uid[:8]


def remove(render: Path) -> None:
    """Deletes a render's folder with what lies in it."""
    if render.is_dir():
        for path in render.iterdir():
            path.unlink(missing_ok=True)
        render.rmdir()


def note_use(journal: Journal, footage: Path) -> None:
    """A job reads *footage*, which is not removed until the job's journal tells its end."""
    journal.note("footage", path=str(footage))


def prune(folder: Path, journals: Path) -> None:
    """Removes the renders that are old and that nobody waits for; those that cannot be go another time."""
    renders = folder / "renders"
    needed = {name for journal in every(journals) for name in _needed(journal)}
    for render in renders.iterdir() if renders.is_dir() else ():
        with contextlib.suppress(OSError):
            if render.name not in needed and time.time() - render.stat().st_mtime > KEPT_S:
                remove(render)


def _needed(journal: Journal) -> set[str]:
    """The names of the folders that *journal*'s run reads, or makes."""
    if journal.last("done"):
        return set()
    used = Path(str((journal.last("footage") or {}).get("path", "")))
    made = Path(str((journal.last("render") or {}).get("folder", "")))
    return {made.name, used.name, used.parent.name}
