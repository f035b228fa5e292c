"""understudy jobs: list, show, watch, steer, delete. understudy models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from understudy_api.client import Client
from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from . import options as opt
from .exits import reported
from .launch import connect
from .options import AsJson
from .progress import show as show_progress
from .progress import state_word
from .running import report
from .tables import job_table, show_live
from .voice import Voice, as_data
from .words import parsed_labels

app = typer.Typer(no_args_is_help=True, help="What the server is doing and has done.")

Name = Annotated[str, typer.Argument(help="As `understudy jobs list` shows it.", metavar="JOB")]

Names = Annotated[list[str], typer.Argument(help="As `understudy jobs list` shows them.", metavar="JOB...")]


@app.command("list")
@reported
def list_jobs(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only jobs in this state, for example running; may be given several times."),
    ] = None,
    label: opt.Label = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 50,
    live: Annotated[
        bool, typer.Option("--watch", help="Go on showing them as they change, until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lists jobs, the newest first."""
    voice = Voice(as_json=as_json)
    states, labels = [parse_state(word) for word in state or []], parsed_labels(label)
    if live and states:
        raise InvalidRequest("--watch shows jobs as their state changes. Leave out --state.")
    with connect() as client:
        if live:
            show_live(client, labels, voice)
        found = [job for job, _ in zip(client.jobs(states, labels=labels), range(limit), strict=False)]
    voice.data({"jobs": [as_data(job) for job in found]})
    if not as_json:
        voice.out.print(job_table(found) if found else "No jobs.")


@app.command()
@reported
def show(name: Name, as_json: AsJson = False) -> None:
    """Shows one job: its plan, how far it is, where its result is, or why it failed."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        job = client.job(full_name(name))
        _describe(job, voice)
        report(client, job, voice)


@app.command()
@reported
def watch(name: Name, as_json: AsJson = False) -> None:
    """Follows a job until it ends. Ctrl-C stops watching, not the job. --json gives a line for each event."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        job = show_progress(client, full_name(name), voice, each_as_json=True)
        if not as_json:
            report(client, job, voice)


@app.command()
@reported
def cancel(names: Names, as_json: AsJson = False) -> None:
    """Stops jobs within a step. Frames made so far are kept."""
    _each(names, Client.cancel, as_json)


@app.command()
@reported
def pause(names: Names, as_json: AsJson = False) -> None:
    """Stops jobs after their running step; `resume` has them go on there."""
    _each(names, Client.pause, as_json)


@app.command()
@reported
def resume(names: Names, as_json: AsJson = False) -> None:
    """Puts paused jobs back into the queue."""
    _each(names, Client.resume, as_json)


@app.command()
@reported
def retry(names: Names, as_json: AsJson = False) -> None:
    """Tries jobs again that failed or were cancelled. Segments that they stored are kept."""
    _each(names, Client.retry, as_json)


@app.command(context_settings={"ignore_unknown_options": True})  # -5 is a number here
@reported
def priority(
    name: Name,
    value: Annotated[int, typer.Argument(help="-100 to 100, higher first.", min=-100, max=100)],
    as_json: AsJson = False,
) -> None:
    """Moves a job ahead in the queue, or back."""
    _each([name], lambda client, job: client.update(job, priority=value), as_json)


@app.command()
@reported
def label(
    name: Name,
    labels: Annotated[
        list[str] | None,
        typer.Argument(help="All its labels from now on; none takes all away.", metavar="KEY=VALUE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Gives a job other labels."""
    found = parsed_labels(labels)
    _each([name], lambda client, job: client.update(job, labels=found), as_json)


@app.command()
@reported
def delete(names: Names, as_json: AsJson = False) -> None:
    """Forgets jobs that have ended, and deletes what the server keeps of them. Delivered files stay."""
    voice = Voice(as_json=as_json)
    deleted = []
    with connect() as client:
        for name in map(full_name, names):
            client.delete(name)
            deleted.append(name)
            voice.result(f"{name}: deleted")
    voice.data({"deleted": deleted})


def _each(names: list[str], change: Callable[[Client, str], job_pb2.Job], as_json: bool) -> None:
    """Steers one job after the other and says how each stands now."""
    voice = Voice(as_json=as_json)
    jobs = []
    with connect() as client:
        for name in map(full_name, names):
            job = change(client, name)
            jobs.append(job)
            voice.result(f"{job.name}: {state_word(job.state)}")
    voice.data({"job": as_data(jobs[0])} if len(jobs) == 1 else {"jobs": [as_data(job) for job in jobs]})


def full_name(name: str) -> str:
    """ "jobs/x" for "x" as well: artists copy either."""
    return name if name.startswith("jobs/") else f"jobs/{name}"


def parse_state(word: str) -> job_pb2.JobState.ValueType:
    known = {state_word(state): state for state in job_pb2.JobState.values() if state}
    if word.lower() not in known:
        raise InvalidRequest(f"'{word}' is no state of a job. States are: {', '.join(known)}.")
    return known[word.lower()]


def _describe(job: job_pb2.Job, voice: Voice) -> None:
    voice.result(f"{job.name}  {job.display_name}  {state_word(job.state)}  {job.progress.fraction:.0%}")
    if job.HasField("plan"):
        plan, size = job.plan, job.plan.result_size
        frames = plan.range.end - plan.range.start
        voice.result(f"{frames} frames, {size.width}x{size.height}, model {plan.model}, seed {plan.seed}")
    if job.priority or job.labels:
        words = " ".join(f"{key}={value}" for key, value in sorted(job.labels.items()))
        voice.result(f"priority {job.priority}  {words}".rstrip())
    if job.shot:
        chosen = ", the chosen one" if job.promoted else ""
        voice.result(f"take {job.take} of {job.shot}{chosen}")
    if job.pause_reason:
        wait = "there is room on the disk" if job.pause_reason == "DISK_FULL" else "`understudy jobs resume`"
        voice.warn(f"It is paused until {wait}.")
    for warning in job.warnings:
        voice.warn(warning)
    if job.HasField("error"):
        voice.say(job.error.message, style="red")
