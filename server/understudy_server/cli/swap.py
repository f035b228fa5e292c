"""understudy replace, understudy animate."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from understudy_api.errors import InvalidRequest

from . import lora_options as lora_opt
from . import options as opt
from . import pose_options as pose_opt
from . import role_options as role_opt
from .asked import Handling, Swap
from .exits import reported
from .running import perform
from .specs import OF_REPLACE, animate_spec, find_passes, replace_spec
from .voice import Voice
from .words import parsed_labels


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
    swap = Swap(
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
    asked = Handling(
        detach=detach,
        estimate_only=estimate,
        stop_after=stop_server,
        priority=priority,
        labels=parsed_labels(label),
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
    swap = Swap(
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
    asked = Handling(
        detach=detach,
        estimate_only=estimate,
        stop_after=stop_server,
        priority=priority,
        labels=parsed_labels(label),
        keep=keep,
    )
    perform(swap, animate_spec, asked, Voice(as_json=as_json))


def _passes(folder: Path | None, **named: Path | None) -> dict[str, Path]:
    """What is named wins over what the folder holds."""
    found = find_passes(folder) if folder else {}
    return found | {name: path for name, path in named.items() if path is not None}
