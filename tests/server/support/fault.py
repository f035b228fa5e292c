"""Death at one point of a job's work, of the engine, its server or its writer, as often as wished; or a halt there.

A halt takes the place of steps that are slow enough: whatever a test does meanwhile, it does while the job is there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Meanwhile = Callable[[], None]


class Fault:
    """The tests' end: wishes, in a file that servers started with `environment` look at at every point."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._wishes: dict[str, Any] = {}
        self._write()

    @property
    def environment(self) -> Mapping[str, str]:
        return {"FAULT": str(self._file)}

    def wish(self, at: str, victim: str, times: int = 1, blow: signal.Signals = signal.SIGKILL) -> None:
        """*victim* is "engine", "server" or "writer" (of the delivery); blows are counted anew."""
        _deaths(self._file).write_bytes(b"")
        self._write(at=at, victim=victim, times=times, blow=int(blow))

    def halt(self, at: str, *, deaf: bool = False) -> None:
        """Engines wait there until `go_on`; one that is not *deaf* still leaves a job that is stopped."""
        self._write(halt=at, deaf=deaf)

    def go_on(self) -> None:
        self._write(halt="")

    @property
    def deaths(self) -> int:
        return len(_deaths(self._file).read_bytes())

    def _write(self, **wishes: Any) -> None:
        """As a whole or not at all: an engine may be reading."""
        self._wishes |= wishes
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._wishes))
        new.replace(self._file)


class Reached:
    """The engine's end."""

    def __init__(self, file: Path | None = None) -> None:
        """*file* may be made later, where the environment names none."""
        self._file = Path(os.environ["FAULT"]) if "FAULT" in os.environ else file
        self._writers: list[subprocess.Popen[bytes]] = []

    def reach(self, point: str, meanwhile: Meanwhile = lambda: None) -> None:
        """*meanwhile*: what an engine calls between two pieces of work."""
        if self._file is None or not self._file.is_file():
            return
        wishes = self._wishes(self._file)
        deaths = _deaths(self._file)
        if wishes.get("at") == point and deaths.stat().st_size < wishes["times"]:
            with deaths.open("ab") as file:
                file.write(b"x")
            self._strike(wishes["victim"], wishes["blow"])
        while (wishes := self._wishes(self._file)).get("halt") == point:
            if not wishes["deaf"]:
                meanwhile()
            time.sleep(0.01)

    def around(self, module: Any, name: str) -> None:
        """Makes the moments before and after a function's work points of their own, and those it calls meanwhile."""
        work: Callable[..., Any] = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"before {name}")
            if "meanwhile" in kwargs:
                kwargs["meanwhile"] = self._within(name, kwargs["meanwhile"])
            result = work(*args, **kwargs)
            self.reach(f"after {name}")
            return result

        setattr(module, name, watched)

    def note_writers(self, errand: Any) -> None:
        """Of the module that starts them; it then looks after them more often."""
        if self._file is None:
            return
        started: Callable[..., subprocess.Popen[bytes]] = errand.started

        def noted(*arguments: str) -> subprocess.Popen[bytes]:
            self._writers.append(started(*arguments))
            return self._writers[-1]

        errand.started, errand.MEANWHILE_S = noted, 0.02

    def _within(self, name: str, meanwhile: Meanwhile) -> Meanwhile:
        def reaching() -> None:
            self.reach(f"within {name}", meanwhile)
            meanwhile()

        return reaching

    def _strike(self, victim: str, blow: int) -> None:
        if victim == "writer":
            self._writers[-1].send_signal(blow)
            return
        os.kill(os.getpid() if victim == "engine" else os.getppid(), blow)
        if victim == "server":
            time.sleep(30)  # until the server's death takes this process along

    @staticmethod
    def _wishes(file: Path) -> dict[str, Any]:
        wishes: dict[str, Any] = json.loads(file.read_text())
        return wishes


def _deaths(file: Path) -> Path:
    return file.with_suffix(".deaths")
