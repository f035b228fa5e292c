# SPDX-License-Identifier: Apache-2.0
"""Why Understudy is not listed in Resolve's menu, or cannot reach Resolve: every known cause as a check."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ..reach import external
from ..reach.external import Outcome, Probed
from ..reach.places import PAGES, Machine, app_store_signs, programs, scripts
from .install import VERBS, Copy, copies
from .pythons import Registered, bound_python, registered_here
from .running import orphaned_host, process_names, resolve_runs

INSTALL = "Run: understudy plugins install davinci"
ROUND_TRIP = (
    "The free edition runs no Python scripts from 21.1 on. Render the clip, run understudy replace clip.mov hero.png "
    "-o swapped.mov, and import the result (docs/davinci.md)."
)


class Verdict(StrEnum):
    FINE = "fine"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    topic: str
    verdict: Verdict
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How the machine is looked at. Tests look at machines that are not there."""

    machine: Machine
    processes: Callable[[Machine], list[str]] = process_names
    registered: Registered = registered_here
    probe: Callable[[Machine], Probed] = external.probe
    quarantined: Callable[[Path], bool] = field(default_factory=lambda: is_quarantined)
    has_window: Callable[[], bool] = field(default_factory=lambda: has_tk)


def examine(looks: Looks) -> Iterator[Check]:
    machine = looks.machine
    names = looks.processes(machine)
    yield resolve(machine, names)
    for check in (scripts_folder, copies_there, scripts_lead_here):
        yield check(machine)
    if machine.is_mac:
        yield quarantine(machine, looks.quarantined)
    yield menu_python(machine, looks.registered)
    yield window(looks.has_window)
    yield processes(names)
    yield connection(looks.probe(machine), names)


# ---- Not listed ------------------------------------------------------------------------------------------


def resolve(machine: Machine, names: Iterable[str]) -> Check:
    if signs := app_store_signs(machine):
        return Check(
            "Resolve",
            Verdict.MISSING,
            f"the Mac App Store's build ({signs[0]})",
            "It reads scripts from its own container alone. Install DaVinci Resolve from the maker's site.",
        )
    found = next((path for path in programs(machine) if path.exists()), None)
    if found is None and resolve_runs(names):
        return Check("Resolve", Verdict.FINE, "in a place of its own: it runs")
    if found is None:
        looked = ", ".join(str(path) for path in programs(machine))
        return Check(
            "Resolve", Verdict.MISSING, f"not found ({looked})", "Install DaVinci Resolve 19.0 or later."
        )
    return Check("Resolve", Verdict.FINE, str(found))


def scripts_folder(machine: Machine) -> Check:
    """Where the Utility folder is missing, a script beside it is silently not listed."""
    there = [each.path / page for each in scripts(machine) for page in PAGES if (each.path / page).is_dir()]
    if not there:
        looked = ", ".join(str(each.path / "Utility") for each in scripts(machine))
        return Check("Scripts folder", Verdict.MISSING, f"there is none ({looked})", INSTALL)
    return Check("Scripts folder", Verdict.FINE, ", ".join(str(path) for path in there))


def copies_there(machine: Machine) -> Check:
    found = copies(machine)
    if not any(copy.names for copy in found):
        return Check("Menu scripts", Verdict.MISSING, "not installed", INSTALL)
    halves = [copy for copy in found if not copy.is_whole]
    if halves:
        missing = ", ".join(name for name in VERBS if name not in halves[0].names)
        return Check("Menu scripts", Verdict.MISSING, f"{halves[0].folder} lacks {missing}", INSTALL)
    if len({copy.scripts for copy in found}) > 1:
        return Check(
            "Menu scripts",
            Verdict.NOTE,
            f"installed for this user and for all: {_folders(found)}",
            "Resolve lists both. Run: understudy plugins uninstall davinci, then install again.",
        )
    return Check("Menu scripts", Verdict.FINE, _folders(found))


def scripts_lead_here(machine: Machine) -> Check:
    found = [copy for copy in copies(machine) if copy.names]
    if not found:
        return Check("They start", Verdict.NOTE, "nothing yet")
    for copy in found:
        if copy.python is None:
            return Check("They start", Verdict.MISSING, f"the note in {copy.folder} cannot be read", INSTALL)
        if not copy.python.exists():
            return Check("They start", Verdict.MISSING, f"{copy.python}, which is not there", INSTALL)
        if not copy.leads_here:
            return Check(
                "They start", Verdict.NOTE, f"{copy.python}, another installation than this one", INSTALL
            )
    return Check("They start", Verdict.FINE, f"{found[0].python} (version {found[0].version})")


def quarantine(machine: Machine, quarantined: Callable[[Path], bool]) -> Check:
    marked = [
        copy.folder / name
        for copy in copies(machine)
        for name in copy.names
        if quarantined(copy.folder / name)
    ]
    if marked:
        advice = f'Run: xattr -d com.apple.quarantine "{marked[0]}"'
        return Check("Quarantine", Verdict.MISSING, f"macOS holds {marked[0]} back", advice)
    return Check("Quarantine", Verdict.FINE, "macOS holds nothing back")


def menu_python(machine: Machine, registered: Registered) -> Check:
    topic = "Resolve's Python"
    found = bound_python(machine, registered)
    if found is None:
        return Check(topic, Verdict.MISSING, "none, so Resolve lists no Python scripts", _how_to_get(machine))
    if found.built_in:
        return Check(topic, Verdict.FINE, f"{found.where}, built into Resolve 21.1 and later (Studio)")
    if found.version is None:
        return Check(topic, Verdict.FINE, found.where)
    text = f"{found.version[0]}.{found.version[1]}, {found.where}"
    if found.version < (3, 6):
        return Check(topic, Verdict.MISSING, text, _how_to_get(machine))
    if found.version >= (3, 13):
        return Check(
            topic, Verdict.NOTE, text, "Resolve before 20.3.2 may crash with it; 3.10 to 3.12 do not."
        )
    return Check(topic, Verdict.FINE, text)


def _how_to_get(machine: Machine) -> str:
    if machine.is_mac:
        return (
            "Install Python 3.11 from python.org: Resolve finds neither Homebrew's nor conda's. Or name one for the "
            "session with launchctl setenv PYTHON3HOME, and start Resolve again."
        )
    if machine.is_windows:
        return "Install Python 3.11, 64 bits, from python.org for all users, and start Resolve again."
    return "Install your system's python3, and start Resolve again."


def window(has_window: Callable[[], bool]) -> Check:
    if has_window():
        return Check("Options window", Verdict.FINE, "Tk is here")
    return Check(
        "Options window",
        Verdict.MISSING,
        "this Python has no Tk",
        "Install python3-tk (Debian, Ubuntu), python3-tkinter (Fedora) or python-tk (Homebrew).",
    )


# ---- Disconnected ----------------------------------------------------------------------------------------


def processes(names: Iterable[str]) -> Check:
    if orphaned_host(names):
        return Check(
            "Processes",
            Verdict.NOTE,
            "fuscript runs and Resolve does not",
            "It was left behind, and can keep scripts from starting: end it, then start Resolve.",
        )
    if resolve_runs(names):
        return Check("Processes", Verdict.FINE, "Resolve runs")
    return Check(
        "Processes", Verdict.NOTE, "Resolve does not run", "Start it, and run this again to see more."
    )


def connection(found: Probed, names: Iterable[str]) -> Check:
    """A refusal is no fault where Resolve does not run: then nobody knows."""
    topic = "External scripting"
    match found.outcome:
        case Outcome.REACHED:
            return _reached(topic, found)
        case Outcome.REFUSED if not resolve_runs(names):
            return Check(topic, Verdict.NOTE, "not known while Resolve does not run")
        case Outcome.REFUSED:
            return Check(
                topic,
                Verdict.NOTE,
                "refused: it is off, or this is the free edition",
                "The menu works without it (free: up to 21.0). In Studio, set Preferences > System > General > "
                "External scripting using to Local; in 21, allow Automatic scripted actions too.",
            )
        case Outcome.ABSENT if not resolve_runs(names):
            return Check(topic, Verdict.NOTE, found.said)
        case _:
            return Check(topic, Verdict.MISSING, found.outcome.value, external.why_not(found))


def _reached(topic: str, found: Probed) -> Check:
    text = f"{found.product} {found.version}"
    numbers = tuple(int(part) for part in found.version.split(".")[:2] if part.isdigit())
    if numbers < (19, 0):
        return Check(topic, Verdict.MISSING, text, "Understudy needs DaVinci Resolve 19.0 or later.")
    if "Studio" not in found.product and numbers >= (21, 1):
        return Check(topic, Verdict.NOTE, text, ROUND_TRIP)
    return Check(topic, Verdict.FINE, text)


# ---- How it is seen --------------------------------------------------------------------------------------


def is_quarantined(path: Path) -> bool:
    if (xattr := shutil.which("xattr")) is None:
        return False
    done = subprocess.run([xattr, "-p", "com.apple.quarantine", path], capture_output=True, check=False)
    return done.returncode == 0


def has_tk() -> bool:
    return importlib.util.find_spec("_tkinter") is not None


def _folders(found: Iterable[Copy]) -> str:
    return ", ".join(str(copy.folder) for copy in found)
