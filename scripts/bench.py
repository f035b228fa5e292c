"""Measures a first swap on this machine: the demo's shot through a real server, as an artist would run it.

    make bench        writes docs/benchmarks/first_swap.json and the table of docs/benchmarks.md

Linux only: peak memory is read from /proc.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path

from understudy_api.client import Client
from understudy_engine.bench.page import write_between
from understudy_server.cli.asked import Swap
from understudy_server.cli.demo_files import DemoFiles, write_demo
from understudy_server.cli.launch import connect_or_start, stop_server
from understudy_server.cli.specs import find_passes, replace_spec
from understudy_server.cli.voice import Voice

DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURES, PAGE = DOCS / "benchmarks" / "first_swap.json", DOCS / "benchmarks.md"
MARKER = "<!-- figures -->"

FRAMES, STEPS = 49, 8
LONGER = 5  # times FRAMES: memory must not grow with the clip
CALL_PAUSE_S = 0.02  # between two calls while the engine renders
CREATIONS = 50

ROWS = {  # figure -> what it is, its target
    "seconds_end_to_end": ("start of the server to delivered file, s", "60"),
    "seconds_job": ("of that, the job, s", ""),
    "peak_memory_mib": ("peak memory of all processes together, MiB", "2048"),
    "peak_memory_longer_mib": (f"the same for a clip of {LONGER * FRAMES} frames, MiB", "2048"),
    "api_p50_ms": ("API answers during rendering, median, ms", ""),
    "api_p99_ms": ("API answers during rendering, p99, ms", "50"),
    "create_job_max_ms": (f"slowest of {CREATIONS} CreateJob calls, ms", "100"),
    "frame_delay_max_s": ("last frame of a segment in the client after its end, slowest segment, s", "1"),
}


def main() -> int:
    figures = first_swap()
    longer = peak_of_a_longer_clip()
    figures["peak_memory_longer_mib"] = longer / 2**20
    publish(figures)
    return 0


def first_swap() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = film(folder, FRAMES)
        began = time.monotonic()
        with serving(folder) as client:
            with peak_memory(client.endpoint.pid) as peak:
                figures = measure(client, files, folder, began)
            return {**figures, "peak_memory_mib": peak() / 2**20}


def peak_of_a_longer_clip() -> int:
    """Bytes. One step a segment: steps cost time, not memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = film(folder, LONGER * FRAMES)
        with serving(folder) as client, peak_memory(client.endpoint.pid) as peak:
            job = client.create_job(replace_spec(client, swap_of(files, folder, steps=1)))
            client.wait(job.name)
            return peak()


def film(folder: Path, frames: int) -> DemoFiles:
    from understudy_engine.training import render_shot

    return write_demo(render_shot(11, frames=frames), folder)


def swap_of(files: DemoFiles, folder: Path, *, steps: int) -> Swap:
    passes = find_passes(files.passes)
    return Swap(
        clip=files.clip, character=files.character, output=folder / "out.mp4", passes=passes, steps=steps
    )


@contextmanager
def serving(folder: Path) -> Iterator[Client]:
    client, _ = connect_or_start(Voice(as_json=True), shared=[folder], folder=folder / "server")
    try:
        with client:
            yield client
    finally:
        stop_server(folder / "server")


def measure(client: Client, files: DemoFiles, folder: Path, began: float) -> dict[str, float]:
    swap = swap_of(files, folder, steps=STEPS)
    created = time.monotonic()
    job = client.create_job(replace_spec(client, swap), display_name="benchmark")
    with calling(client, job.name) as calls, client.frames(job.name) as frames:
        arrived = {frame.index: time.time() for frame in frames}
    client.wait(job.name)
    ended = time.monotonic()
    stored = stored_times(client, job.name)
    assert sorted(arrived) == sorted(stored) == list(range(FRAMES))
    return {
        "seconds_end_to_end": ended - began,
        "seconds_job": ended - created,
        "api_p50_ms": 1000 * statistics.median(calls),
        "api_p99_ms": 1000 * statistics.quantiles(calls, n=100)[98],
        "api_calls": len(calls),
        "create_job_max_ms": 1000 * max(creations(client, swap)),
        "frame_delay_max_s": max(arrived[frame] - stored[frame] for frame in arrived),
    }


def stored_times(client: Client, name: str) -> dict[int, float]:
    """When each frame's segment was told to be stored, seconds since the epoch."""
    with client.watch(name) as events:
        stored = [event for event in events if event.HasField("segment_stored")]
    return {
        frame: event.time.ToNanoseconds() / 1e9
        for event in stored
        for frame in range(event.segment_stored.frames.start, event.segment_stored.frames.end)
    }


@contextmanager
def calling(client: Client, name: str) -> Iterator[list[float]]:
    """Asks the server small questions all the while; the list fills with the seconds each answer took."""
    seconds: list[float] = []
    over = threading.Event()
    questions: list[Callable[[], object]] = [client.info, client.models, lambda: client.job(name)]

    def ask() -> None:
        while not over.wait(CALL_PAUSE_S):
            began = time.perf_counter()
            questions[len(seconds) % len(questions)]()
            seconds.append(time.perf_counter() - began)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield seconds
    finally:
        over.set()
        thread.join()


def creations(client: Client, swap: Swap) -> Iterator[float]:
    """Seconds of each CreateJob call; the jobs are cancelled again."""
    spec = replace_spec(client, swap)
    spec.replace.ClearField("delivery")
    for _ in range(CREATIONS):
        began = time.perf_counter()
        job = client.create_job(spec)
        yield time.perf_counter() - began
        client.cancel(job.name)


@contextmanager
def peak_memory(server_pid: int) -> Iterator[Callable[[], int]]:
    """The largest sum of the resident memory of the server and all its children, bytes, sampled every 50 ms."""
    largest = 0
    over = threading.Event()

    def sample() -> None:
        nonlocal largest
        while not over.wait(0.05):
            largest = max(largest, sum(map(resident, [server_pid, *descendants(server_pid)])))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield lambda: largest
    finally:
        over.set()
        thread.join()


def descendants(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [below for child in map(int, found) for below in (child, *descendants(child))]


def resident(pid: int) -> int:
    """Proportional share, so that pages two processes share count once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def publish(figures: dict[str, float]) -> None:
    conditions = {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "shot": f"{FRAMES} frames 256x256, nano, {STEPS} steps, Replace",
    }
    rounded = {name: round(value, 2) for name, value in figures.items()}
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps({"conditions": conditions, "figures": rounded}, indent=2) + "\n")
    table = ["| figure | measured | target: at most |", "|---|---|---|"]
    table += [f"| {what} | {rounded[name]:g} | {target} |" for name, (what, target) in ROWS.items()]
    said = ", ".join(f"{name} {value}" for name, value in conditions.items())
    write_between(PAGE, MARKER, [*table, "", said])
    print("\n".join(table))


if __name__ == "__main__":
    sys.exit(main())
