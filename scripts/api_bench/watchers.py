"""Clients that die, freeze, or see their server die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.server.conftest import animate_spec
from tests.server.support.process import ROOT, Server
from understudy_api.client import Client

FROZEN, FOLLOWERS = 3, 20
LONGEST_S = 90.0

WATCH = "import sys; from understudy_api.client import Client; list(Client().watch(sys.argv[1]))"


def lost_clients(folder: Path, footage: Path) -> dict[str, float]:
    """Seconds until the server ends the call of a client that was killed, and of clients that stand still."""
    calls = folder / "calls"
    calls.touch()
    environment = {"STEP_S": "600", "OPEN_CALLS": str(calls)}
    server = Server(folder / "home", footage, environment, module="scripts.api_bench.counted")
    try:
        with server.start() as api, watching(server.home, api.create(animate_spec(api)).name) as processes:
            until(lambda: open_calls(calls) == len(processes))
            killed, *frozen = processes
            killed.kill()
            figures = {"killed_found_s": until(lambda: open_calls(calls) == FROZEN)}
            time.sleep(7)  # in the midst of heartbeats and pings, like any other moment
            for process in frozen:
                process.send_signal(signal.SIGSTOP)
            return {**figures, "frozen_found_s": until(lambda: open_calls(calls) == 0)}
    finally:
        server.kill()


def open_calls(file: Path) -> int:
    lines = file.read_text().split()
    return lines.count("+") - lines.count("-")


def until(condition: Callable[[], bool]) -> float:
    """Seconds that it took; at most LONGEST_S."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < LONGEST_S:
        time.sleep(0.005)
    return time.monotonic() - began


@contextlib.contextmanager
def watching(home: Path, job: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that each follow *job*: one to be killed, FROZEN to be stopped."""
    environment = {**os.environ, "UNDERSTUDY_HOME": str(home)}
    command = [sys.executable, "-c", WATCH, job]
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(1 + FROZEN)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def a_restart_under_watchers(folder: Path, footage: Path) -> dict[str, float]:
    """How many events FOLLOWERS clients missed or got twice while the server was killed and started again."""
    server = Server(folder / "home", footage, {"STEP_S": "0.3"})
    seen: list[list[int]] = [[] for _ in range(FOLLOWERS)]

    def follow(job: str, sequences: list[int]) -> None:
        with Client(folder=server.home) as client, client.watch(job) as events:
            sequences += (event.sequence for event in events)

    try:
        with server.start() as api:
            job = api.create(animate_spec(api)).name
        threads = [threading.Thread(target=follow, args=(job, sequences)) for sequences in seen]
        for thread in threads:
            thread.start()
        until(lambda: all(len(sequences) > 5 for sequences in seen))
        server.kill()
        with server.start() as api:
            for thread in threads:
                thread.join()
            expected = list(range(1, api.job(job).last_sequence + 1))
        wrong = sum(len(set(expected) ^ set(got)) + len(got) - len(set(got)) for got in seen)
        return {"events_lost_or_doubled": wrong, "events_followed": sum(map(len, seen))}
    finally:
        server.kill()
