"""understudy takes: list, compare, promote, retake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2, take_pb2

from . import lora_options as lora_opt
from . import options as opt
from .asked import Handling
from .exits import reported
from .jobs import Name, full_name
from .launch import connect
from .options import AsJson
from .running import hand_in
from .specs import delivery, sampling
from .tables import shot_table
from .voice import Voice, as_data
from .words import LAYERS, LayerName, frame_range, parsed_labels

app = typer.Typer(no_args_is_help=True, help="Every job is a take of a shot: compare, choose, redo a part.")


@app.command("list")
@reported
def list_takes(
    shot: Annotated[str, typer.Argument(help="Only this shot.", metavar="[SHOT]")] = "",
    limit: Annotated[int, typer.Option(help="At most so many shots, the newest first.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists shots with their takes, the newest shot first."""
    voice = Voice(as_json=as_json)
    wanted = f"shots/{shot}" if shot and not shot.startswith("shots/") else shot
    with connect() as client:
        found = [shot for shot, _ in zip(client.shots(wanted), range(limit), strict=False)]
    voice.data({"shots": [as_data(shot) for shot in found]})
    if not as_json:
        voice.out.print(shot_table(found) if found else "No takes.")


@app.command()
@reported
def compare(
    a: Name,
    b: Name,
    layer: opt.LayerOption = LayerName.RESULT,
    role: opt.LayerRole = 0,
    as_json: AsJson = False,
) -> None:
    """Tells how much two takes of a shot differ, frame by frame."""
    voice = Voice(as_json=as_json)
    with (
        connect() as client,
        client.compare(full_name(a), full_name(b), layer=LAYERS[layer], role=role) as differences,
    ):
        frames = list(differences)
    voice.data({"frames": [as_data(frame) for frame in frames]})
    for text in _spans(frames):
        voice.result(text)


@app.command()
@reported
def promote(name: Name, as_json: AsJson = False) -> None:
    """Makes a take its shot's chosen one."""
    voice = Voice(as_json=as_json)
    with connect() as client:
        job = client.promote(full_name(name))
    voice.data({"job": as_data(job)})
    voice.result(f"{job.name}, take {job.take}, is the chosen one of {job.shot}.")


@app.command()
@reported
def retake(
    name: Name,
    span: Annotated[
        str,
        typer.Argument(
            help="Frames to make again, counted from the take's first: 40:60.", metavar="FIRST:END"
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where the whole new take goes.", metavar="FILE")
    ] = None,
    blend: Annotated[
        int | None,
        typer.Option(help="Frames inside the span that go over into its end's neighbour.", min=0, max=16),
    ] = None,
    role: Annotated[
        list[int] | None,
        typer.Option(
            "--role",
            help="Of several: whom to make again, 0 is the first; may be given several times.",
            min=0,
        ),
    ] = None,
    steps: opt.Steps = None,
    four_step: lora_opt.FourStep = None,
    four_step_strength: lora_opt.FourStepStrength = None,
    lora: lora_opt.Lora = None,
    seed: opt.Seed = None,
    solver: opt.Solver = None,
    codec: opt.Codec = None,
    overwrite: opt.Overwrite = False,
    priority: opt.Priority = 0,
    label: opt.Label = None,
    keep: opt.Keep = None,
    estimate: opt.EstimateOnly = False,
    detach: opt.Detach = False,
    as_json: opt.AsJson = False,
) -> None:
    """Makes a span of a take again, and leaves every other frame as it is, to the bit.

    understudy takes retake jobs/3f… 40:60 --seed 7 -o shot12_take2.mov
    """
    start, end = frame_range(span, 0)
    if end <= start:
        raise InvalidRequest(
            f"The span {span} is empty. Write its first frame and the one behind its last: 40:60."
        )
    voice = Voice(as_json=as_json)
    asked = Handling(
        detach=detach, estimate_only=estimate, priority=priority, labels=parsed_labels(label), keep=keep
    )
    with connect() as client:
        changed = sampling(
            steps=steps,
            four_step=four_step,
            four_step_strength=four_step_strength,
            loras=lora_opt.loras(lora),
            seed=seed,
            solver=solver,
        )
        spec = job_pb2.RetakeSpec(job=full_name(name), sampling=changed, blend_frames=blend, roles=role)
        spec.span.start, spec.span.end = start, end
        if output is not None:
            spec.delivery.CopyFrom(delivery(client, output, codec, overwrite))
        title = f"{full_name(name)} {span}"
        hand_in(client, job_pb2.JobSpec(retake=spec), title, asked, voice)


def _spans(frames: list[take_pb2.CompareTakesResponse]) -> list[str]:
    """A line for each run of frames that are all the same, or all differ."""
    lines: list[str] = []
    start = 0
    for i in range(1, len(frames) + 1):
        if i == len(frames) or frames[i].identical != frames[start].identical:
            run = frames[start:i]
            where = f"frames {run[0].frame} to {run[-1].frame}"
            if run[0].identical:
                lines.append(f"{where}: identical")
            else:
                mean = sum(frame.mean_difference for frame in run) / len(run)
                largest = max(frame.max_difference for frame in run)
                lines.append(f"{where}: differ by {mean:.4f} on average, by {largest:.3f} at most (of 1)")
            start = i
    return lines
