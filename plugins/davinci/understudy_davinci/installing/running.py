# SPDX-License-Identifier: Apache-2.0
"""Which of Resolve's processes run on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..reach.places import Machine

RESOLVE = {"resolve", "resolve.exe", "davinci resolve"}
SCRIPT_HOST = {"fuscript", "fuscript.exe"}


def process_names(machine: Machine) -> list[str]:
    """Names of all processes, in lower case; none where the system does not tell."""
    if (machine.root / "proc" / "self").exists():
        found = ((folder / "comm") for folder in (machine.root / "proc").glob("[0-9]*"))
        return [name.lower() for path in found if (name := _read(path))]
    command = ["tasklist", "/fo", "csv", "/nh"] if machine.is_windows else ["ps", "-axco", "command"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.split(",")[0].strip(' "').lower() for line in done.stdout.splitlines()]


def resolve_runs(names: Iterable[str]) -> bool:
    return not RESOLVE.isdisjoint(names)


def orphaned_host(names: Iterable[str]) -> bool:
    """Whether a script's process goes on without Resolve, which keeps new scripts from starting."""
    found = set(names)
    return not SCRIPT_HOST.isdisjoint(found) and RESOLVE.isdisjoint(found)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:  # it has ended
        return ""
