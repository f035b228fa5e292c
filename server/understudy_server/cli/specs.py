"""Turns what an artist asks for into a job: links the files, fills the JobSpec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy_api.client import Client
from understudy_api.errors import InvalidRequest, NotFound
from understudy_api.v1 import job_pb2, media_pb2, types_pb2
from understudy_engine.preprocess.reference_folder import read_reference_folder

from .asked import Swap
from .words import CODECS, SOLVERS, CodecName, SolverName, codec_of, frame_range

if TYPE_CHECKING:
    from .role_options import AskedRole

OF_REPLACE = ("matte", "garbage", "keep", "background")
NAMES = ("keypoints", "pose", "face", "face_boxes", "corrections", "face_clip", *OF_REPLACE)


def find_passes(folder: Path) -> dict[str, Path]:
    """The passes in *folder* by the names of PassInputs' fields, told by their files' names.

    What the reference's own preprocessing writes (src_pose and so on) is understood too.

    Raises:
        NotFound: no such folder.
        InvalidRequest: none of its files is a pass.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}. Check --passes.", reason="MEDIA_NOT_FOUND")
    if reference := read_reference_folder(folder):
        return {name: path for name in NAMES if (path := getattr(reference.passes, name))}
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.stem in NAMES}
    if not found:
        wanted = ", ".join((*NAMES, "src_pose"))
        raise InvalidRequest(f"{folder} holds no pass. A pass is a file or folder named as one of: {wanted}.")
    return found


def folders_of(swap: Swap) -> list[Path]:
    """The folders that a server must share for *swap*, without those inside another."""
    paths = [swap.clip, swap.character, swap.output, *swap.passes.values()]
    for role in swap.roles:
        paths += [role.character, *role.passes.values()]
    folders = {path.expanduser().absolute().parent for path in paths if path is not None}
    return sorted(f for f in folders if not any(f != other and f.is_relative_to(other) for other in folders))


def replace_spec(client: Client, swap: Swap) -> job_pb2.JobSpec:
    clip = _link_clip(client, swap)
    spec = job_pb2.ReplaceSpec(
        clip=clip.name if clip else "",
        character=_link_character(client, swap.character),
        range=_range(swap, clip),
        passes=_link_passes(client, swap.passes),
        matte=_matte(swap),
        relight_strength=swap.relight,
        sampling=_sampling(swap),
        delivery=delivery(client, swap.output, swap.codec, swap.overwrite),
        model=swap.model,
        prompt=swap.prompt,
        pose=swap.pose,
        depth=swap.depth,
        roles=[_role(client, swap, role) for role in swap.roles],
    )
    return job_pb2.JobSpec(replace=spec)


def _role(client: Client, swap: Swap, role: AskedRole) -> job_pb2.Role:
    """What is asked for beside the person holds for all roles."""
    return job_pb2.Role(
        character=_link_character(client, role.character),
        passes=_link_passes(client, role.passes),
        pose=role.pose(swap.pose),
        matte=_matte(swap),
        depth=role.depth,
    )


def _matte(swap: Swap) -> job_pb2.MatteOptions:
    return job_pb2.MatteOptions(
        grow_px=swap.grow_px,
        grow_hair_px=swap.grow_hair_px,
        grow_clothes_px=swap.grow_clothes_px,
        soften_px=swap.soften_px,
    )


def animate_spec(client: Client, swap: Swap) -> job_pb2.JobSpec:
    clip = _link_clip(client, swap)
    spec = job_pb2.AnimateSpec(
        clip=clip.name if clip else "",
        character=_link_character(client, swap.character),
        range=_range(swap, clip),
        passes=_link_passes(client, swap.passes),
        sampling=_sampling(swap),
        delivery=delivery(client, swap.output, swap.codec, swap.overwrite),
        model=swap.model,
        prompt=swap.prompt,
        pose=swap.pose,
    )
    return job_pb2.JobSpec(animate=spec)


def _link_clip(client: Client, swap: Swap) -> media_pb2.MediaAsset | None:
    return client.hand_over(swap.clip) if swap.clip else None


def _link_character(client: Client, character: Path) -> str:
    return client.hand_over(character, media_pb2.MEDIA_KIND_IMAGE).name


def _link_passes(client: Client, passes: Mapping[str, Path]) -> job_pb2.PassInputs:
    return job_pb2.PassInputs(**{name: client.hand_over(path).name for name, path in passes.items()})


def _range(swap: Swap, clip: media_pb2.MediaAsset | None) -> types_pb2.FrameRange | None:
    if swap.frames is None:
        return None
    start, end = frame_range(swap.frames, clip.probe.frame_count if clip else 0)
    return types_pb2.FrameRange(start=start, end=end)


def _sampling(swap: Swap) -> job_pb2.Sampling:
    return sampling(
        steps=swap.steps,
        seed=swap.seed,
        solver=swap.solver,
        guidance_frames=swap.guidance_frames,
        work_area_px=swap.work_area_px,
        four_step=swap.four_step,
        four_step_strength=swap.four_step_strength,
        loras=swap.loras,
    )


def sampling(*, solver: SolverName | None, **given: Any) -> job_pb2.Sampling:
    """*given*: other fields of it, None where nothing was asked for."""
    return job_pb2.Sampling(solver=SOLVERS[solver] if solver else job_pb2.SOLVER_UNSPECIFIED, **given)


def delivery(client: Client, output: Path, codec: CodecName | None, overwrite: bool) -> job_pb2.Delivery:
    return job_pb2.Delivery(
        path=client.rooted(output, writable=True), codec=CODECS[codec_of(output, codec)], overwrite=overwrite
    )
