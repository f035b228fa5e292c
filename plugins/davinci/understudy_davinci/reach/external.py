# SPDX-License-Identifier: Apache-2.0
"""Resolve over its external scripting. The library is tried in a process of its own first: it can crash its Python."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import NotReached
from .places import Machine, developer_folder, library

PROBE_S = 20.0
PROBE = """
import importlib, json, sys
sys.path.append(sys.argv[1])
module = importlib.import_module("DaVinciResolveScript")
resolve = module.scriptapp("Resolve")
found = [resolve.GetProductName(), resolve.GetVersionString()] if resolve else None
sys.stdout.write("\\nFOUND " + json.dumps(found))
"""


class Outcome(StrEnum):
    REACHED = "reached"
    REFUSED = "refused"  # Resolve does not run, is the free edition, or the preference is off
    ABSENT = "absent"  # the module or its library is not there
    CRASHED = "crashed"  # the library does not go with this Python
    SILENT = "silent"  # no answer in time


@dataclass(frozen=True, slots=True)
class Probed:
    outcome: Outcome
    product: str = ""
    version: str = ""
    said: str = ""  # the last line of what went wrong


def variables(machine: Machine, python_home: str) -> dict[str, str]:
    """What the library reads. On Windows it would load the newest Python that is registered, whatever loads it."""
    found = {
        "RESOLVE_SCRIPT_API": str(developer_folder(machine)),
        "RESOLVE_SCRIPT_LIB": str(library(machine)),
    }
    if machine.is_windows:
        found |= {"PYTHONHOME": python_home, "FUSION_PYTHON3_HOME": python_home}
    return found


def probe(machine: Machine, *, python: str = sys.executable, timeout_s: float = PROBE_S) -> Probed:
    """What a connection would bring."""
    modules = developer_folder(machine) / "Modules"
    if not (modules / "DaVinciResolveScript.py").is_file():
        return Probed(Outcome.ABSENT, said=f"there is no {modules / 'DaVinciResolveScript.py'}")
    environment: Mapping[str, str] = {**os.environ, **variables(machine, sys.base_prefix)}
    try:
        done = subprocess.run(
            [python, "-c", PROBE, str(modules)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probed(Outcome.SILENT, said=f"no answer within {timeout_s:.0f} s")
    return _read(done)


def _read(done: subprocess.CompletedProcess[bytes]) -> Probed:
    told = done.stdout.decode("utf-8", "replace").rpartition("FOUND ")[2]
    errors = done.stderr.decode("utf-8", "replace").strip().splitlines()
    said = errors[-1].strip() if errors else f"exit code {done.returncode}"
    if done.returncode == 1 and "Error" in said:  # a Python error: ImportError above all
        return Probed(Outcome.ABSENT, said=said)
    if done.returncode != 0:
        return Probed(Outcome.CRASHED, said=said)
    found = json.loads(told)
    return Probed(Outcome.REACHED, *found) if found else Probed(Outcome.REFUSED)


def connect(machine: Machine) -> Any:
    """Resolve. Raises NotReached with the cause and the next step."""
    found = probe(machine)
    if found.outcome is not Outcome.REACHED:
        raise NotReached(why_not(found))
    os.environ.update(variables(machine, sys.base_prefix))
    modules = str(developer_folder(machine) / "Modules")
    if modules not in sys.path:
        sys.path.append(modules)
    resolve = importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    if resolve is None:  # it quit since
        raise NotReached(why_not(Probed(Outcome.REFUSED)))
    return resolve


def why_not(found: Probed) -> str:
    match found.outcome:
        case Outcome.REFUSED:
            return (
                "DaVinci Resolve does not answer. Start it, or set Preferences > System > General > External scripting "
                "using to Local; the free edition takes scripts from its own menu alone."
            )
        case Outcome.ABSENT:
            return f"Resolve's scripting library cannot be loaded: {found.said}. Install Resolve again."
        case Outcome.CRASHED:
            return (
                f"Resolve's scripting library crashed Python {sys.version_info.major}.{sys.version_info.minor} "
                f"({found.said}). Install Understudy with Python 3.11 or 3.12."
            )
        case _:
            return f"DaVinci Resolve gives {found.said}. Close the dialog that is open in it, and try again."
