"""How an engine is loaded, and a request's options once nothing is left open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from .errors import RequestError
from .model.configs import ModelSpec
from .types import Sampling, Solver

T = TypeVar("T")

MAX_STEPS = 100
MIN_WORK_AREA_PX = 64 * 64
MAX_WORK_AREA_PX = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    device: str = "cpu"
    threads: int | None = None  # CPU threads; None leaves torch's own choice
    weights: Path | None = None  # folder of safetensors; None = the weights that come with the model
    preview_every: int = 2  # steps between previews; 0 = none


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSampling:
    """`Sampling` with the model's defaults filled in."""

    steps: int
    shift: float
    solver: Solver
    guidance_scale: float
    guidance_frames: int
    work_area_px: int
    seed: int


def resolve_sampling(asked: Sampling, spec: ModelSpec) -> ResolvedSampling:
    """Fills what was left open from *spec*; raises RequestError for a value out of its range."""
    defaults = spec.sampling
    resolved = ResolvedSampling(
        steps=_given(asked.steps, defaults.steps),
        shift=_given(asked.shift, defaults.shift),
        solver=_given(asked.solver, defaults.solver),
        guidance_scale=_given(asked.guidance_scale, defaults.guidance_scale),
        guidance_frames=_given(asked.guidance_frames, defaults.guidance_frames),
        work_area_px=_given(asked.work_area_px, defaults.work_area_px),
        seed=asked.seed,
    )
    _check("Steps", resolved.steps, 1, MAX_STEPS)
    _check("Shift", resolved.shift, 0.1, 20)
    _check("Guidance scale", resolved.guidance_scale, 1, 10)
    _check("Work area", resolved.work_area_px, MIN_WORK_AREA_PX, MAX_WORK_AREA_PX)
    if resolved.guidance_frames not in (1, 5):
        raise RequestError(f"Guidance frames must be 1 or 5, not {resolved.guidance_frames}.")
    if resolved.guidance_frames >= spec.segment_frames:
        return replace(resolved, guidance_frames=1)
    return resolved


def _given(asked: T | None, default: T) -> T:
    return default if asked is None else asked


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RequestError(f"{name} must be between {low} and {high}, not {value}.")
