"""A server on a data folder of its own, started as the command line starts one, and jobs that are followed closely."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import understudy_server
from understudy_api.client import Client
from understudy_api.errors import ServerAway, UnderstudyError
from understudy_api.v1 import job_pb2
from understudy_server.cli.launch import start_server, stop_server

from . import record
from .watched import BOUND, RECORD, TINY

FACTORY = "scripts.job_bench.watched:load"
ROOT = Path(understudy_server.__file__).parents[2]
SUCCEEDED, CANCELLED = job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_CANCELLED
GOING_ON = (job_pb2.JOB_STATE_QUEUED, job_pb2.JOB_STATE_PREPARING, job_pb2.JOB_STATE_RUNNING)


@dataclass
class Followed:
    """A job, and when what was heard of it."""

    job: job_pb2.Job
    created: float
    at: dict[str, float] = field(default_factory=dict)  # seconds from its creation

    @property
    def facts(self) -> dict[str, Any]:
        error = self.job.error.message
        told = {
            "state": job_pb2.JobState.Name(self.job.state),
            "attempts": self.job.attempt,
            "heard_s": self.at,
        }
        return told | ({"error": error} if error else {})


class Trial:
    """One life of a server, and what its engines wrote down."""

    def __init__(self, home: Path, client: Client) -> None:
        self.home, self.client = home, client

    @property
    def lines(self) -> list[record.Line]:
        return record.lines(self.home / RECORD)

    def engine_pid(self) -> int:
        return int([line for line in self.lines if line["event"] == "begins"][-1]["pid"])

    def kill_engine(self) -> None:
        os.kill(self.engine_pid(), signal.SIGKILL)

    def wait_until_loaded(self, limit_s: float = 120) -> None:
        """Raises RuntimeError for an engine that does not come."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            told = {line["event"]: line for line in self.lines}
            if "failed" in told:
                raise RuntimeError(f"the engine does not load: {told['failed']['error']}")
            if "loaded" in told:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the engine is not loaded after {limit_s:.0f} s: {self.engine_log()}")

    def engine_log(self) -> str:
        """Its end."""
        log = self.home / "engine.log"
        return log.read_text("utf-8", "replace")[-3000:] if log.exists() else ""

    def bound_memory(self, segment: int, text: str, share: float) -> None:
        """From that stage on the engine's card has *share* of what the plan says."""
        (self.home / BOUND).write_text(json.dumps({"segment": segment, "text": text, "share": share}))

    def leave_all(self) -> None:
        """Cancels jobs of parts that took too long."""
        for job in self.client.jobs(GOING_ON):
            self.client.cancel(job.name)

    def create(self, spec: job_pb2.JobSpec, title: str) -> Followed:
        self.leave_all()
        created = time.monotonic()
        return Followed(self.client.create_job(spec, title), created)

    def follow(
        self, found: Followed, heard: Callable[[job_pb2.JobEvent], bool] = lambda _: False
    ) -> Followed:
        """To its end, or until *heard* says that this was enough; notes when what came first."""
        with self.client.watch(found.job.name, previews=True) as events:
            for event in events:
                self._note(found, event)
                if heard(event):
                    break
        found.job = self.client.job(found.job.name)
        return found

    def run(self, spec: job_pb2.JobSpec, title: str) -> Followed:
        return self.follow(self.create(spec, title))

    def last_runs(self, found: Followed) -> list[list[record.Line]]:
        """What the engine wrote down of the job that ran last: each of its attempts."""
        return record.attempts(self.lines)[-max(1, found.job.attempt) :]

    def _note(self, found: Followed, event: job_pb2.JobEvent) -> None:
        kind = str(event.WhichOneof("kind"))
        if kind == "state_changed":
            kind = job_pb2.JobState.Name(event.state_changed.state).removeprefix("JOB_STATE_").lower()
        elif kind == "segment_stored":
            kind = f"segment {event.segment_stored.index} stored"
        elif kind == "progress":
            kind = "first step" if event.progress.step else "first stage"
        found.at.setdefault(kind, round(time.monotonic() - found.created, 3))


@contextmanager
def trial(
    home: Path,
    model: Path,
    *,
    plan: str = "auto",
    tiny: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Trial]:
    """A server of the 14B model, whose folder is *model*; it ends with the block."""
    home.mkdir(parents=True, exist_ok=True)
    link = home / "models" / "wan2.2-animate-14b"
    link.parent.mkdir(exist_ok=True)
    if not link.exists():
        link.symlink_to(model)
    with serving(
        home, plan=plan, environment={**(environment or {}), **({TINY: "1"} if tiny else {})}
    ) as found:
        yield found


@contextmanager
def serving(
    home: Path, *, plan: str = "auto", environment: Mapping[str, str] | None = None
) -> Iterator[Trial]:
    """A server with the largest model of *home*; *environment* is added to its own."""
    (home / RECORD).unlink(missing_ok=True)
    with _added(environment or {}):
        start_server(home, [home.parent], ["--plan", plan, "--engine-factory", FACTORY])
    try:
        with Client.connect(folder=home) as client:
            found = Trial(home, client)
            yield found
            with suppress(UnderstudyError):
                found.leave_all()
    finally:
        with suppress(ServerAway):
            stop_server(home)


@contextmanager
def _added(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
