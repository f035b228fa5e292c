# SPDX-License-Identifier: Apache-2.0
"""Where DaVinci Resolve keeps what concerns us, on Windows, macOS and Linux: pure functions of a `Machine`.

Sources: the scripting README of Resolve 21.0.4 and users' reports where it is wrong (docs/davinci.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

VENDOR = Path("Blackmagic Design", "DaVinci Resolve")
MAC_LIBRARY = Path("Library", "Application Support") / VENDOR
PAGES = ("Utility", "Edit")  # Utility is listed on every page


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides where things are. Tests make one of a folder of theirs."""

    platform: str  # as sys.platform
    home: Path
    root: Path = Path("/")  # of the file system
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Machine:
        return cls(platform=sys.platform, home=Path.home(), environ=os.environ)

    @property
    def is_windows(self) -> bool:
        return self.platform == "win32"

    @property
    def is_mac(self) -> bool:
        return self.platform == "darwin"

    def folder(self, variable: str, usual: str) -> Path:
        """A folder of Windows by its environment variable."""
        return Path(self.environ.get(variable) or self.root / usual)


@dataclass(frozen=True, slots=True)
class Scripts:
    """A folder in which Resolve looks for scripts."""

    path: Path
    everyone: bool  # every user's, or this one's alone

    @property
    def whose(self) -> str:
        return "all users" if self.everyone else "this user"


def scripts(machine: Machine) -> tuple[Scripts, ...]:
    """This user's folder first. None need exist yet; folders that only some installations read are told if they do."""
    tail = Path("Fusion", "Scripts")
    if machine.is_windows:
        app = machine.folder("APPDATA", "Users/Default/AppData/Roaming")
        program = machine.folder("PROGRAMDATA", "ProgramData")
        mine = Scripts(app / VENDOR / "Support" / tail, everyone=False)
        return mine, Scripts(program / VENDOR / tail, everyone=True)
    if machine.is_mac:
        mine = Scripts(machine.home / MAC_LIBRARY / tail, everyone=False)
        return mine, Scripts(machine.root / MAC_LIBRARY / tail, everyone=True)
    data = Path(machine.environ.get("XDG_DATA_HOME") or machine.home / ".local" / "share")
    mine = Scripts(data / "DaVinciResolve" / tail, everyone=False)
    return mine, *(Scripts(folder / tail, everyone=True) for folder in linux_programs(machine))


def linux_programs(machine: Machine) -> tuple[Path, ...]:
    """Folders of Resolve on Linux: those that exist, or the usual one."""
    usual, other = machine.root / "opt" / "resolve", machine.root / "home" / "resolve"
    return tuple(path for path in (usual, other) if path.is_dir()) or (usual,)


def programs(machine: Machine) -> tuple[Path, ...]:
    """Resolve itself, wherever it is usually installed."""
    if machine.is_windows:
        return (windows_program(machine) / "Resolve.exe",)
    if machine.is_mac:
        applications = machine.root / "Applications"
        return (mac_bundle(machine), applications / "DaVinci Resolve.app")
    return tuple(folder / "bin" / "resolve" for folder in linux_programs(machine))


def windows_program(machine: Machine) -> Path:
    return machine.folder("PROGRAMFILES", "Program Files") / VENDOR


def mac_bundle(machine: Machine) -> Path:
    return machine.root / "Applications" / "DaVinci Resolve" / "DaVinci Resolve.app"


def built_in_pythons(machine: Machine) -> tuple[Path, ...]:
    """The interpreter that Resolve 21.1 and later brings for its menu."""
    if machine.is_windows:
        return (windows_program(machine) / "ResolvePython" / "ResolvePython.exe",)
    if machine.is_mac:
        return (mac_bundle(machine) / "Contents" / "Applications" / "ResolvePython",)
    return tuple(
        place
        for folder in linux_programs(machine)
        for place in (folder / "bin" / "ResolvePython", folder / "ResolvePython")
    )


def developer_folder(machine: Machine) -> Path:
    """What RESOLVE_SCRIPT_API names: it holds Modules/DaVinciResolveScript.py."""
    if given := machine.environ.get("RESOLVE_SCRIPT_API"):
        return Path(given)
    tail = Path("Developer", "Scripting")
    if machine.is_windows:
        return machine.folder("PROGRAMDATA", "ProgramData") / VENDOR / "Support" / tail
    if machine.is_mac:
        return machine.root / MAC_LIBRARY / tail
    return linux_programs(machine)[0] / tail


def library(machine: Machine) -> Path:
    """What RESOLVE_SCRIPT_LIB names: fusionscript."""
    if given := machine.environ.get("RESOLVE_SCRIPT_LIB"):
        return Path(given)
    if machine.is_windows:
        return windows_program(machine) / "fusionscript.dll"
    if machine.is_mac:
        return mac_bundle(machine) / "Contents" / "Libraries" / "Fusion" / "fusionscript.so"
    return linux_programs(machine)[0] / "libs" / "Fusion" / "fusionscript.so"


def app_store_signs(machine: Machine) -> tuple[Path, ...]:
    """What tells the Mac App Store's build, which is confined to a folder of its own."""
    if not machine.is_mac:
        return ()
    receipts = (bundle / "Contents" / "_MASReceipt" / "receipt" for bundle in programs(machine))
    containers = machine.home / "Library" / "Containers"
    return (
        *(path for path in receipts if path.exists()),
        *sorted(containers.glob("com.blackmagic-design.DaVinciResolve*")),
    )
