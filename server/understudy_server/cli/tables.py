"""Tables of jobs, shots and files for people, still or live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.live import Live
from rich.table import Table
from rich.text import Text

from understudy_api.client import Client
from understudy_api.following import ENDED, summary
from understudy_api.v1 import job_pb2, media_pb2, take_pb2

from .progress import detail, state_word
from .voice import Voice, as_data, size_text

STYLES = {
    job_pb2.JOB_STATE_SUCCEEDED: "green",
    job_pb2.JOB_STATE_FAILED: "red",
    job_pb2.JOB_STATE_CANCELLED: "yellow",
    job_pb2.JOB_STATE_PAUSED: "yellow",
}
ENDED_SHOWN = 10  # jobs that have ended stay in a live table until so many newer ones have


def state_text(state: job_pb2.JobState.ValueType) -> Text:
    return Text(state_word(state), style=STYLES.get(state, "cyan"))


def labels_text(labels: Mapping[str, str]) -> Text:
    return Text(" ".join(f"{key}={value}" for key, value in sorted(labels.items())), style="dim")


def job_table(jobs: Iterable[job_pb2.Job]) -> Table:
    table = Table("job", "", "state", "done", "priority", "labels", "made", box=None)
    for job in jobs:
        made = job.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
        table.add_row(
            job.name,
            Text(job.display_name),
            state_text(job.state),
            f"{job.progress.fraction:.0%}",
            str(job.priority),
            labels_text(job.labels),
            f"{made} UTC",
        )
    return table


def live_table(jobs: Iterable[job_pb2.JobSummary]) -> Table:
    table = Table("job", "", "state", "done", "", "priority", "labels", box=None)
    for job in jobs:
        doing = "" if job.state in ENDED else f"{job.progress.stage}  {detail(job.progress)}".strip()
        table.add_row(
            job.name,
            Text(job.display_name),
            state_text(job.state),
            f"{job.progress.fraction:.0%}",
            doing,
            str(job.priority),
            labels_text(job.labels),
        )
    return table


def show_live(client: Client, labels: Mapping[str, str], voice: Voice) -> None:
    """All jobs as they change, until Ctrl-C: a live table, or with --json a line for each change."""
    known: dict[str, job_pb2.JobSummary] = {}
    for job in client.jobs(labels=labels):
        if len(known) == ENDED_SHOWN:
            break
        known[job.name] = summary(job)
    known = dict(reversed(known.items()))
    quiet = voice.as_json or not voice.out.is_terminal
    with (
        Live(console=voice.out, auto_refresh=False, screen=False) as live,
        client.watch_all(labels) as changes,
    ):
        for change in changes:
            before = known.get(change.job.name)
            known.pop(change.deleted, None)
            if change.HasField("job"):
                known[change.job.name] = change.job
            _drop_ended(known)
            voice.data(as_data(change))
            if not quiet:
                live.update(live_table(known.values()), refresh=True)
            elif before is None or before.state != change.job.state:
                voice.result(_line(change))


def _drop_ended(known: dict[str, job_pb2.JobSummary]) -> None:
    ended = [name for name, job in known.items() if job.state in ENDED]
    for name in ended[:-ENDED_SHOWN]:
        del known[name]


def _line(change: job_pb2.WatchJobsResponse) -> str:
    if change.HasField("job"):
        return f"{change.job.name}  {change.job.display_name}  {state_word(change.job.state)}"
    return f"{change.deleted}  deleted"


def shot_table(shots: Iterable[take_pb2.Shot]) -> Table:
    table = Table("shot", "take", "job", "", "state", "made", box=None)
    for shot in shots:
        first = f"{shot.name}  {shot.range.start}:{shot.range.end}"
        for take in shot.takes:
            chosen = "[bold green]chosen[/]" if take.promoted else ""
            made = take.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M")
            table.add_row(first, str(take.take), take.name, chosen, state_text(take.state), f"{made} UTC")
            first = ""
    return table


def media_table(assets: Iterable[media_pb2.MediaAsset]) -> Table:
    table = Table("media", "file", "kind", "size", "frames", "", box=None)
    for asset in assets:
        found = asset.probe
        pixels = f"{found.size.width}x{found.size.height}" if found.HasField("size") else ""
        table.add_row(
            asset.name,
            Text(asset.display_name),
            kind_word(asset.kind),
            size_text(asset.size_bytes),
            str(found.frame_count) if found.frame_count > 1 else "",
            pixels,
        )
    return table


def kind_word(kind: media_pb2.MediaKind.ValueType) -> str:
    return media_pb2.MediaKind.Name(kind).removeprefix("MEDIA_KIND_").lower().replace("_", " ")
