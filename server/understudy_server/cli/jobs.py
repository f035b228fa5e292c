"""understudy jobs: list, show, watch, cancel. understudy models."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from .exits import reported
from .launch import connect
from .progress import show as show_progress
from .progress import state_word
from .swap import report
from .voice import Voice, as_data

app = typer.Typer(no_args_is_help=True, help="What the server is doing and has done.")

Name = Annotated[str, typer.Argument(help="As `understudy jobs list` shows it.", metavar="JOB")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]

STYLES = {
    job_pb2.JOB_STATE_SUCCEEDED: "green",
    job_pb2.JOB_STATE_FAILED: "red",
    job_pb2.JOB_STATE_CANCELLED: "yellow",
}


@app.command("list")
@reported
def list_jobs(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only jobs in this state, for example running; may be given several times."),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest first.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Lists jobs, the newest first."""
    voice = Voice(as_json=as_json)
    states = [parse_state(word) for word in state or []]
    with connect() as client:
        found = [job for job, _ in zip(client.jobs(states), range(limit), strict=False)]
    voice.data({"jobs": [as_data(job) for job in found]})
    if not as_json:
        voice.out.print(_table(found) if found else "No jobs.")


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
def cancel(name: Name, as_json: AsJson = False) -> None:
    """Stops a job within a step. Frames made so far are kept."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        job = client.cancel(full_name(name))
    voice.data({"job": as_data(job)})
    voice.result(f"{job.name}: {state_word(job.state)}")


@reported
def models(as_json: AsJson = False) -> None:
    """Lists the models, and which of them are installed."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        found = client.models()
    voice.data({"models": [as_data(model) for model in found]})
    table = Table("name", "", "installed", "parameters", "frames at once", box=None)
    for model in found:
        name = f"[bold]{model.name}[/] (default)" if model.is_default else model.name
        installed = "[green]yes[/]" if model.installed else "no"
        millions = f"{model.parameter_count / 1e6:,.0f} M"
        table.add_row(name, model.title, installed, millions, str(model.segment_frames))
    if not as_json:
        voice.out.print(table)
        for model in found:
            if model.notice:
                voice.warn(f"{model.name}: {model.notice}")


def full_name(name: str) -> str:
    """ "jobs/x" for "x" as well: artists copy either."""
    return name if name.startswith("jobs/") else f"jobs/{name}"


def parse_state(word: str) -> job_pb2.JobState.ValueType:
    known = {state_word(state): state for state in job_pb2.JobState.values() if state}
    if word.lower() not in known:
        raise InvalidRequest(f"'{word}' is no state of a job. States are: {', '.join(known)}.")
    return known[word.lower()]


def _table(jobs: list[job_pb2.Job]) -> Table:
    table = Table("job", "", "state", "done", "made", box=None)
    for job in jobs:
        state = f"[{STYLES.get(job.state, 'cyan')}]{state_word(job.state)}[/]"
        made = job.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
        table.add_row(job.name, Text(job.display_name), state, f"{job.progress.fraction:.0%}", f"{made} UTC")
    return table


def _describe(job: job_pb2.Job, voice: Voice) -> None:
    voice.result(f"{job.name}  {job.display_name}  {state_word(job.state)}  {job.progress.fraction:.0%}")
    if job.HasField("plan"):
        plan, size = job.plan, job.plan.result_size
        frames = plan.range.end - plan.range.start
        voice.result(f"{frames} frames, {size.width}x{size.height}, model {plan.model}, seed {plan.seed}")
    for warning in job.warnings:
        voice.warn(warning)
    if job.HasField("error"):
        voice.say(job.error.message, style="red")
