"""Tests the Blender extension inside real Blenders: bpy 4.2, 4.5, 5.0, 5.1 and 5.2 from the package index.

Each has an environment of its own (.venv-bpy42 to .venv-bpy52), made once with the Python that it is for: 3.11, and
3.13 from 5.1 on. The extension is built, installed from its zip into a folder of this run, and every function of
tests/plugins/blender/scenarios that begins with ``scenario_`` runs in a process of its own against a real server.
What cannot be had here is skipped, and named. Scenarios of nano.py are played against a server with nano, the others
against one whose engine inverts colours.

    python scripts/test_blender.py                  # everything
    python scripts/test_blender.py --quick          # everything in the newest, and in the others the first scenario
                                                    # of each file; without nano
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]


from tests.plugins.blender.support.footage import make_footage, make_performance  # noqa: E402
from tests.server.support.fault import Fault  # noqa: E402
from tests.support.waiting import wait_until  # noqa: E402
from understudy_api.client import Client  # noqa: E402
from understudy_api.errors import ServerAway  # noqa: E402
from understudy_api.v1 import job_pb2  # noqa: E402
from understudy_server.cli.launch import start_server, stop_server  # noqa: E402

SCENARIOS = ROOT / "tests" / "plugins" / "blender" / "scenarios"
FIRST = "installing"  # the others need it
NANO = "nano"  # whose scenarios want that model
ENGINE = "tests.plugins.blender.support.invert_engine:load"
TIMEOUT_S = 180  # of one scenario
ENDED = (job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_FAILED, job_pb2.JOB_STATE_CANCELLED)
UNFINISHED = [state for state in job_pb2.JobState.values() if state not in (*ENDED, 0)]
NO_PLATFORM = 3  # build_plugins' exit code where no extension is built for this system
LANES = 3  # scenarios at once in one Blender, each against a server of its own: they mostly wait for it


@dataclass(frozen=True, slots=True)
class Blender:
    version: str
    python: str  # that its module is made for
    requirements: tuple[str, ...]  # the first that is to be had


BLENDERS = (
    Blender("42", "3.11", ("bpy==4.2.23", "bpy==4.2.*")),
    Blender("45", "3.11", ("bpy==4.5.15", "bpy==4.5.*")),
    Blender("50", "3.11", ("bpy==5.0.1", "bpy==5.0.*")),
    Blender("51", "3.13", ("bpy==5.1.2", "bpy==5.1.*")),
    Blender("52", "3.13", ("bpy==5.2.3", "bpy==5.2.*")),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    module: str
    function: str

    @property
    def claim(self) -> str:
        return self.function.removeprefix("scenario_").replace("_", " ")


def main() -> int:
    parser = argparse.ArgumentParser(description="Test the Blender extension inside real Blenders.")
    names = [blender.version for blender in BLENDERS]
    parser.add_argument("--bpy", choices=names, action="append", help="only this one")
    parser.add_argument(
        "--quick", action="store_true", help="before the newest, only the first scenario of each file"
    )
    parser.add_argument("words", nargs="?", default="", help="only scenarios with this in their name or file")
    arguments = parser.parse_args()
    os.environ.update({"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})  # of servers and Blenders
    wanted = [blender for blender in BLENDERS if blender.version in (arguments.bpy or names)]
    found = {blender: python for blender in wanted if (python := environment(blender))}
    archive = build_extension() if found else None
    if archive is None:
        print("==== 0 passed, 0 failed ====")
        return 0
    started = time.monotonic()
    runs = []
    newest = next(reversed(found))
    with ThreadPoolExecutor(max_workers=2) as together:
        for blender, python in reversed(found.items()):  # the newest has most to do
            chosen = scenarios(
                arguments.words,
                first_alone=arguments.quick and blender is not newest,
                with_nano=not arguments.quick,
            )
            runs.append(together.submit(Run(blender, python, archive).all, chosen))
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


def environment(blender: Blender) -> Path | None:
    """The Python of .venv-bpyVERSION, which has bpy; None, and a printed reason, if it cannot be had."""
    folder = ROOT / f".venv-bpy{blender.version}"
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / ".installed"
    if done.exists():
        return inside
    python = find_python(blender.python)
    if python is None:
        print(f"skipped: {blender.requirements[0]} needs Python {blender.python}, and none was found.")
        return None
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    said = ""
    for requirement in blender.requirements:
        install = [str(inside), "-m", "pip", "install", "--quiet", requirement]
        tried = subprocess.run(install, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            done.write_text(requirement, "utf-8")
            return inside
        said = (tried.stderr.strip().splitlines() or [""])[-1]
    print(f"skipped: {blender.requirements[0]} could not be installed: {said}")
    return None


def find_python(version: str) -> str | None:
    """A Python of *version* that works: names on PATH may be shims that fail. pyenv's are looked through too."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    names = [sys.executable, f"python{version}", f"/usr/bin/python{version}"]
    names += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]
    wanted = tuple(int(part) for part in version.split("."))
    check = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != {wanted})"
    for name in names:
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", check], capture_output=True, check=False).returncode == 0:
            return found
    return None


# ---- Scenarios -------------------------------------------------------------------------------------------


def scenarios(words: str, *, first_alone: bool, with_nano: bool) -> list[Scenario]:
    """All scenarios, or of each file its first, with *words* in their name, and always the one that installs."""
    found = []
    for path in sorted(SCENARIOS.glob("*.py"), key=lambda path: (path.stem != FIRST, path.stem)):
        if path.stem == NANO and not with_nano:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        names = [name for name in names if name.startswith("scenario_")]
        found += [Scenario(path.stem, name) for name in (names[:1] if first_alone else names)]
    return [found[0], *(each for each in found[1:] if words in f"{each.module} {each.function}")]


@dataclass(slots=True)
class Run:
    """Scenarios in one Blender. Whatever they write lies in a folder that is removed."""

    blender: Blender
    python: Path
    archive: Path
    waiting: SimpleQueue[Scenario] = field(default_factory=SimpleQueue)
    waiting_for_nano: SimpleQueue[Scenario] = field(default_factory=SimpleQueue)

    def all(self, chosen: list[Scenario]) -> tuple[int, int]:
        """How many passed and failed; prints each as it ends."""
        installing, *others = chosen
        for each in others:
            (self.waiting_for_nano if each.module == NANO else self.waiting).put(each)
        with tempfile.TemporaryDirectory(prefix="understudy-blender-") as name:
            folder = Path(name)
            surroundings = self.surroundings(folder)
            outcomes = [self.one(installing, surroundings)]
            with ThreadPoolExecutor() as lanes:
                runs = [
                    lanes.submit(self.lane, folder / f"lane{n}", surroundings, self.waiting, ENGINE)
                    for n in range(LANES if not self.waiting.empty() else 0)
                ]
                if not self.waiting_for_nano.empty():
                    make_performance(folder / "footage" / NANO)
                    runs.append(lanes.submit(self.lane, folder / NANO, surroundings, self.waiting_for_nano))
                outcomes += [outcome for run in runs for outcome in run.result()]
        return sum(outcomes), len(outcomes) - sum(outcomes)

    def surroundings(self, folder: Path) -> dict[str, str]:
        return {
            **os.environ,
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            "UNDERSTUDY_FOOTAGE": str(make_footage(folder / "footage")),
            "UNDERSTUDY_ZIP": str(self.archive),
            "TMPDIR": str(folder),
        }

    def lane(
        self, folder: Path, surroundings: dict[str, str], waiting: SimpleQueue[Scenario], engine: str = ""
    ) -> list[bool]:
        """Runs what is *waiting*, one after the other, against one server; its engine is nano's by default."""
        home, outcomes = folder / "server", []
        temporary = folder / "temporary"
        temporary.mkdir(parents=True)
        inside = {**surroundings, "UNDERSTUDY_HOME": str(home), "TMPDIR": str(temporary)}
        with server(home, shared=folder.parent, engine=engine):
            while scenario := next_of(waiting):
                outcomes.append(self.one(scenario, inside))
                clear(home)
        if not all(outcomes):
            log = (home / "server.log").read_text()[-4000:]
            print(f"bpy {self.blender.version}: the server's log ends:\n{log}")
        return outcomes

    def one(self, scenario: Scenario, surroundings: dict[str, str]) -> bool:
        started = time.monotonic()
        output = run(self.python, scenario, surroundings)
        word = "passed" if output is None else "FAILED"
        took = f"{time.monotonic() - started:4.1f} s"
        line = f"bpy {self.blender.version}: {word} {took}: {scenario.claim}"
        print(f"{line}\n{output or ''}", end="", flush=True)
        return output is None


def next_of(waiting: SimpleQueue[Scenario]) -> Scenario | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None


def run(python: Path, scenario: Scenario, surroundings: dict[str, str]) -> str | None:
    """What the scenario's process said if it failed."""
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


def clear(home: Path) -> None:
    """What a scenario leaves must not keep the next one's jobs waiting, or be halted where those are to halt."""
    Fault(home / "fault")
    with suppress(ServerAway), Client.connect(folder=home) as client:
        for job in client.jobs(UNFINISHED):
            client.cancel(job.name)
        wait_until(lambda: not any(client.jobs(UNFINISHED)))


@contextmanager
def server(home: Path, shared: Path, engine: str) -> Iterator[None]:
    """A real server, with nano where no *engine* is named."""
    start_server(home, [shared], ["--engine-factory", engine] if engine else [])
    try:
        yield
    finally:
        stop_server(home)


if __name__ == "__main__":
    sys.exit(main())
