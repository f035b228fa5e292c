"""understudy doctor --gpu: how the large model fits into this card, what to expect of it, and what runs fast here."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from understudy_engine.errors import EngineError
from understudy_engine.expected import Card, Rates, seconds_of_work, step_seconds
from understudy_engine.memory_plans import MemoryPlan, Work, choose
from understudy_engine.model.configs import WAN_ANIMATE_14B as MODEL
from understudy_engine.types import FrameSize

from .finding import Finding, Verdict
from .voice import size_text

if TYPE_CHECKING:
    import torch

SIZES = (FrameSize(832, 480), FrameSize(1280, 720))
TERA = 1e12
NEEDS = "The 14B model needs a CUDA card of 8 GB or more; nano runs well on the processor."


def examine_gpu() -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a broken driver can raise anything here
        yield Finding("PyTorch", Verdict.MISSING, f"cannot be loaded: {error}", "pip install torch")
        return
    if torch.version.hip:
        promised = "Understudy is made and measured for CUDA; ROCm may work and is not promised."
        yield Finding("ROCm", Verdict.NOTE, f"PyTorch for ROCm {torch.version.hip}", promised)
    if not torch.cuda.is_available():
        yield _none()
        return
    device = torch.device("cuda", 0)
    card = torch.cuda.get_device_properties(device)
    capability = f"{card.major}.{card.minor}"
    yield Finding("GPU", Verdict.FINE, f"{card.name}, {size_text(card.total_memory)}, CUDA {capability}")
    yield from _expectations(device)
    yield from _fast_paths(device)


def _none() -> Finding:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        promised = f"Apple's GPUs are not used: the 14B model on them is not promised. {NEEDS}"
        return Finding("GPU", Verdict.NOTE, "Apple's", promised)
    return Finding("GPU", Verdict.NOTE, "none that CUDA knows", NEEDS)


def _expectations(device: torch.device) -> Iterator[Finding]:
    import torch

    from understudy_engine.card import measured_card_of

    free, _ = torch.cuda.mem_get_info(device)
    yield Finding("Free", Verdict.FINE, f"{size_text(free)} of the card's memory")
    card = measured_card_of(device)
    if card.rates is None:
        advice = "Close other programs that use the card: it takes 1.5 GB of its memory for a second."
        yield Finding("Rates", Verdict.NOTE, "cannot be measured", advice)
    else:
        yield Finding("Rates", Verdict.FINE, f"{_said(card.rates)}, measured now")
    for size in SIZES:
        yield plan_finding(card, free, size)


def _said(rates: Rates) -> str:
    by_precision = (
        f"{rate / TERA:.0f} TFLOP/s in {each}, {rates.attention_flops_s[each] / TERA:.0f} in its attention"
        for each, rate in rates.matmul_flops_s.items()
    )
    return f"{', '.join(by_precision)}, {rates.link_bytes_s / 1e9:.1f} GB/s from the machine's memory"


def plan_finding(card: Card, free_bytes: int, size: FrameSize) -> Finding:
    """How a job at *size* fits in, and how long a second of it will take."""
    work, topic = Work(size=size, frames=MODEL.segment_frames), f"14B, {size.height}p"
    try:
        plan = choose(MODEL, work, free_bytes, precisions=card.precisions)
    except EngineError as error:
        return Finding(topic, Verdict.NOTE, "does not fit", error.message)
    return Finding(topic, Verdict.FINE, str(plan), _told(work, plan, card.rates) if card.rates else "")


def _told(work: Work, plan: MemoryPlan, rates: Rates) -> str:
    step = step_seconds(MODEL, work, plan, rates)
    steps = (MODEL.sampling.steps, 4)
    many, few = (seconds_of_work(MODEL, work, plan, rates, count) for count in steps)
    return (
        f"Expected, from these rates: {step:.1f} s a step; {many:.0f} s for a second of footage in {steps[0]} steps, "
        f"{few:.0f} s in {steps[1]}."
    )


def _fast_paths(device: torch.device) -> Iterator[Finding]:
    from understudy_engine import attention
    from understudy_engine.card import why_no_int8
    from understudy_engine.ops.fast import why_no_triton
    from understudy_engine.ops.product8 import way_on
    from understudy_engine.ops.rows_hopper import why_not as why_no_rows

    found = f"exact here, by {way_on(device)}"
    yield _path("Int8", why_no_int8(device), "The model is computed in bf16 on this card.", found)
    yield _path("Triton", why_no_triton(device), "Without it norms and sums go over memory more often.")
    yield _path("Norms and sums", why_no_rows(device), "They are Triton's, where that works, or torch's own.")
    for path in attention.told(device):
        yield _path(f"Attention: {path.backend}", path.why)


def _path(topic: str, why_not: str, without: str = "", found: str = "works") -> Finding:
    return Finding(topic, Verdict.NOTE, why_not, without) if why_not else Finding(topic, Verdict.FINE, found)
