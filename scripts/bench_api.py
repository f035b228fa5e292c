"""Measures the API under load and under attack on this machine, each part on a real server of its own.

    make bench-api        writes docs/benchmarks/api.json and the table of docs/reliability.md

Linux only: memory is read from /proc. The engine paints instead of thinking, but for the estimates, which are nano's.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

from scripts.api_bench.estimates import estimates
from scripts.api_bench.load import IN_FLIGHT, JOBS, ONE_BY_ONE, PAGE, create_one_by_one, full_queue
from scripts.api_bench.readers import READERS, slow_reader
from scripts.api_bench.transfers import broken_transfers
from scripts.api_bench.watchers import FOLLOWERS, FROZEN, a_restart_under_watchers, lost_clients
from tests.server.support.footage import make_footage

DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURES, PAGE_FILE = DOCS / "benchmarks" / "api.json", DOCS / "reliability.md"
MARKER = "<!-- figures -->"

PARTS: tuple[Callable[[Path, Path], dict[str, float]], ...] = (
    create_one_by_one,
    full_queue,
    lost_clients,
    a_restart_under_watchers,
    slow_reader,
    broken_transfers,
    estimates,
)

ROWS = {  # figure -> what it is, its target (at most), or None
    "create_p50_ms": (f"CreateJob while the engine works, {ONE_BY_ONE} one by one, median, ms", None),
    "create_p99_ms": ("the same, p99, ms", 100),
    "submit_p50_ms": (f"CreateJob, {JOBS} jobs with {IN_FLIGHT} in flight, median, ms", None),
    "submit_p99_ms": ("the same, p99, ms", 150),
    "submit_all_s": ("the same, all of them, s", None),
    "page_p50_ms": (f"a page of {PAGE} of these {JOBS}, median, ms", None),
    "page_p99_ms": ("the same, p99, ms", 20),
    "queue_rss_mib": (f"memory of the API process with {JOBS} jobs in the queue, MiB", 400),
    "restart_to_serving_s": ("from the start of a killed server to SERVING with that queue, s", 3),
    "cancel_all_s": (f"CancelJob for all of them, {IN_FLIGHT} in flight, s", 5),
    "killed_found_s": ("a killed client's call ends on the server after, s", 1),
    "frozen_found_s": (f"the last of {FROZEN} frozen clients' calls ends on the server after, s", 30),
    "events_lost_or_doubled": (f"events lost or doubled for {FOLLOWERS} watchers over a kill and restart", 0),
    "slow_reader_memory_mib": (f"memory that a reader at 1 KB/s adds beside {READERS} others, MiB", 64),
    "slow_reader_delay_percent": ("time that it costs the others, %", 10),
    "all_readers_memory_mib": (f"memory that all {READERS + 1} add together, at their peak, MiB", 64),
    "upload_s": ("upload of 0.7 MB over these breaks, s", None),
    "upload_breaks": ("upload: times that the connection broke, once a chunk", None),
    "upload_chunks_again_per_break": ("upload: chunks sent again for each break", 1),
    "download_breaks": ("download: times that the connection broke, once a chunk", None),
    "download_chunks_again_per_break": ("download: chunks fetched again for each break", 1),
    "transfers_damaged": ("files that did not arrive as they were sent", 0),
    "estimate_low_s": ("EstimateJob after three jobs of nano: at least, s", None),
    "estimate_high_s": ("the same: at most, s", None),
    "estimated_job_s": ("the job then took, s", None),
    "estimate_factor": ("the middle of the estimate against the time taken, factor", 1.5),
}


def main() -> int:
    wanted = sys.argv[1:]
    parts = [part for part in PARTS if not wanted or part.__name__ in wanted]
    figures: dict[str, float] = {}
    began = time.monotonic()
    for part in parts:
        figures |= measured(part)
    if not wanted:
        publish(figures, time.monotonic() - began)
    missed = [name for name in figures if name in ROWS and not met(figures[name], ROWS[name][1])]
    print(f"{len(missed)} missed: {', '.join(missed)}" if missed else "every target was met")
    return bool(missed)


def measured(part: Callable[[Path, Path], dict[str, float]]) -> dict[str, float]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        figures = part(folder, make_footage(folder / "footage"))
    print(f"{part.__name__}, {time.monotonic() - began:.0f} s: {rounded(figures)}", flush=True)
    return figures


def met(value: float, target: float | None) -> bool:
    return target is None or value <= target


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


def publish(figures: dict[str, float], took_s: float) -> None:
    conditions = {
        "date": date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "grpcio": version("grpcio"),
        "protobuf": version("protobuf"),
        "the whole measurement, s": round(took_s),
        "load of the last 5 minutes": round(os.getloadavg()[1], 1),
    }
    told = rounded(figures)
    FIGURES.write_text(json.dumps({"conditions": conditions, "figures": told}, indent=2) + "\n")
    table = ["| figure | measured | target: at most | met |", "|---|---|---|---|"]
    table += [row(what, told[name], target) for name, (what, target) in ROWS.items()]
    said = ", ".join(f"{name} {value}" for name, value in conditions.items())
    before, _, after = PAGE_FILE.read_text().split(MARKER)
    PAGE_FILE.write_text(MARKER.join([before, "\n" + "\n".join([*table, "", said]) + "\n", after]))


def row(what: str, value: float, target: float | None) -> str:
    if target is None:
        return f"| {what} | {value:g} | | |"
    return f"| {what} | {value:g} | {target:g} | {'yes' if met(value, target) else '**no**'} |"


if __name__ == "__main__":
    sys.exit(main())
