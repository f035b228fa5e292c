"""The menu scripts: what Resolve's own Python runs, whichever that is, from 3.6 on."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import understudy_launcher
from understudy_davinci.installing.install import VERBS, install
from understudy_davinci.reach.places import Machine

LAUNCHER = Path(understudy_launcher.__file__).parent
STANDARD = {"io", "json", "os", "subprocess", "sys", "tempfile", "understudy_launcher"}
COMPANION = """
import sys
from pathlib import Path
from understudy_davinci.reach.relayed import standard_pipe

pipe = standard_pipe()
print("what a library prints does not reach the pipe")
resolve = pipe.resolve()
Path({told!r}).write_text(" ".join([*sys.argv[1:], resolve.GetProductName()]), "utf-8")
pipe.close()
"""
MENU = """
class Resolve:
    def GetProductName(self):
        return "DaVinci Resolve"

class App:
    def GetResolve(self):
        return Resolve()

{given}
with open({script!r}, encoding="utf-8") as file:
    exec(compile(file.read(), {script!r}, "exec"))
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The menu scripts as the installer writes them."""
    install(Machine(platform="linux", home=tmp_path, root=tmp_path))
    return tmp_path / ".local/share/DaVinciResolve/Fusion/Scripts/Utility"


@functools.cache
def oldest_python() -> str:
    """A Python 3.6 where there is one, since that is what Resolve may run; otherwise ours."""
    pyenv = sorted((Path.home() / ".pyenv/versions").glob("3.6.*/bin/python3.6"))
    for name in (*map(str, pyenv), "python3.6"):
        with contextlib.suppress(OSError):
            if subprocess.run([name, "--version"], capture_output=True, check=False).returncode == 0:
                return name
    return sys.executable


def run_from_menu(script: Path, given: str = "resolve = Resolve()") -> subprocess.CompletedProcess[str]:
    """As Resolve runs it: with `resolve` in its globals, and neither a name nor a file of its own."""
    code = MENU.format(script=str(script), given=given)
    command = [oldest_python(), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def lead_to(written: Path, program: str) -> None:
    """Has the scripts start *program*, a shell script, in place of our Python."""
    path = written / "python"
    path.write_text(f"#!/bin/sh\n{program}\n", "utf-8")
    path.chmod(0o755)
    note = json.loads((written / "understudy.json").read_text("utf-8"))
    note["python"] = str(path)
    (written / "understudy.json").write_text(json.dumps(note), "utf-8")


def test_all_that_resolves_python_loads_is_python_3_6(written: Path) -> None:
    files = [*LAUNCHER.glob("*.py"), *(written / name for name in VERBS)]
    assert len(files) == 5
    for path in files:
        ast.parse(path.read_text("utf-8"), feature_version=(3, 6))


def test_it_imports_the_standard_library_alone(written: Path) -> None:
    imported: set[str] = set()
    for path in [*LAUNCHER.glob("*.py"), *(written / name for name in VERBS)]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module))
    assert imported <= STANDARD


def test_a_menu_script_fits_a_screen(written: Path) -> None:
    for name in VERBS:
        assert len((written / name).read_text("utf-8").splitlines()) <= 45


@pytest.mark.skipif(sys.platform == "win32", reason="the program here is a shell script")
@pytest.mark.parametrize("name", sorted(VERBS))
def test_the_companion_is_started_and_reaches_resolve_through_the_script(written: Path, name: str) -> None:
    child, told = written / "companion.py", written / "told"
    child.write_text(COMPANION.format(told=str(told)), "utf-8")
    lead_to(written, f'shift 2; exec "{sys.executable}" "{child}" "$@"')
    done = run_from_menu(written / name)
    assert (done.stderr, done.returncode) == ("", 0)
    assert told.read_text("utf-8") == f"{VERBS[name]} --relay DaVinci Resolve"


@pytest.mark.skipif(sys.platform == "win32", reason="the program here is a shell script")
def test_resolve_21_1_gives_its_app_instead(written: Path) -> None:
    child, told = written / "companion.py", written / "told"
    child.write_text(COMPANION.format(told=str(told)), "utf-8")
    lead_to(written, f'shift 2; exec "{sys.executable}" "{child}" "$@"')
    done = run_from_menu(written / "Understudy Replace.py", given="app = App()")
    assert (done.stderr, done.returncode) == ("", 0)
    assert told.read_text("utf-8").endswith("DaVinci Resolve")


@pytest.mark.skipif(sys.platform == "win32", reason="the program here is a shell script")
def test_a_companion_that_ends_before_it_began_is_told_with_its_last_words(written: Path) -> None:
    lead_to(written, "echo 'No module named understudy_davinci' >&2; exit 7")
    done = run_from_menu(written / "Understudy Replace.py")
    assert "ended with 7: No module named understudy_davinci" in done.stderr
    assert "understudy doctor --davinci" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the program here is a shell script")
def test_a_companion_that_leaves_the_work_to_another_is_no_failure(written: Path) -> None:
    lead_to(written, "exit 0")
    assert run_from_menu(written / "Understudy Replace.py").stderr == ""


def test_a_product_that_was_moved_is_told(written: Path) -> None:
    note = json.loads((written / "understudy.json").read_text("utf-8"))
    (written / "understudy.json").write_text(json.dumps({**note, "python": "/gone/python"}), "utf-8")
    done = run_from_menu(written / "Understudy Replace.py")
    assert "there is no /gone/python" in done.stderr
    assert "understudy plugins install davinci" in done.stderr


def test_without_its_note_a_script_says_what_to_do(written: Path) -> None:
    (written / "understudy.json").unlink()
    done = run_from_menu(written / "Understudy Replace.py")
    assert "Run: understudy plugins install davinci" in done.stderr
    assert done.returncode == 0


def test_outside_resolve_nothing_is_started() -> None:
    told = understudy_launcher.start("replace", {"python": sys.executable}, None)
    assert told == "Start Understudy from Resolve's menu: Workspace > Scripts."


def test_resolves_own_python_variables_do_not_reach_the_companion() -> None:
    ours: dict[str, Any] = {"PYTHONHOME": "/opt/resolve", "LD_LIBRARY_PATH": "/x", "PATH": "/bin"}
    assert understudy_launcher.environment(ours) == {"PATH": "/bin"}
