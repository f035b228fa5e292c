"""How long a job will take on a card that has run none yet: from two rates of it that take a second to measure."""

from __future__ import annotations

from dataclasses import dataclass

from .footprint import step_flops
from .model.configs import ModelSpec
from .plans import MemoryPlan, Work, streamed_bytes

STEP_SHARE = 0.75  # of the rate of large matmuls: diffusers' compiled step on an H200, 11.32 s at 720p
VAE_SHARE = 0.19  # the same of its VAE: 1.48 PFLOP of two encodes and a decode of 77 frames in 9.0 s
VAE_FLOPS = 1.334e15 / (77 * 1280 * 720)  # a pixel and frame: encoded twice, decoded once
RATE = 30  # frames a second that the model learnt motion at


@dataclass(frozen=True, slots=True)
class Rates:
    matmul_flops_s: float  # of large ones in bfloat16
    link_bytes_s: float  # from pinned memory to the card


def step_seconds(spec: ModelSpec, work: Work, plan: MemoryPlan, rates: Rates) -> float:
    """A denoising step: arithmetic, or the copy of what is streamed meanwhile if that takes longer."""
    passes = 2 if work.guided else 1
    arithmetic = step_flops(spec, work.size, work.frames) / (STEP_SHARE * rates.matmul_flops_s)
    return passes * max(arithmetic, streamed_bytes(spec, plan) / rates.link_bytes_s)


def seconds_of_work(spec: ModelSpec, work: Work, plan: MemoryPlan, rates: Rates, steps: int) -> float:
    """For a second of footage."""
    pixels = work.frames * work.size.width * work.size.height
    vae = VAE_FLOPS * pixels / (VAE_SHARE * rates.matmul_flops_s)
    segment = steps * step_seconds(spec, work, plan, rates) + vae
    return segment * RATE / (work.frames - 1)
