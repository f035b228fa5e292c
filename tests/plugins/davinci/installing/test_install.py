"""Menu scripts put into Resolve's folders, on machines made of a temporary folder."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from understudy_api.errors import InvalidRequest, Unsupported
from understudy_davinci import VERSION
from understudy_davinci.installing.install import CHECK, NOTE, VERBS, copies, install, uninstall
from understudy_davinci.reach.places import Machine

ROOT = Path(__file__).resolve().parents[4]
PLATFORMS = ("linux", "darwin", "win32")
MINE = {
    "linux": "home/.local/share/DaVinciResolve/Fusion/Scripts",
    "darwin": "home/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
    "win32": "app/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
}
EVERYONE = {
    "linux": "opt/resolve/Fusion/Scripts",
    "darwin": "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
    "win32": "data/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
}


def machine_of(platform: str, root: Path) -> Machine:
    environ = {
        "APPDATA": str(root / "app"),
        "PROGRAMDATA": str(root / "data"),
        "PROGRAMFILES": str(root / "files"),
    }
    return Machine(
        platform=platform, home=root / "home", root=root, environ=environ if platform == "win32" else {}
    )


@pytest.fixture(params=PLATFORMS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return machine_of(request.param, tmp_path)


def test_both_verbs_are_written_where_resolve_looks_for_this_users_scripts(machine: Machine) -> None:
    done = install(machine)
    for page in ("Utility", "Edit"):
        folder = machine.root / MINE[machine.platform] / page
        assert {path.name for path in folder.iterdir()} == {*VERBS, CHECK, NOTE}
        assert all(folder / name in done.files for name in VERBS)
    assert done.warnings == ()


def test_all_users_have_a_folder_of_their_own(machine: Machine) -> None:
    install(machine, everyone=True)
    assert (machine.root / EVERYONE[machine.platform] / "Utility" / "Understudy Replace.py").is_file()


def test_the_note_leads_to_this_product(machine: Machine) -> None:
    install(machine)
    note = json.loads((machine.root / MINE[machine.platform] / "Utility" / NOTE).read_text("utf-8"))
    assert note["python"] == sys.executable
    assert Path(note["plugin"], "understudy_launcher", "relay.py").is_file()
    [one, other] = copies(machine)
    assert one.leads_here
    assert one.is_whole
    assert other.page == "Edit"


def test_installing_again_changes_nothing_but_what_is_ours(machine: Machine) -> None:
    folder = machine.root / MINE[machine.platform] / "Utility"
    folder.mkdir(parents=True)
    (folder / "Theirs.py").write_text("print()", "utf-8")
    install(machine)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    install(machine)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert "Theirs.py" in first


def test_a_second_copy_is_warned_of(machine: Machine) -> None:
    install(machine, everyone=True)
    warnings = install(machine).warnings
    assert len(warnings) == 2
    assert "(all users), and Resolve lists both" in warnings[0]


def test_a_file_of_somebody_else_is_not_overwritten(machine: Machine) -> None:
    folder = machine.root / MINE[machine.platform] / "Utility"
    folder.mkdir(parents=True)
    (folder / "Understudy Replace.py").write_text("# mine\n", "utf-8")
    with pytest.raises(InvalidRequest, match="was not written by Understudy"):
        install(machine)
    assert (folder / "Understudy Replace.py").read_text("utf-8") == "# mine\n"


def test_uninstalling_takes_out_both_copies_and_nothing_else(machine: Machine) -> None:
    install(machine)
    install(machine, everyone=True)
    folder = machine.root / MINE[machine.platform] / "Edit"
    (folder / "Theirs.py").write_text("# mine\n", "utf-8")
    assert len(uninstall(machine).files) == 16
    assert copies(machine) == ()
    assert [path.name for path in folder.iterdir()] == ["Theirs.py"]
    assert uninstall(machine).files == ()


def test_linux_knows_the_other_folder_of_resolve(tmp_path: Path) -> None:
    (tmp_path / "home/resolve").mkdir(parents=True)
    install(machine_of("linux", tmp_path), everyone=True)
    assert (tmp_path / "home/resolve/Fusion/Scripts/Edit/Understudy Animate.py").is_file()


def test_the_mac_app_stores_resolve_is_refused(tmp_path: Path) -> None:
    machine = machine_of("darwin", tmp_path)
    (machine.home / "Library/Containers/com.blackmagic-design.DaVinciResolveLite").mkdir(parents=True)
    with pytest.raises(Unsupported, match="Mac App Store"):
        install(machine)
    assert copies(machine) == ()


@pytest.mark.skipif(sys.platform == "win32", reason="folders there have no modes")
def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/resolve").write_text("a file where a folder should be", "utf-8")
    with pytest.raises(InvalidRequest, match="Run this as an administrator"):
        install(machine_of("linux", tmp_path), everyone=True)


def test_a_script_is_whole_or_not_there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve reads the folder whenever its menu opens."""

    def full(self: Path, *_: object) -> int:
        os.close(os.open(self, os.O_CREAT | os.O_WRONLY))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InvalidRequest, match="No space left on device"):
        install(machine)
    assert copies(machine) == ()


def test_the_package_brings_all_that_is_installed_in_its_own_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {"plugins/davinci/understudy_davinci", "plugins/davinci/understudy_launcher"} <= set(packages)
    assert project["project"]["version"] == VERSION
