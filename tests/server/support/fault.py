"""Death at one point of a job's work, of the engine or of its server, as often as wished."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Fault:
    """The tests' end: a wish, in a file that servers started with `environment` look at at every point."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.write_text("{}")

    @property
    def environment(self) -> Mapping[str, str]:
        return {"FAULT": str(self._file)}

    def wish(self, at: str, victim: str, times: int = 1) -> None:
        """*victim* is "engine" or "server"; deaths are counted anew."""
        _deaths(self._file).write_bytes(b"")
        self._file.write_text(json.dumps({"at": at, "victim": victim, "times": times}))

    @property
    def deaths(self) -> int:
        return len(_deaths(self._file).read_bytes())


class Reached:
    """The engine's end."""

    def __init__(self) -> None:
        self._file = Path(os.environ["FAULT"]) if "FAULT" in os.environ else None

    def reach(self, point: str) -> None:
        if self._file is None:
            return
        wish = json.loads(self._file.read_text())
        deaths = _deaths(self._file)
        if wish.get("at") == point and deaths.stat().st_size < wish["times"]:
            with deaths.open("ab") as file:
                file.write(b"x")
            os.kill(os.getpid() if wish["victim"] == "engine" else os.getppid(), signal.SIGKILL)
            time.sleep(30)  # until the server's death takes this process along

    def around(self, module: Any, name: str) -> None:
        """Makes the moments before and after a function's work points of their own."""
        work: Callable[..., Any] = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"before {name}")
            result = work(*args, **kwargs)
            self.reach(f"after {name}")
            return result

        setattr(module, name, watched)


def _deaths(file: Path) -> Path:
    return file.with_suffix(".deaths")
