"""Imports the extension's modules that know nothing of bpy, without its ``__init__``, which does."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
NAME = "understudy_blender"


def load(name: str) -> Any:
    """The extension's module *name*. Its ``_api`` is the repository's own, imported under that name."""
    _package(NAME, ROOT / "plugins" / "blender" / "understudy")
    _package(f"{NAME}._api", ROOT / "proto" / "understudy_api")
    return importlib.import_module(f"{NAME}.{name}")


def _package(name: str, folder: Path) -> None:
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
