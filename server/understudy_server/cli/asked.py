"""What an artist asks for on the command line: a swap, and what is done about its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from understudy_api.v1 import job_pb2

from .words import CodecName, KeepName, SolverName

if TYPE_CHECKING:
    from .role_options import AskedRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """What an artist asks for, in files of this machine."""

    clip: Path | None
    character: Path
    output: Path
    passes: dict[str, Path]  # by the names of PassInputs' fields
    frames: str | None = None
    steps: int | None = None
    four_step: bool | None = None
    four_step_strength: float | None = None
    loras: Sequence[job_pb2.Lora] = ()
    seed: int | None = None
    solver: SolverName | None = None
    guidance_frames: int | None = None
    work_area_px: int | None = None
    codec: CodecName | None = None
    overwrite: bool = False
    model: str = ""
    prompt: str = ""
    relight: float | None = None  # of replace alone, as what follows
    grow_px: int | None = None
    grow_hair_px: int | None = None
    grow_clothes_px: int | None = None
    soften_px: float | None = None
    pose: job_pb2.PoseOptions | None = None
    depth: job_pb2.Depth.ValueType = job_pb2.DEPTH_UNSPECIFIED
    roles: Sequence[AskedRole] = ()  # further ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What is done about a job, rather than in it."""

    detach: bool = False
    estimate_only: bool = False
    stop_after: bool = False
    priority: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    keep: KeepName | None = None
