"""External scripting: what is told of a library that is absent, refuses, crashes or hangs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE_S
from understudy_davinci.reach import NotReached, external
from understudy_davinci.reach.external import Outcome, probe, variables, why_not
from understudy_davinci.reach.places import Machine
from understudy_davinci.reach.way import reach

RESOLVE = """
class Resolve:
    def GetProductName(self): return "DaVinci Resolve Studio"
    def GetVersionString(self): return "20.3.2.9"
def scriptapp(name): return Resolve()
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(platform="linux", home=tmp_path, environ={"RESOLVE_SCRIPT_API": str(tmp_path)})


def library(machine: Machine, text: str) -> Machine:
    module = Path(machine.environ["RESOLVE_SCRIPT_API"], "Modules", "DaVinciResolveScript.py")
    module.parent.mkdir()
    module.write_text(text, "utf-8")
    return machine


def test_a_resolve_that_answers_is_named(machine: Machine) -> None:
    found = probe(library(machine, RESOLVE))
    assert (found.outcome, found.product, found.version) == (
        Outcome.REACHED,
        "DaVinci Resolve Studio",
        "20.3.2.9",
    )


@pytest.mark.parametrize(
    ("text", "outcome", "said"),
    [
        ("def scriptapp(name): return None", Outcome.REFUSED, "External scripting using to Local"),
        ("import imp_that_is_gone", Outcome.ABSENT, "No module named 'imp_that_is_gone'"),
        ("import os; os.abort()", Outcome.CRASHED, "Install Understudy with Python 3.11 or 3.12"),
        ("import time; time.sleep(60)", Outcome.SILENT, "Close the dialog that is open in it"),
    ],
)
def test_every_failure_has_its_cause_and_next_step(
    machine: Machine, text: str, outcome: Outcome, said: str
) -> None:
    found = probe(library(machine, text), timeout_s=0.4 if outcome is Outcome.SILENT else PATIENCE_S)
    assert found.outcome is outcome
    assert said in why_not(found)


def test_without_resolves_developer_files_nothing_is_started(machine: Machine) -> None:
    found = probe(machine, python="/nowhere/python")
    assert found.outcome is Outcome.ABSENT
    assert "DaVinciResolveScript.py" in found.said


def test_on_windows_the_library_is_told_which_python_loads_it(tmp_path: Path) -> None:
    machine = Machine(platform="win32", home=tmp_path, environ={"PROGRAMFILES": "P", "PROGRAMDATA": "D"})
    told = variables(machine, r"C:\Python311")
    assert told["PYTHONHOME"] == told["FUSION_PYTHON3_HOME"] == r"C:\Python311"
    assert told["RESOLVE_SCRIPT_LIB"].endswith("fusionscript.dll")
    assert "PYTHONHOME" not in variables(Machine(platform="linux", home=tmp_path), "/usr")


class Menu:
    """What the menu script passes on."""

    def __init__(self, product: str) -> None:
        self.product = product
        self.closed = False

    def resolve(self) -> Any:
        return self

    def GetProductName(self) -> str:  # noqa: N802
        return self.product

    def close(self) -> None:
        self.closed = True


def test_studio_with_external_scripting_lets_the_menu_script_go(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external, "connect", lambda machine: "external")
    menu = Menu("DaVinci Resolve Studio")
    assert reach(machine, menu) == "external"  # type: ignore[arg-type]
    assert menu.closed


def test_where_external_scripting_is_off_the_menu_script_is_used(machine: Machine) -> None:
    menu = Menu("DaVinci Resolve Studio")
    assert reach(machine, menu) is menu  # type: ignore[arg-type]
    assert not menu.closed


def test_the_free_edition_is_reached_through_its_menu_alone(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(machine: Machine) -> Any:
        raise AssertionError("the free edition takes no external scripts")

    monkeypatch.setattr(external, "connect", asked)
    menu = Menu("DaVinci Resolve")
    assert reach(machine, menu) is menu  # type: ignore[arg-type]


def test_started_by_hand_without_resolve_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(NotReached, match=r"library cannot be loaded.*DaVinciResolveScript"):
        reach(machine, None)


def test_a_connection_is_made_once_the_probe_has_gone_well(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables(machine, "/usr"):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setattr(sys, "path", [*sys.path])
    resolve = external.connect(library(machine, RESOLVE))
    monkeypatch.delitem(sys.modules, "DaVinciResolveScript")
    assert resolve.GetVersionString() == "20.3.2.9"
