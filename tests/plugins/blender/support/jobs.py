"""Jobs of the extension, as its main thread sees them."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Any

from tests.plugins.blender.support.extension import load
from tests.support.waiting import wait_until

frames = load("frames")
job = load("job")
requests = load("request")
server = load("server")
session = load("session")


def work_of(request: Any, **more: Any) -> Any:
    uid = session.new_uid()
    return job.Work(
        uid=uid,
        folder=frames.new_folder(request.folder, "clip replace", uid),
        frames=request.frames[1] - request.frames[0],
        spec=lambda client, say: requests.build_spec(client, request, say),
        **more,
    )


def begun(work: Any, home: Path, patience_s: float = 10.0) -> Any:
    choice = server.ServerChoice(may_start=False, data_folder=home)
    connect = functools.partial(server.connect, choice, patience_s=patience_s)
    made = session.Swap(mode=requests.Mode.REPLACE, thread=job.SwapThread(work, connect), placement=None)
    made.thread.start()
    return made


def until(swap: Any, condition: Any) -> None:
    def met() -> Any:
        if not condition():
            swap.drain(time.monotonic() + 0.02)
        return condition()

    wait_until(met)


def ended(swap: Any) -> str:
    until(swap, lambda: swap.outcome)
    assert swap.thread.messages.empty()
    return str(swap.outcome)
