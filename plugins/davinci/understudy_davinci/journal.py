"""What a run does to Resolve, step by step on disk, so that the next run puts right what a killed one left.

One file a run, a JSON object a line. A step is written before it is done and, where it gives a name, once more after.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from understudy_api.endpoint import process_exists

SUFFIX = ".journal"


class Journal:
    """The steps of one run."""

    def __init__(self, path: Path, steps: list[dict[str, Any]]) -> None:
        self.path = path
        self._steps = steps

    @classmethod
    def begin(cls, folder: Path, uid: str, project: str) -> Self:
        folder.mkdir(parents=True, exist_ok=True)
        journal = cls(folder / f"{uid}{SUFFIX}", [])
        journal.note("begun", uid=uid, project=project, pid=os.getpid())
        return journal

    @classmethod
    def read(cls, path: Path) -> Self:
        """A line that was cut short when the run was killed is left out: its step was not done."""
        steps = []
        for line in path.read_text("utf-8").splitlines():
            try:
                steps.append(json.loads(line))
            except ValueError:
                break
        return cls(path, [step for step in steps if isinstance(step, dict)])

    def note(self, step: str, **facts: Any) -> None:
        """With the system when this returns: it outlives this process."""
        entry = {"step": step, **facts}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._steps.append(entry)

    def last(self, step: str) -> dict[str, Any] | None:
        return next((each for each in reversed(self._steps) if each.get("step") == step), None)

    def all(self, step: str) -> list[dict[str, Any]]:
        return [each for each in self._steps if each.get("step") == step]

    def is_open(self, step: str, done: str) -> bool:
        """Whether *step* was begun and *done* did not follow it."""
        names = [each.get("step") for each in self._steps]
        if step not in names:
            return False
        latest = len(names) - 1 - names[::-1].index(step)
        return done not in names[latest:]

    @property
    def uid(self) -> str:
        return str((self.last("begun") or {}).get("uid", self.path.stem))

    @property
    def project(self) -> str:
        return str((self.last("begun") or {}).get("project", ""))

    @property
    def is_abandoned(self) -> bool:
        """Whether the process that wrote it is gone, or is this one, whose runs are over when it asks."""
        pid = int((self.last("begun") or {}).get("pid", 0))
        return pid in (0, os.getpid()) or not process_exists(pid)

    def close(self) -> None:
        """The run left nothing to put right."""
        self.path.unlink(missing_ok=True)


def every(folder: Path) -> Iterator[Journal]:
    """All that are in *folder*, oldest first."""
    paths = folder.glob(f"*{SUFFIX}") if folder.is_dir() else ()
    for path in sorted(paths, key=lambda each: (each.stat().st_mtime, each.name)):
        yield Journal.read(path)


def abandoned(folder: Path, project: str) -> Iterator[Journal]:
    """Journals of runs in *project* that were killed, oldest first."""
    for journal in every(folder):
        if journal.is_abandoned and journal.project in (project, ""):
            yield journal
