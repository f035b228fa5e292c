"""understudy replace, understudy animate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from understudy_api.client import Client
from understudy_api.errors import AlreadyExists, InvalidRequest, JobCancelled, NotFound, ServerAway
from understudy_api.v1 import job_pb2

from . import estimates
from . import lora_options as lora_opt
from . import options as opt
from . import pose_options as pose_opt
from . import role_options as role_opt
from .exits import Exit, reported
from .launch import connect_or_start, stop_server
from .progress import show
from .specs import OF_REPLACE, animate_spec, find_passes, folders_of, replace_spec
from .voice import Voice, as_data, size_text

KINDS = {
    job_pb2.OutputFile.KIND_DELIVERY: ("Result", "delivery"),
    job_pb2.OutputFile.KIND_MASTER: ("Lossless master", "master"),
    job_pb2.OutputFile.KIND_MANIFEST: ("Manifest", "manifest"),
    job_pb2.OutputFile.KIND_EXPORT: ("Export", "export"),
}

MakeSpec = Callable[[Client, opt.Swap], job_pb2.JobSpec]


@reported
def replace(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="The plate: the clip with the person.")],
    output: opt.Output,
    character: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CHARACTER]", help="A picture of the character; or --role.", show_default=False
        ),
    ] = None,
    passes: opt.PassFolder = None,
    matte: opt.Matte = None,
    garbage: opt.Garbage = None,
    keep_plate: opt.KeepPlate = None,
    keypoints: opt.Keypoints = None,
    pose: opt.Pose = None,
    face: opt.Face = None,
    face_boxes: opt.FaceBoxes = None,
    face_clip: opt.FaceClip = None,
    corrections: pose_opt.Corrections = None,
    background: opt.Background = None,
    frames: opt.Frames = None,
    steps: opt.Steps = None,
    four_step: lora_opt.FourStep = None,
    four_step_strength: lora_opt.FourStepStrength = None,
    lora: lora_opt.Lora = None,
    seed: opt.Seed = None,
    solver: opt.Solver = None,
    guidance_frames: opt.GuidanceFrames = None,
    relight: opt.Relight = None,
    grow: opt.Grow = None,
    grow_hair: opt.GrowHair = None,
    grow_clothes: opt.GrowClothes = None,
    soften: opt.Soften = None,
    work_area: opt.WorkArea = None,
    person: pose_opt.Person = None,
    person_at: pose_opt.PersonAt = None,
    limb: pose_opt.Limb = None,
    steady_faces: pose_opt.SteadyFaces = False,
    reference_bgr: pose_opt.ReferenceBgr = False,
    role: role_opt.Role = None,
    role_passes: role_opt.RolePasses = None,
    in_front: role_opt.InFront = None,
    behind: role_opt.Behind = None,
    prompt: opt.Prompt = "",
    model: opt.ModelName = "",
    codec: opt.Codec = None,
    overwrite: opt.Overwrite = False,
    priority: opt.Priority = 0,
    label: opt.Label = None,
    keep: opt.Keep = None,
    estimate: opt.EstimateOnly = False,
    detach: opt.Detach = False,
    stop_server: opt.StopServer = False,
    as_json: opt.AsJson = False,
) -> None:
    """The character takes the place of the person in the clip, under the clip's light.

    Everything outside the matte stays as it is in the clip, to the bit. Passes that you do not bring are found in it.

        understudy replace plate.mov hero.png -o swapped.mp4
        understudy replace plate.mov hero.png -o swapped.mp4 --matte matte.mov --keypoints pose.json
        understudy replace plate.mov hero.png -o swapped.mov --passes process_results --range 10:50
        understudy replace plate.mov hero.png -o swapped.mov --person B --limb legs=1.1
        understudy replace plate.mov -o swapped.mov --role A=alice.png --role B=bob.png
    """
    named = role_opt.roles(role, role_passes, in_front, behind)
    first, others = role_opt.with_first(character, named, person or person_at)
    given = _passes(
        passes,
        keypoints=keypoints,
        pose=pose,
        face=face,
        face_boxes=face_boxes,
        face_clip=face_clip,
        matte=matte,
        garbage=garbage,
        keep=keep_plate,
        background=background,
        corrections=corrections,
    )
    following = pose_opt.pose_options(
        person=person, person_at=person_at, limb=limb, steady_faces=steady_faces, reference_bgr=reference_bgr
    )
    if first is None:
        assert character is not None  # with_first saw to it
        first = role_opt.AskedRole(person="", character=character, passes=given)
    else:
        first = dataclasses.replace(first, passes=first.passes | given)
        following = first.pose(following)
    swap = opt.Swap(
        clip=clip,
        character=first.character,
        output=output,
        passes=first.passes,
        frames=frames,
        steps=steps,
        four_step=four_step,
        four_step_strength=four_step_strength,
        loras=lora_opt.loras(lora),
        seed=seed,
        solver=solver,
        guidance_frames=guidance_frames,
        work_area_px=work_area,
        codec=codec,
        overwrite=overwrite,
        model=model,
        prompt=" ".join(prompt.split()),
        relight=relight,
        grow_px=grow,
        grow_hair_px=grow_hair,
        grow_clothes_px=grow_clothes,
        soften_px=soften,
        pose=following,
        depth=first.depth,
        roles=others,
    )
    asked = opt.Handling(
        detach=detach,
        estimate_only=estimate,
        stop_after=stop_server,
        priority=priority,
        labels=opt.labels(label),
        keep=keep,
    )
    perform(swap, replace_spec, asked, Voice(as_json=as_json))


@reported
def animate(
    media: Annotated[
        list[Path],
        typer.Argument(
            metavar="[CLIP] CHARACTER",
            help="The driving clip, and a picture of the character. The clip may be left out with --pose.",
        ),
    ],
    output: opt.Output,
    passes: opt.PassFolder = None,
    keypoints: opt.Keypoints = None,
    pose: opt.Pose = None,
    face: opt.Face = None,
    face_boxes: opt.FaceBoxes = None,
    face_clip: opt.FaceClip = None,
    corrections: pose_opt.Corrections = None,
    frames: opt.Frames = None,
    steps: opt.Steps = None,
    four_step: lora_opt.FourStep = None,
    four_step_strength: lora_opt.FourStepStrength = None,
    lora: lora_opt.Lora = None,
    seed: opt.Seed = None,
    solver: opt.Solver = None,
    guidance_frames: opt.GuidanceFrames = None,
    work_area: opt.WorkArea = None,
    person: pose_opt.Person = None,
    person_at: pose_opt.PersonAt = None,
    limb: pose_opt.Limb = None,
    proportions: pose_opt.Proportions = None,
    steady_faces: pose_opt.SteadyFaces = False,
    reference_bgr: pose_opt.ReferenceBgr = False,
    prompt: opt.Prompt = "",
    model: opt.ModelName = "",
    codec: opt.Codec = None,
    overwrite: opt.Overwrite = False,
    priority: opt.Priority = 0,
    label: opt.Label = None,
    keep: opt.Keep = None,
    estimate: opt.EstimateOnly = False,
    detach: opt.Detach = False,
    stop_server: opt.StopServer = False,
    as_json: opt.AsJson = False,
) -> None:
    """The picture performs the clip's motion and expression, and keeps its own background.

    understudy animate dance.mp4 hero.png -o hero_dances.mp4 --keypoints dance.json
    understudy animate hero.png -o hero_dances.mp4 --pose skeleton.mp4
    """
    if len(media) > 2:
        raise InvalidRequest(f"animate takes a clip and a picture; {len(media)} files were named.")
    given = _passes(
        passes,
        keypoints=keypoints,
        pose=pose,
        face=face,
        face_boxes=face_boxes,
        face_clip=face_clip,
        corrections=corrections,
    )
    swap = opt.Swap(
        clip=media[0] if len(media) == 2 else None,
        character=media[-1],
        output=output,
        passes={name: path for name, path in given.items() if name not in OF_REPLACE},
        frames=frames,
        steps=steps,
        four_step=four_step,
        four_step_strength=four_step_strength,
        loras=lora_opt.loras(lora),
        seed=seed,
        solver=solver,
        guidance_frames=guidance_frames,
        work_area_px=work_area,
        codec=codec,
        overwrite=overwrite,
        model=model,
        prompt=" ".join(prompt.split()),
        pose=pose_opt.pose_options(
            person=person,
            person_at=person_at,
            limb=limb,
            proportions=proportions,
            steady_faces=steady_faces,
            reference_bgr=reference_bgr,
        ),
    )
    asked = opt.Handling(
        detach=detach,
        estimate_only=estimate,
        stop_after=stop_server,
        priority=priority,
        labels=opt.labels(label),
        keep=keep,
    )
    perform(swap, animate_spec, asked, Voice(as_json=as_json))


def perform(swap: opt.Swap, make_spec: MakeSpec, asked: opt.Handling, voice: Voice) -> None:
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
    client: Client, spec: job_pb2.JobSpec, title: str, asked: opt.Handling, voice: Voice, *, model: str = ""
) -> None:
    """Tells what the job will be and cost, makes it, shows it, says where the result is."""
    estimate = client.estimate(spec)
    if asked.estimate_only:
        estimates.say_whole(estimate, voice)
        return
    keep = opt.KEEP[asked.keep] if asked.keep else job_pb2.KEEP_POLICY_UNSPECIFIED
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


def _passes(folder: Path | None, **named: Path | None) -> dict[str, Path]:
    """What is named wins over what the folder holds."""
    found = find_passes(folder) if folder else {}
    return found | {name: path for name, path in named.items() if path is not None}


def _check_here(swap: opt.Swap) -> None:
    """Refuses what can be seen without a server, before one is started."""
    opt.codec_of(swap.output, swap.codec)
    if swap.frames is not None:
        opt.frame_range(swap.frames, 0)
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


def _display_name(swap: opt.Swap) -> str:
    files = (swap.character, *(role.character for role in swap.roles), swap.clip)
    return " ".join(path.stem for path in files if path)[:200]
