# SPDX-License-Identifier: Apache-2.0
"""Which Python Resolve runs scripts with. From 21.1 on it brings one; before, each system has a rule of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..reach.places import Machine, built_in_pythons

Registered = Callable[[], Iterable[str]]
"""Versions of Python in the Windows registry, such as "3.11"."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An interpreter that Resolve will use."""

    where: str
    version: tuple[int, int] | None  # None where nobody says
    built_in: bool = False


def bound_python(machine: Machine, registered: Registered | None = None) -> Bound | None:
    """None where Resolve finds no Python, and so lists no Python scripts."""
    if built_in := next((path for path in built_in_pythons(machine) if path.exists()), None):
        return Bound(str(built_in), None, built_in=True)
    if machine.is_windows:
        return _newest(registered or registered_here)
    if machine.is_mac:
        return _of_mac(machine)
    found = shutil.which("python3", path=machine.environ.get("PATH"))
    return Bound(found, version_of(Path(found))) if found else None


def _newest(registered: Registered) -> Bound | None:
    """Those of 32 bits ("3.10-32") cannot be loaded."""
    wide = (text for text in registered() if not text.endswith("-32"))
    versions = sorted(version for text in wide if (version := _numbers(text)))
    return Bound("the newest in the Windows registry", versions[-1]) if versions else None


def _of_mac(machine: Machine) -> Bound | None:
    """Neither Homebrew's, nor conda's, nor any other: PYTHON3HOME of the session, or the installer of python.org."""
    places = [machine.root / "usr" / "local" / "bin" / "python3"]
    if given := machine.environ.get("PYTHON3HOME"):
        places.insert(0, Path(given, "bin", "python3"))
    return next((Bound(str(path), _in_path(path)) for path in places if path.exists()), None)


def _in_path(python: Path) -> tuple[int, int] | None:
    return _numbers(python.resolve().name) or _numbers(str(python.resolve()))


def version_of(python: Path) -> tuple[int, int] | None:
    try:
        done = subprocess.run([python, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _numbers(done.stdout)


def _numbers(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def registered_here() -> list[str]:
    """Of this machine; empty where there is no registry."""
    if sys.platform != "win32":
        return []
    import winreg

    found = []
    for hive in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
        try:
            with winreg.OpenKey(hive, r"SOFTWARE\Python\PythonCore") as key:
                found += [winreg.EnumKey(key, index) for index in range(winreg.QueryInfoKey(key)[0])]
        except OSError:
            continue
    return found
