"""A job from the command line: handed in, followed to its end, its result named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from understudy_api.client import Client
from understudy_api.errors import AlreadyExists, JobCancelled, NotFound, ServerAway
from understudy_api.v1 import job_pb2

from . import estimates
from .asked import Handling, Swap
from .exits import Exit
from .launch import connect_or_start, stop_server
from .progress import show
from .specs import folders_of
from .voice import Voice, as_data, size_text
from .words import KEEP, codec_of, frame_range

KINDS = {
    job_pb2.OutputFile.KIND_DELIVERY: ("Result", "delivery"),
    job_pb2.OutputFile.KIND_MASTER: ("Lossless master", "master"),
    job_pb2.OutputFile.KIND_MANIFEST: ("Manifest", "manifest"),
    job_pb2.OutputFile.KIND_EXPORT: ("Export", "export"),
}

MakeSpec = Callable[[Client, Swap], job_pb2.JobSpec]


def perform(swap: Swap, make_spec: MakeSpec, asked: Handling, voice: Voice) -> None:
    """Hands the job in to a server, one that is started where none runs, and shows it."""
    _check_here(swap)
    client, started = connect_or_start(voice, shared=folders_of(swap))
    with client:
        try:
            hand_in(client, make_spec(client, swap), _display_name(swap), asked, voice, model=swap.model)
        finally:
            if asked.stop_after and started:
                end_server(voice)
    if started and not asked.stop_after:
        voice.say("The server goes on running; end it with: understudy serve --stop")


def hand_in(
    client: Client, spec: job_pb2.JobSpec, title: str, asked: Handling, voice: Voice, *, model: str = ""
) -> None:
    """Tells what the job will be and cost, makes it, shows it, says where the result is."""
    estimate = client.estimate(spec)
    if asked.estimate_only:
        estimates.say_whole(estimate, voice)
        return
    keep = KEEP[asked.keep] if asked.keep else job_pb2.KEEP_POLICY_UNSPECIFIED
    job = client.create_job(spec, title, priority=asked.priority, labels=asked.labels, keep=keep)
    voice.say(estimates.line(estimate))
    for warning in estimate.warnings:
        voice.warn(warning)
    notice = say_notice(client, model, voice)
    if asked.detach:
        _say_detached(job, voice, estimate)
    else:
        told = {"notice": notice, "estimate": as_data(estimate)}
        report(client, follow(client, job.name, voice), voice, **told)


def follow(client: Client, name: str, voice: Voice) -> job_pb2.Job:
    """Shows the job to its end. Ctrl-C cancels it, and waits until it has stopped."""
    try:
        return show(client, name, voice)
    except KeyboardInterrupt:
        voice.say(f"Cancelling {name}.", style="yellow")
        client.cancel(name)
        try:
            return client.wait(name)
        except JobCancelled as error:
            voice.fail(JobCancelled("Cancelled. Frames made so far are kept.", metadata=error.metadata))
            raise typer.Exit(Exit.INTERRUPTED) from None


def report(client: Client, job: job_pb2.Job, voice: Voice, **more: Any) -> None:
    """Says where the result is. *more* goes into the JSON."""
    outputs = []
    for file in sorted(job.outputs, key=lambda file: file.kind, reverse=True):
        title, kind = KINDS.get(file.kind, ("File", "other"))
        path = client.local_path(file.path) or file.path.relative_path
        outputs.append(
            {"kind": kind, "path": str(path), "size_bytes": file.size_bytes, "sha256": file.sha256}
        )
        voice.result(f"{path} ({size_text(file.size_bytes)})", title)
    voice.data({"job": as_data(job), "outputs": outputs, **more})


def end_server(voice: Voice, folder: Path | None = None) -> None:
    """Ends the server that a command has started. That it cannot is no reason to hide how the command went."""
    try:
        stop_server(folder)
    except ServerAway as error:
        voice.warn(error.message)


def say_notice(client: Client, model: str, voice: Voice) -> str:
    """Says the honest line about the model that makes a job, if there is one, and returns it."""
    for candidate in client.models():
        if candidate.notice and (candidate.name == model or (not model and candidate.is_default)):
            voice.warn(candidate.notice)
            return candidate.notice
    return ""


def _say_detached(job: job_pb2.Job, voice: Voice, estimate: job_pb2.EstimateJobResponse) -> None:
    voice.result(f"{job.name} is queued. Watch it with: understudy jobs watch {job.name}")
    voice.data({"job": as_data(job), "estimate": as_data(estimate)})


def _check_here(swap: Swap) -> None:
    """Refuses what can be seen without a server, before one is started."""
    codec_of(swap.output, swap.codec)
    if swap.frames is not None:
        frame_range(swap.frames, 0)
    files: list[tuple[str, Path | None]] = [("clip", swap.clip)]
    for character, passes in ((swap.character, swap.passes), *((r.character, r.passes) for r in swap.roles)):
        files += [("character", character), *passes.items()]
    for name, path in files:
        if path is not None and not path.expanduser().exists():
            message = f"There is no file {path} ({name}). Check the path."
            raise NotFound(message, reason="MEDIA_NOT_FOUND", metadata={"path": str(path), "field": name})
    output = swap.output.expanduser().absolute()
    folder = output.parent
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder} for the result. Make it first.", reason="OUTPUT_FOLDER")
    if output.exists() and not swap.overwrite:
        message = f"{output} is there already. Choose another name, or add --overwrite."
        raise AlreadyExists(message, reason="OUTPUT_EXISTS", metadata={"path": str(output)})


def _display_name(swap: Swap) -> str:
    files = (swap.character, *(role.character for role in swap.roles), swap.clip)
    return " ".join(path.stem for path in files if path)[:200]
