# SPDX-License-Identifier: Apache-2.0
"""Writes Understudy's menu scripts into Resolve's folders, and takes them out again.

Beside the scripts lies a note, understudy.json, with the way to the product. A line of Lua lies there too: where it is
listed and the scripts are not, the folder is right and Resolve has found no Python.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from understudy_api.errors import InvalidRequest, Unsupported

from .. import VERSION
from ..reach.places import PAGES, Machine, Scripts, app_store_signs, scripts

VERBS = {"Understudy Replace.py": "replace", "Understudy Animate.py": "animate"}
CHECK = "Understudy Check.lua"
NOTE = "understudy.json"
WRITTEN_BY = "ritten by"  # in the first lines of what we write: nothing else is overwritten or removed


@dataclass(frozen=True, slots=True)
class Installed:
    files: tuple[Path, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """What lies in one folder of scripts."""

    scripts: Scripts
    page: str
    version: str  # of the product that wrote it; "" for none that can be read
    python: Path | None  # that it starts
    names: tuple[str, ...]  # of our scripts that are there

    @property
    def folder(self) -> Path:
        return self.scripts.path / self.page

    @property
    def is_whole(self) -> bool:
        return len(self.names) == len(VERBS)

    @property
    def leads_here(self) -> bool:
        return self.python is not None and _same(self.python, Path(sys.executable))


def install(machine: Machine, *, everyone: bool = False) -> Installed:
    """Writes the scripts of both verbs into the folders Utility and Edit, and makes what is missing.

    Raises:
        Unsupported: Resolve is the Mac App Store's. InvalidRequest: a folder cannot be written, or a file there is not
            ours.
    """
    if signs := app_store_signs(machine):
        raise Unsupported(
            f"Resolve from the Mac App Store reads scripts from its own container alone ({signs[0]}), which is not "
            "supported. Install DaVinci Resolve from the maker's site.",
            reason="APP_STORE_RESOLVE",
        )
    chosen = next(each for each in scripts(machine) if each.everyone == everyone)
    try:
        files = tuple(path for page in PAGES for path in _write(chosen.path / page))
    except OSError as error:
        hint = " Run this as an administrator." if everyone else " Make the folder writable."
        raise InvalidRequest(
            f"{chosen.path} cannot be written: {error.strerror or error}.{hint}",
            reason="SCRIPTS_UNWRITABLE",
            metadata={"path": str(chosen.path)},
        ) from error
    return Installed(files, tuple(_warnings(machine, chosen)))


def uninstall(machine: Machine) -> Installed:
    """Removes what we wrote, wherever it lies. What cannot be removed is warned of."""
    removed, warnings = [], []
    for copy in copies(machine):
        for name in (*VERBS, CHECK, NOTE):
            path = copy.folder / name
            if not (path.is_file() and is_ours(path)):
                continue
            try:
                path.unlink()
                removed.append(path)
            except OSError as error:
                warnings.append(f"{path} cannot be removed: {error.strerror}. Remove it as an administrator.")
    return Installed(tuple(removed), tuple(warnings))


def copies(machine: Machine) -> tuple[Copy, ...]:
    """Every folder in which something of ours lies, this user's first."""
    found = (_copy(where, page) for where in scripts(machine) for page in PAGES)
    return tuple(copy for copy in found if copy.names or (copy.folder / CHECK).is_file())


def is_ours(path: Path) -> bool:
    if path.name == NOTE:
        return True
    return any(WRITTEN_BY in line and "understudy" in line for line in _head(path))


# ---- One folder ------------------------------------------------------------------------------------------


def _write(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / NOTE
    launcher = _launcher()
    about = {"version": VERSION, "python": sys.executable, "plugin": str(launcher.parent)}
    yield _written(note, json.dumps(about, indent=2) + "\n")
    template = (launcher / "menu_script.py").read_text("utf-8")
    for name, verb in VERBS.items():
        text = template.replace("@VERSION@", VERSION).replace("@VERB@", verb).replace("@NOTE@", str(note))
        yield _written(folder / name, text)
    check = (launcher / "check_script.lua").read_text("utf-8")
    yield _written(folder / CHECK, check.replace("@VERSION@", VERSION))


def _written(path: Path, text: str) -> Path:
    """Whole or not at all: Resolve reads the folder whenever its menu opens."""
    if path.exists() and not is_ours(path):
        raise InvalidRequest(
            f"{path} is there and was not written by Understudy. Move it away, then install again.",
            metadata={"path": str(path)},
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, "utf-8")
    return beside.replace(path)


def _copy(where: Scripts, page: str) -> Copy:
    folder = where.path / page
    names = tuple(name for name in VERBS if (folder / name).is_file())
    try:
        note = json.loads((folder / NOTE).read_text("utf-8"))
        return Copy(where, page, str(note["version"]), Path(note["python"]), names)
    except (OSError, ValueError, KeyError, TypeError):
        return Copy(where, page, "", None, names)


def _warnings(machine: Machine, chosen: Scripts) -> Iterator[str]:
    for copy in copies(machine):
        if copy.scripts != chosen:
            yield (
                f"Another copy lies in {copy.folder} ({copy.scripts.whose}), and Resolve lists both. "
                "Remove it: understudy plugins uninstall davinci, then install again."
            )


def _head(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [file.readline() for _ in range(3)]
    except OSError:
        return []


def _launcher() -> Path:
    found = importlib.util.find_spec("understudy_launcher")
    assert found is not None, "understudy_launcher lies beside understudy_davinci"
    assert found.origin is not None, "it is a package of files"
    return Path(found.origin).parent


def _same(one: Path, other: Path) -> bool:
    return os.path.normcase(one) == os.path.normcase(other)
