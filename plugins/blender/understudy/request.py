# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be made of which files, and how the server is told so. Knows nothing of bpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._api.errors import Unsupported
from ._api.sampling import sampling
from .quality import Making, Quality, making
from .ranges import ClipRange
from .server import served_model

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.v1 import job_pb2


USUAL_EDGES = {"grow_px": 9, "grow_hair_px": -1, "grow_clothes_px": -1, "soften_px": 2.0}
"""What the server does by itself; -1: as everywhere."""


class Mode(StrEnum):
    REPLACE = "replace"
    ANIMATE = "animate"


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """One more person of the clip, and the picture of who takes their place."""

    people: tuple[str, ...]  # their names: one, or one for each shot
    character: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRequest:
    """What is to be made of which files."""

    mode: Mode
    clip: Path
    frames: ClipRange
    character: Path
    people: tuple[str, ...] = ()  # whom the character follows; (): who takes up most of each shot
    roles: tuple[RoleChoice, ...] = ()  # further people, of Replace alone
    passes: Mapping[str, Path] = field(default_factory=dict)  # by the names of PassInputs
    edges: Mapping[str, float] = field(default_factory=dict)  # of Replace: by the names of MatteOptions
    prompt: str = ""  # empty: the model's own
    relight_strength: float = 1.0  # of Replace: how far the character takes the plate's light
    seed: int = 0
    quality: Quality = Quality.STANDARD
    steps: int = 0  # instead of those of the quality; 0: by the quality
    four_step_strength: float = 1.0  # where the quality makes four steps
    loras: Mapping[str, float] = field(default_factory=dict)  # strengths of the artist's own, by name
    title: str = ""
    folder: Path  # of this job's frames


def build_spec(
    client: Client, request: SwapRequest, say: Callable[[str], None] | None = None
) -> job_pb2.JobSpec:
    """Hands the files to the server and says what is to be made of them.

    Files that the server does not see are sent to it; *say* is told how far that is. Without *say* nothing is sent.

    Raises:
        UnderstudyError: a file cannot be used; the message names it.
    """
    from ._api.v1 import job_pb2, media_pb2, types_pb2

    def handed(path: Path, kind: Any = None) -> str:
        if say is None:
            return client.link(path, kind).name
        progress = _told(say, path.name)
        return client.hand_over(path, kind, progress=progress).name

    common: dict[str, Any] = {
        "clip": handed(request.clip, media_pb2.MEDIA_KIND_VIDEO),
        "character": handed(request.character, media_pb2.MEDIA_KIND_IMAGE),
        "range": types_pb2.FrameRange(start=request.frames.start, end=request.frames.end),
        "passes": job_pb2.PassInputs(**{name: handed(path) for name, path in request.passes.items()}),
        "pose": _pose(request.people),
        "sampling": _sampling(client, request),
    }
    if request.prompt:
        common["prompt"] = request.prompt
        if "prompts" not in client.info().features:
            raise Unsupported("This server knows no prompts. Update it, or leave the prompt out.")
    if request.mode is Mode.ANIMATE:
        return job_pb2.JobSpec(animate=job_pb2.AnimateSpec(**common))
    if request.relight_strength != 1.0:
        common["relight_strength"] = request.relight_strength
    if request.roles and "roles" not in client.info().features:
        raise Unsupported(
            "This server replaces one person at a time. Update it, or take the further characters away."
        )
    edges = {name: value for name, value in request.edges.items() if value != USUAL_EDGES[name]}
    matte = job_pb2.MatteOptions(**edges) if edges else None
    roles = [
        job_pb2.Role(
            character=handed(role.character, media_pb2.MEDIA_KIND_IMAGE), pose=_pose(role.people), matte=matte
        )
        for role in request.roles
    ]
    return job_pb2.JobSpec(replace=job_pb2.ReplaceSpec(**common, roles=roles, matte=matte))


def build_retake(job: str, span: ClipRange, seed: int, client: Client, say: object) -> job_pb2.JobSpec:
    """*span* of *job* once more, with another seed: the next one where *seed* is 0.

    Raises:
        UnderstudyError: the server does not know the job any more.
    """
    from ._api.v1 import job_pb2, types_pb2

    sampling = job_pb2.Sampling(seed=seed or client.job(job).plan.seed + 1)
    frames = types_pb2.FrameRange(start=span.start, end=span.end)
    return job_pb2.JobSpec(retake=job_pb2.RetakeSpec(job=job, span=frames, sampling=sampling))


def _pose(people: tuple[str, ...]) -> job_pb2.PoseOptions | None:
    from ._api.v1 import job_pb2

    return job_pb2.PoseOptions(person=job_pb2.PersonChoice(names=people)) if people else None


def _sampling(client: Client, request: SwapRequest) -> job_pb2.Sampling:
    made = Making()
    if request.quality is not Quality.STANDARD:
        model = served_model(client)
        made = making(
            request.quality, steps=model.steps, work_area_px=model.work_area_px, four_step=model.four_step
        )
    return sampling(
        client,
        made,
        seed=request.seed,
        steps=request.steps,
        four_step_strength=request.four_step_strength,
        loras=request.loras,
    )


def _told(say: Callable[[str], None], name: str) -> Callable[[int, int], None]:
    return lambda sent, whole: say(f"sending {name}, {100 * sent // max(whole, 1)} %")
