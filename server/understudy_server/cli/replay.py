"""understudy replay: makes a result again from its manifest, and tells whether it is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import ParseDict

from understudy_api.client import Client
from understudy_api.errors import NotFound
from understudy_api.v1 import job_pb2, media_pb2

from ..convert import SOLVERS, roles_of
from ..manifest import BASE_TAKE, Input, Manifest, causes, frames_that_differ, read_manifest
from ..media.identity import digest_of, size_and_time
from ..words import input_words
from . import options as opt
from . import pose_options as pose_opt
from .exits import Exit, reported
from .jobs import full_name
from .launch import connect_or_start
from .options import AsJson
from .running import follow
from .voice import Voice

IMAGE = media_pb2.MEDIA_KIND_IMAGE
OTHER_OPTIONS = {"keep": "keep-plate"}  # than the input's own name


@reported
def replay(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="manifest.json of a result.")],
    clip: Annotated[Path | None, typer.Option(help="The clip.", metavar="FILE")] = None,
    character: Annotated[Path | None, typer.Option(help="The character's picture.", metavar="FILE")] = None,
    keypoints: opt.Keypoints = None,
    pose: opt.Pose = None,
    face: opt.Face = None,
    face_boxes: opt.FaceBoxes = None,
    face_clip: opt.FaceClip = None,
    matte: opt.Matte = None,
    garbage: opt.Garbage = None,
    keep_plate: opt.KeepPlate = None,
    background: opt.Background = None,
    corrections: pose_opt.Corrections = None,
    media: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder to look for the files in, by their content; may be given several times.",
            metavar="FOLDER",
        ),
    ] = None,
    base_take: Annotated[
        str, typer.Option("--base", help="Of a retake: the take it starts from.", metavar="JOB")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Makes a result again from its manifest, and tells whether the pixels are the same.

    Files that are not named are looked for in --media by their content; without it they are those that the server
    still knows. Exit code 0: the same pixels. 1: others, and what else differs.

        understudy replay manifest.json
        understudy replay manifest.json --media /shows/ab/shot_120
    """
    voice = Voice(as_json=as_json)
    before = read_manifest(_text(manifest), manifest.name)
    named = {
        "clip": clip,
        "character": character,
        "keypoints": keypoints,
        "pose": pose,
        "face": face,
        "face_boxes": face_boxes,
        "face_clip": face_clip,
        "matte": matte,
        "garbage": garbage,
        "keep": keep_plate,
        "background": background,
        "corrections": corrections,
    }
    files = find_files(before, named, media or [])
    client, _ = connect_or_start(voice, shared={path.absolute().parent for path in files.values()})
    with client:
        spec = spec_of(before, lambda one: _asset(client, one, files.get(one.role)), base_take)
        job = follow(client, client.create_job(spec, f"replay of {before.job}"[:200]).name, voice)
        after = read_manifest(client.manifest(job.name), f"the manifest of {job.name}")
    _tell(before, after, voice)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise NotFound(f"There is no manifest {path} that can be read. Check the path.") from None


def find_files(
    manifest: Manifest, named: Mapping[str, Path | None], folders: Iterable[Path]
) -> dict[str, Path]:
    """A file for each role: the one *named*, or one below *folders* with the same content.

    Raises:
        NotFound: a named file does not exist, or *folders* are given and none holds the content.
    """
    found = {}
    candidates = _by_size(folders)
    for one in manifest.inputs:
        path = named.get(one.role)
        if path is not None:
            if not path.exists():
                raise NotFound(f"There is no file {path} ({one.role}). Check the path.")
            found[one.role] = path
        elif candidates and one.role != BASE_TAKE:
            found[one.role] = _with_content(one, candidates.get(one.size_bytes, []))
    return found


def _by_size(folders: Iterable[Path]) -> dict[int, list[Path]]:
    sizes: dict[int, list[Path]] = {}
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))):
            sizes.setdefault(size_and_time(path)[0], []).append(path)
    return sizes


def _with_content(wanted: Input, candidates: Iterable[Path]) -> Path:
    for path in candidates:
        if digest_of(path) == wanted.sha256:
            return path
    raise NotFound(
        f"The {input_words(wanted.role)} '{wanted.name}' ({wanted.size_bytes} bytes, sha256 {wanted.sha256[:12]}) "
        f"is in none of the folders. {_by_option(wanted)}another folder with --media.",
        metadata={"role": wanted.role, "sha256": wanted.sha256},
    )


def _by_option(one: Input) -> str:
    """Files of further roles have no options of their own."""
    if "-" in one.role:
        return "Name "
    return f"Name it with --{OTHER_OPTIONS.get(one.role, one.role.replace('_', '-'))}, or "


def _asset(client: Client, one: Input, path: Path | None) -> str:
    """The name of the asset to use: of *path*, or the one that this server knows from then."""
    if path is not None:
        return client.hand_over(path, IMAGE if one.role.startswith("character") else None).name
    try:
        return client.media(one.asset).name
    except NotFound:
        raise NotFound(
            f"This server no longer knows the {input_words(one.role)} '{one.name}'. {_by_option(one)}the folder "
            "it lies in with --media.",
            metadata={"role": one.role, "sha256": one.sha256},
        ) from None


def spec_of(manifest: Manifest, asset: Callable[[Input], str], base_take: str = "") -> job_pb2.JobSpec:
    """The job of *manifest* with every setting as it was resolved, so that changed defaults change nothing."""
    spec = ParseDict(manifest.request, job_pb2.JobSpec(), ignore_unknown_fields=True)
    if spec.HasField("retake"):
        base = next(one.asset for one in manifest.inputs if one.role == BASE_TAKE)
        spec.retake.job = full_name(base_take) if base_take else base
        _resolve(spec.retake.sampling, manifest.settings, OF_RETAKES)
        return spec
    work = spec.replace if spec.HasField("replace") else spec.animate
    _resolve(work.sampling, manifest.settings, SAMPLING)
    work.range.start, work.range.end = manifest.frames
    for one in manifest.inputs:
        what, _, number = one.role.partition("-")  # "matte-1" is of the first further role
        role = roles_of(work)[int(number or 0)]
        holder = role if what in ("clip", "character") else role.passes
        setattr(holder, what, asset(one))
    return spec


OF_RETAKES = ("steps", "seed", "shift", "guidance_scale", "four_step", "four_step_strength")
SAMPLING = (*OF_RETAKES, "guidance_frames", "work_area_px")


def _resolve(sampling: job_pb2.Sampling, settings: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if settings.get(name) is not None:
            setattr(sampling, name, settings[name])
    for value, solver in SOLVERS.items():
        if solver is not None and solver == settings.get("solver"):
            sampling.solver = value


def _tell(before: Manifest, after: Manifest, voice: Voice) -> None:
    """Raises typer.Exit unless the pixels are the same."""
    differing = list(frames_that_differ(before, after))
    reasons = causes(before, after)
    voice.data(
        {
            "same": not differing,
            "job": after.job,
            "differing": [{"frames": frames, "layers": layers} for frames, layers in differing],
            "causes": reasons,
        }
    )
    if not differing:
        voice.result(f"{after.job} has the same pixels as {before.job}, in every layer and frame.", "Same")
    for frames, layers in differing:
        voice.result(f"frames {frames[0]} to {frames[1] - 1} in {', '.join(layers)}", "Different", "bold red")
    for reason in reasons:
        voice.warn(reason)
    if differing:
        if not reasons:
            voice.warn("Nothing that a manifest tells differs: the device does not compute alike twice.")
        raise typer.Exit(Exit.JOB_FAILED)
