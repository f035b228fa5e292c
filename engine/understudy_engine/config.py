"""How an engine is loaded, and a request's options once nothing is left open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from .errors import RequestError
from .model.configs import ModelSpec
from .types import Sampling, Solver
from .weights.installed import Asked
from .weights.parts import Part

T = TypeVar("T")

MAX_STEPS = 100
MIN_WORK_AREA_PX = 64 * 64
MAX_WORK_AREA_PX = 1 << 22

FOUR_STEP = Sampling(steps=4, solver=Solver.EULER, guidance_scale=1.0)
"""What the four-step LoRA was distilled for; nothing else fits it."""
SETTLED = {"steps": "4 steps", "solver": "the Euler solver", "guidance_scale": "no guidance (scale 1)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    device: str = "cpu"
    threads: int | None = None  # CPU threads; None leaves torch's own choice
    weights: Asked = None  # a folder of safetensors, or "stand-in"; None = those that come with the model
    preview_every: int | None = (
        None  # steps between previews; 0 = none; None = 1, or 2 where they are decoded
    )
    nets_device: str | None = None  # of larger nets that find people; None = device
    passes: Path | None = (
        None  # a folder in which found passes are kept for the next job; None = they are not
    )
    loras: Mapping[Part, Path] = field(default_factory=dict)  # files elsewhere than among the weights
    contexts: Path | None = None  # a folder in which contexts of prompts are kept; None = they are not
    plan: str = (
        "auto"  # how the model fits into a GPU: memory_plans.AUTO, or a memory_plans.Precision to keep to
    )
    memory_bytes: int | None = None  # of the GPU's memory that may be used; None = what is free
    has_aside: bool | None = (
        None  # segments are read and finished beside the making; None = on a GPU, given memory
    )


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
    four_step: bool = False
    four_step_strength: float = 1.0


def resolve_sampling(asked: Sampling, spec: ModelSpec, loras: Collection[Part] = ()) -> ResolvedSampling:
    """Fills what was left open from *spec*, whose weights bring *loras*.

    Raises RequestError for a value out of its range, or one that contradicts another.
    """
    asked, defaults = in_four_steps(asked, loras), spec.sampling
    resolved = ResolvedSampling(
        steps=_given(asked.steps, defaults.steps),
        shift=_given(asked.shift, defaults.shift),
        solver=_given(asked.solver, defaults.solver),
        guidance_scale=_given(asked.guidance_scale, defaults.guidance_scale),
        guidance_frames=_given(asked.guidance_frames, defaults.guidance_frames),
        work_area_px=_given(asked.work_area_px, defaults.work_area_px),
        seed=asked.seed,
        four_step=asked.four_step,
        four_step_strength=_given(asked.four_step_strength, 1.0),
    )
    _check("Steps", resolved.steps, 1, MAX_STEPS)
    _check("Shift", resolved.shift, 0.1, 20)
    _check("Four-step strength", resolved.four_step_strength, 0.1, 2)
    _check("Guidance scale", resolved.guidance_scale, 1, 10)
    _check("Work area", resolved.work_area_px, MIN_WORK_AREA_PX, MAX_WORK_AREA_PX)
    if resolved.guidance_frames not in (1, 5):
        raise RequestError(f"Guidance frames must be 1 or 5, not {resolved.guidance_frames}.")
    if resolved.guidance_frames >= spec.segment_frames:
        return replace(resolved, guidance_frames=1)
    return resolved


def in_four_steps(asked: Sampling, loras: Collection[Part]) -> Sampling:
    """*asked*, with all that four steps settle if it asks for them.

    Raises RequestError if there is no such LoRA, something else was asked for as well, or only its strength was.
    """
    if not asked.four_step:
        if asked.four_step_strength is not None:
            raise RequestError(
                f"Four-step strength {asked.four_step_strength:g} was asked for, and four steps were not. "
                "Ask for both, or leave the strength out.",
                field="four_step_strength",
            )
        return asked
    if Part.FOUR_STEP_LORA not in loras:
        raise RequestError(
            "This model's weights bring no four-step LoRA, so it cannot make a segment in four steps. "
            "Leave four steps out."
        )
    for name, settled in SETTLED.items():
        if (given := getattr(asked, name)) not in (None, getattr(FOUR_STEP, name)):
            raise RequestError(
                f"Four steps means {settled}, and {name.replace('_', ' ')} {given} was asked for as well. "
                "Leave out one of the two."
            )
    return replace(
        asked, steps=FOUR_STEP.steps, solver=FOUR_STEP.solver, guidance_scale=FOUR_STEP.guidance_scale
    )


def refuse_prompt(prompt: str, spec: ModelSpec) -> None:
    """Raises RequestError for a prompt where *spec* has no text encoder."""
    if prompt and spec.text is None:
        raise RequestError(
            f"{spec.title} takes no prompt: it was trained without words. Leave the prompt out.",
            field="prompt",
        )


def _given(asked: T | None, default: T) -> T:
    return default if asked is None else asked


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RequestError(f"{name} must be between {low} and {high}, not {value}.")
