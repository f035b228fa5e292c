"""What doctor says of DaVinci Resolve: each known cause of "not listed" and "disconnected", with its next step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from understudy_davinci.installing.checks import Check, Looks, Verdict, examine
from understudy_davinci.installing.install import NOTE, install
from understudy_davinci.installing.running import process_names
from understudy_davinci.reach.external import Outcome, Probed
from understudy_davinci.reach.places import Machine, built_in_pythons, programs, scripts

from .test_install import machine_of

Seen = Callable[..., dict[str, Check]]
REACHED = Probed(Outcome.REACHED, "DaVinci Resolve Studio", "20.3.2.9")


@pytest.fixture
def seen(tmp_path: Path) -> Seen:
    """What is found, by topic, on a machine where all is well but for what a test says."""

    def see(platform: str = "linux", *, installed: bool = True, **looks: Any) -> dict[str, Check]:
        machine = machine_of(platform, tmp_path)
        program = programs(machine)[0]
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch()
        if installed:
            install(machine)
        given = {
            "processes": lambda machine: ["resolve"],
            "registered": lambda: ["3.11"],
            "probe": lambda machine: REACHED,
            "quarantined": lambda path: False,
            "has_window": lambda: True,
            **looks,
        }
        return {check.topic: check for check in examine(Looks(machine=machine, **given))}

    return see


def python_on_path(root: Path) -> dict[str, str]:
    folder = root / "bin"
    folder.mkdir()
    (folder / "python3").write_text("#!/bin/sh\necho Python 3.11.2\n", "utf-8")
    (folder / "python3").chmod(0o755)
    return {"PATH": str(folder)}


def test_nothing_is_missing_where_all_is_well(seen: Seen) -> None:
    found = seen("win32")
    assert [check.topic for check in found.values() if check.verdict is not Verdict.FINE] == []
    assert found["Resolve's Python"].found == "3.11, the newest in the Windows registry"


def test_scripts_that_were_never_installed(seen: Seen) -> None:
    found = seen(installed=False)
    assert found["Scripts folder"].verdict is Verdict.MISSING
    assert found["Menu scripts"].verdict is Verdict.MISSING
    assert found["Menu scripts"].advice == "Run: understudy plugins install davinci"


def test_a_missing_utility_folder_is_why_nothing_is_listed(seen: Seen, tmp_path: Path) -> None:
    machine = machine_of("darwin", tmp_path)
    scripts(machine)[0].path.mkdir(parents=True)  # as on some Macs: the folder, and nothing in it
    assert "there is none" in seen("darwin", installed=False)["Scripts folder"].found


def test_copies_for_one_and_for_all_are_told(seen: Seen, tmp_path: Path) -> None:
    install(machine_of("linux", tmp_path), everyone=True)
    assert seen()["Menu scripts"].verdict is Verdict.NOTE
    assert "for this user and for all" in seen()["Menu scripts"].found


def test_half_an_installation_is_told(seen: Seen, tmp_path: Path) -> None:
    seen()
    folder = scripts(machine_of("linux", tmp_path))[0].path / "Utility"
    (folder / "Understudy Animate.py").unlink()
    assert "lacks Understudy Animate.py" in seen(installed=False)["Menu scripts"].found


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ('{"version": "0.1.0", "python": "/gone/python"}', "/gone/python, which is not there"),
        ("{", "cannot be read"),
    ],
)
def test_scripts_of_a_product_that_was_moved(seen: Seen, tmp_path: Path, note: str, said: str) -> None:
    seen()
    (scripts(machine_of("linux", tmp_path))[0].path / "Utility" / NOTE).write_text(note, "utf-8")
    found = seen(installed=False)["They start"]
    assert found.verdict is Verdict.MISSING
    assert said in found.found


def test_scripts_of_another_installation(seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen()
    monkeypatch.setattr("sys.executable", str(tmp_path / "another" / "python"))
    assert "another installation" in seen(installed=False)["They start"].found


def test_the_mac_app_stores_resolve(seen: Seen, tmp_path: Path) -> None:
    machine = machine_of("darwin", tmp_path)
    receipt = programs(machine)[0] / "Contents/_MASReceipt/receipt"
    found = seen("darwin")
    assert found["Resolve"].verdict is Verdict.FINE
    programs(machine)[0].unlink()
    receipt.parent.mkdir(parents=True)
    receipt.touch()
    looked = Looks(machine=machine, processes=lambda _: [], probe=lambda _: REACHED)
    assert "Mac App Store" in next(examine(looked)).found


def test_quarantined_scripts_on_a_mac(seen: Seen) -> None:
    found = seen("darwin", quarantined=lambda path: True)["Quarantine"]
    assert found.verdict is Verdict.MISSING
    assert "xattr -d com.apple.quarantine" in found.advice


# ---- Which Python ----------------------------------------------------------------------------------------


def test_a_mac_without_python_orgs_python_lists_nothing(seen: Seen) -> None:
    found = seen("darwin")["Resolve's Python"]
    assert found.verdict is Verdict.MISSING
    assert "neither Homebrew's nor conda's" in found.advice


def test_a_mac_finds_pythons_own_installer_and_the_session_variable(tmp_path: Path, seen: Seen) -> None:
    real = tmp_path / "Library/Frameworks/Python.framework/Versions/3.12/bin/python3.12"
    link = tmp_path / "usr/local/bin/python3"
    for path in (real, link):
        path.parent.mkdir(parents=True)
    real.touch()
    link.symlink_to(real)
    assert seen("darwin")["Resolve's Python"].found == f"3.12, {link}"


def test_windows_takes_the_newest_that_is_registered(seen: Seen) -> None:
    found = seen("win32", registered=lambda: ["3.9", "3.13", "3.14-32", "junk"])["Resolve's Python"]
    assert found.found.startswith("3.13")
    assert "before 20.3.2 may crash" in found.advice
    assert seen("win32", registered=list)["Resolve's Python"].verdict is Verdict.MISSING
    assert seen("win32", registered=lambda: ["2.7"])["Resolve's Python"].verdict is Verdict.MISSING


def test_the_python_that_resolve_brings_wins(seen: Seen, tmp_path: Path) -> None:
    python = built_in_pythons(machine_of("win32", tmp_path))[0]
    python.parent.mkdir(parents=True)
    python.touch()
    assert "built into Resolve 21.1" in seen("win32", registered=list)["Resolve's Python"].found


def test_linux_uses_the_systems_python(tmp_path: Path) -> None:
    machine = Machine(platform="linux", home=tmp_path, root=tmp_path, environ=python_on_path(tmp_path))
    looks = Looks(machine=machine, processes=lambda _: [], probe=lambda _: REACHED)
    [found] = [check for check in examine(looks) if check.topic == "Resolve's Python"]
    assert found.found.startswith("3.11, ")


def test_a_python_without_tk_can_show_no_window(seen: Seen) -> None:
    found = seen(has_window=lambda: False)["Options window"]
    assert found.verdict is Verdict.MISSING
    assert "python3-tk" in found.advice


# ---- Disconnected ----------------------------------------------------------------------------------------


def test_an_orphaned_script_host_is_told(seen: Seen) -> None:
    found = seen(processes=lambda machine: ["fuscript.exe"])["Processes"]
    assert found.found == "fuscript runs and Resolve does not"
    assert seen(processes=lambda machine: ["fuscript", "resolve"])["Processes"].verdict is Verdict.FINE


def test_a_refusal_means_something_only_while_resolve_runs(seen: Seen) -> None:
    refused = {"probe": lambda machine: Probed(Outcome.REFUSED)}
    assert "External scripting using to Local" in seen(**refused)["External scripting"].advice
    silent = seen(processes=lambda machine: [], **refused)["External scripting"]
    assert silent.found == "not known while Resolve does not run"


@pytest.mark.parametrize(
    ("probed", "verdict", "said"),
    [
        (Probed(Outcome.CRASHED, said="exit code -11"), Verdict.MISSING, "crashed Python"),
        (Probed(Outcome.SILENT, said="no answer within 20 s"), Verdict.MISSING, "Close the dialog"),
        (Probed(Outcome.ABSENT, said="no imp"), Verdict.MISSING, "Install Resolve again"),
        (Probed(Outcome.REACHED, "DaVinci Resolve", "18.6.6"), Verdict.MISSING, "19.0 or later"),
        (Probed(Outcome.REACHED, "DaVinci Resolve", "21.1.0"), Verdict.NOTE, "understudy replace clip.mov"),
        (Probed(Outcome.REACHED, "DaVinci Resolve Studio", "21.1.0"), Verdict.FINE, ""),
    ],
)
def test_what_the_connection_brings_is_explained(
    seen: Seen, probed: Probed, verdict: Verdict, said: str
) -> None:
    found = seen(probe=lambda machine: probed)["External scripting"]
    assert found.verdict is verdict
    assert said in found.advice


def test_processes_of_this_machine_are_read() -> None:
    assert any("python" in name for name in process_names(Machine.here()))
