"""Tests the Blender extension inside real Blenders: bpy 4.5 and bpy 5.0 from the package index.

Each has an environment of its own with Python 3.11 (.venv-bpy45, .venv-bpy50), made once. The extension is built,
installed from its zip into a folder of this run, and every function of tests/plugins/blender/scenarios that begins
with ``scenario_`` runs in a process of its own against one real server. What cannot be had here is skipped, and
said.

    python scripts/test_blender.py                  # everything
    python scripts/test_blender.py --bpy 50 undo    # bpy 5.0 alone, scenarios with "undo" in their name
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]


from tests.plugins.blender.support.footage import make_footage  # noqa: E402
from understudy_server.cli.launch import start_server, stop_server  # noqa: E402

SCENARIOS = ROOT / "tests" / "plugins" / "blender" / "scenarios"
FILES = ("installing", "landing", "channels", "refusals", "ending")  # installing first: the others need it
ENGINE = "tests.plugins.blender.support.invert_engine:load"
BPY = {"45": ("bpy==4.5.15", "bpy==4.5.*"), "50": ("bpy==5.0.1", "bpy==5.0.*")}
TIMEOUT_S = 90  # of one scenario
NO_PLATFORM = 3  # build_plugins' exit code where no extension is built for this system


@dataclass(frozen=True, slots=True)
class Scenario:
    module: str
    function: str

    @property
    def claim(self) -> str:
        return self.function.removeprefix("scenario_").replace("_", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the Blender extension inside real Blenders.")
    parser.add_argument("--bpy", choices=BPY, action="append", help="only this one")
    parser.add_argument("words", nargs="?", default="", help="only scenarios with this in their name")
    arguments = parser.parse_args()
    python = find_python311()
    if python is None:
        print("skipped: Blender 4.5 and 5.0 as modules need Python 3.11, and none was found.")
        return 0
    os.environ.update({"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})  # of servers and Blenders
    blenders = {version: environment(version, python) for version in arguments.bpy or BPY}
    found = {version: blender for version, blender in blenders.items() if blender}
    archive = build_extension() if found else None
    if archive is None:
        print("==== 0 passed, 0 failed ====")
        return 0
    started = time.monotonic()
    with ThreadPoolExecutor() as together:  # they mostly wait for their servers
        runs = [together.submit(run_all, *item, archive, arguments.words) for item in found.items()]
    passed, failed = (sum(counts) for counts in zip(*(run.result() for run in runs), strict=True))
    print(f"==== {passed} passed, {failed} failed in {time.monotonic() - started:.0f}s ====")
    return int(failed > 0)


def build_extension() -> Path | None:
    """This system's zip, newly built; None, and a printed reason, where there is none for it."""
    command = [sys.executable, str(ROOT / "scripts" / "build_plugins.py"), "--platform", "host"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == NO_PLATFORM:
        print(f"skipped: {done.stdout.strip()}")
        return None
    done.check_returncode()
    return ROOT / done.stdout.splitlines()[-1]


# ---- Blenders --------------------------------------------------------------------------------------------


def find_python311() -> str | None:
    """A Python 3.11 that works: names on PATH may be shims that fail."""
    for name in (sys.executable, "python3.11", "/usr/bin/python3.11"):
        found = shutil.which(name)
        check = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))"
        if found and subprocess.run([found, "-c", check], capture_output=True, check=False).returncode == 0:
            return found
    return None


def environment(version: str, python: str) -> Path | None:
    """The Python of .venv-bpyVERSION, which has bpy; None, and a printed reason, if it cannot be had."""
    folder = ROOT / f".venv-bpy{version}"
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / ".installed"
    if done.exists():
        return inside
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    said = ""
    for requirement in BPY[version]:
        install = [str(inside), "-m", "pip", "install", "--quiet", requirement]
        tried = subprocess.run(install, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            done.write_text(requirement, "utf-8")
            return inside
        said = (tried.stderr.strip().splitlines() or [""])[-1]
    print(f"skipped: {BPY[version][0]} could not be installed: {said}")
    return None


# ---- Scenarios -------------------------------------------------------------------------------------------


def scenarios(words: str) -> list[Scenario]:
    """All scenarios with *words* in their name, and always the one that installs the zip."""
    found = []
    for module in FILES:
        tree = ast.parse((SCENARIOS / f"{module}.py").read_text("utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        found += [Scenario(module, name) for name in names if name.startswith("scenario_")]
    return [found[0], *(each for each in found[1:] if words in each.function)]


def run_all(version: str, python: Path, archive: Path, words: str) -> tuple[int, int]:
    """Runs every scenario in one Blender and prints how it went; how many passed and failed."""
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="understudy-blender-") as name:
        folder = Path(name)
        surroundings = {
            **os.environ,
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            "UNDERSTUDY_HOME": str(folder / "server"),
            "UNDERSTUDY_FOOTAGE": str(make_footage(folder / "footage")),
            "UNDERSTUDY_ZIP": str(archive),
        }
        with server(folder / "server"):
            for scenario in scenarios(words):
                output = run(python, scenario, surroundings)
                passed, failed = passed + (output is None), failed + (output is not None)
                word = "passed" if output is None else "FAILED"
                print(f"bpy {version}: {word}: {scenario.claim}\n{output or ''}", end="", flush=True)
        if failed:
            print(
                f"bpy {version}: the server's log ends:\n{(folder / 'server' / 'server.log').read_text()[-4000:]}"
            )
    return passed, failed


def run(python: Path, scenario: Scenario, surroundings: dict[str, str]) -> str | None:
    command = [str(python), "-m", "tests.plugins.blender.scenarios.run", scenario.module, scenario.function]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
        return f"{said}\nnot ended after {TIMEOUT_S} s\n"
    return None if process.returncode == 0 else f"{said}\nexit code {process.returncode}\n"


@contextmanager
def server(home: Path) -> Iterator[None]:
    """A real server whose engine inverts colours."""
    start_server(home, [], ["--engine-factory", ENGINE])
    try:
        yield
    finally:
        stop_server(home)


if __name__ == "__main__":
    sys.exit(main())
