"""How long a job will take on a card that has run none yet: from rates of it that take seconds to measure. No torch.

The shares are ours on an H200, from docs/benchmarks/speed_h200.json: a test gets the measured seconds back from them.
Of other cards only the rates are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .footprint import attention_flops, linear_flops
from .memory_plans import MemoryPlan, Precision, Work, streamed_bytes
from .model.configs import ModelSpec

LINEAR_SHARE = {Precision.BF16: 0.77, Precision.INT8: 0.70}
"""Of the rate of large matmuls in that precision: linear layers with norms, sums and all else but self-attention."""
VAE_SHARE = 0.466  # of that in bfloat16: 1.33 PFLOP of two encodes and a decode at 720p in 3.75 s
VAE_FLOPS = 1.334e15 / (77 * 1280 * 720)  # a pixel and frame: encoded twice, decoded once
RATE = 30  # frames a second that the model learnt motion at


@dataclass(frozen=True, slots=True)
class Rates:
    """What a card does in a second, each of many large ones in a row. By precision: what the blocks compute in."""

    matmul_flops_s: Mapping[Precision, float]
    attention_flops_s: Mapping[Precision, float]  # at the tokens of 480p
    link_bytes_s: float  # from pinned memory to the card

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Rates:
        matmul, attention = (
            {Precision(name): float(rate) for name, rate in data[field].items()}
            for field in ("matmul_flops_s", "attention_flops_s")
        )
        return cls(matmul, attention, data["link_bytes_s"])


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was found."""

    why_no_int8: str  # empty: int8 gave the exact numbers on it
    rates: Rates | None = None  # None: they could not be measured

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """What the model can be computed in."""
        return (Precision.BF16,) if self.why_no_int8 else (Precision.BF16, Precision.INT8)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Card:
        rates = data["rates"]
        return cls(data["why_no_int8"], None if rates is None else Rates.of_data(rates))


def step_seconds(spec: ModelSpec, work: Work, plan: MemoryPlan, rates: Rates) -> float:
    """A denoising step: arithmetic, or the copy of what is streamed meanwhile if that takes longer."""
    precision, passes = plan.precision, 2 if work.guided else 1
    linear_rate = LINEAR_SHARE[precision] * rates.matmul_flops_s[precision]
    arithmetic = (
        linear_flops(spec, work.size, work.frames) / linear_rate
        + attention_flops(spec, work.size, work.frames) / rates.attention_flops_s[precision]
    )
    return passes * max(arithmetic, streamed_bytes(spec, plan) / rates.link_bytes_s)


def vae_seconds(work: Work, rates: Rates) -> float:
    """What a segment encodes and decodes."""
    pixels = work.frames * work.size.width * work.size.height
    return VAE_FLOPS * pixels / (VAE_SHARE * rates.matmul_flops_s[Precision.BF16])


def segment_seconds(spec: ModelSpec, work: Work, plan: MemoryPlan, rates: Rates, steps: int) -> float:
    return steps * step_seconds(spec, work, plan, rates) + vae_seconds(work, rates)


def seconds_of_work(spec: ModelSpec, work: Work, plan: MemoryPlan, rates: Rates, steps: int) -> float:
    """For a second of footage."""
    return segment_seconds(spec, work, plan, rates, steps) * RATE / (work.frames - 1)


def seconds_of_segments(
    spec: ModelSpec, segments: Iterable[Work], plan: MemoryPlan, rates: Rates, steps: int
) -> float:
    """For a job of them, without what reading, finding people and writing take."""
    return sum(segment_seconds(spec, work, plan, rates, steps) for work in segments)
