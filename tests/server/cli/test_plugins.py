"""understudy plugins, and doctor --davinci, on a home that knows no Resolve."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .conftest import call_here

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders here are those of Linux")
SCRIPTS = ".local/share/DaVinciResolve/Fusion/Scripts"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return tmp_path


def test_menu_scripts_are_installed_listed_and_removed(home: Path) -> None:
    said = call_here(home, "plugins", "install", "davinci")
    assert said.code == 0
    assert (home / SCRIPTS / "Utility" / "Understudy Replace.py").is_file()
    assert "Workspace > Scripts > Understudy Replace" in said.err
    listed = call_here(home, "plugins", "list", "--json").json
    assert [Path(each["folder"]).name for each in listed] == ["Utility", "Edit"]
    assert {each["python"] for each in listed} == {sys.executable}
    removed = call_here(home, "plugins", "uninstall", "davinci", "--json").json
    assert len(removed["files"]) == 8
    assert "Nothing is installed" in call_here(home, "plugins", "list").out


def test_a_file_of_somebody_else_stops_the_installation_with_a_sentence(home: Path) -> None:
    folder = home / SCRIPTS / "Utility"
    folder.mkdir(parents=True)
    (folder / "Understudy Replace.py").write_text("print('mine')\n", "utf-8")
    said = call_here(home, "plugins", "install", "davinci")
    assert said.code == 2
    assert "was not written by Understudy" in said.err


def test_doctor_says_why_resolve_lists_nothing(home: Path) -> None:
    said = call_here(home, "doctor", "--davinci", "--json")
    found = {each["topic"]: each for each in json.loads(said.out)["findings"]}
    assert said.code == 1
    assert found["Menu scripts"]["advice"] == "Run: understudy plugins install davinci"
    assert set(found) >= {
        "Resolve",
        "Scripts folder",
        "Resolve's Python",
        "Options window",
        "External scripting",
    }


def test_an_installation_that_resolve_will_not_list_is_warned_of(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux: Resolve runs the system's python3, and there is none."""
    monkeypatch.setenv("PATH", str(home))
    said = call_here(home, "plugins", "install", "davinci", "--json")
    assert said.code == 0
    [warning] = said.json["warnings"]
    assert warning.startswith(
        "Resolve's Python: none, so Resolve lists no Python scripts. Install your system's python3"
    )
