"""Measures the memory plans on a large card whose allocator is capped to the size of smaller ones.

    PYTHONPATH=engine python scripts/measure_fit.py --out DIR

The 14B model gets random weights, made on the card. For each size of card the plan that the formula chooses is run:
peak memory against the formula's, seconds a step against all blocks resident, and whether the numbers are the same.
Then, as asked: whether all plans of the precision give the same latents and pixels, how soon work can be left, and
whether memory grows from segment to segment. Needs torch and numpy alone. What was measured is written after each
plan, so that a run that is cut short has told what it knew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")  # as in the engine's process

import torch
from torch import Tensor

from understudy_engine.bench.random_model import random_segment, random_transformer, random_vae
from understudy_engine.fresh import refusals
from understudy_engine.memory_plans import (
    LEAST_SPAN_TOKENS,
    STRIPES,
    VAE_BYTES,
    MemoryPlan,
    Precision,
    Work,
    choose,
)
from understudy_engine.model.configs import WAN_ANIMATE_14B as SPEC
from understudy_engine.model.eight_bit import with_int8_linears
from understudy_engine.offload.fit import Fitting
from understudy_engine.offload.rates import measured
from understudy_engine.ops.conv import let_cudnn_choose_well
from understudy_engine.types import FrameSize

GIB = 1 << 30
CONTEXT_BYTES = 600 << 20  # what CUDA itself takes of a card, outside the allocator
FRAMES, FEW_FRAMES = 77, 5
DEVICE = torch.device("cuda", 0)
CPU = torch.device("cpu")
SIZES = {"720p": FrameSize(1280, 720), "480p": FrameSize(832, 480)}
VAE_DTYPES = {2: torch.float16, 4: torch.float32}
MIDWAY = 900  # of 1000: the timestep of what is compared
WISHES_S = {"encode": (0.2, 0.7), "steps": (0.15, 0.9, 1.43, 2.07), "decode": (0.3, 1.0)}


def main() -> None:
    asked = arguments()
    let_cudnn_choose_well()
    report = Report(asked.out / f"fit_{asked.size}_{asked.precision}.json", time.monotonic() + asked.seconds)
    report.facts.update(device=torch.cuda.get_device_name(DEVICE), torch=torch.__version__)
    if asked.rates:
        report.measure(rates)
    bench = Bench(report, asked.size, Precision(asked.precision), asked.steps)
    cards = [int(card) for card in asked.cards.split(",")]
    for card in cards:
        report.measure(partial(bench.card, card))
        if asked.cancel and card in (cards[0], cards[-1]):
            report.measure(bench.cancelled)
        if asked.equal and card == cards[0]:
            for way in bench.ways():
                report.measure(partial(bench.equal_latents, *way))
            for stripes in STRIPES:
                report.measure(partial(bench.equal_pixels, stripes))
    if asked.segments:
        report.measure(bench.segments)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--size", default="720p", choices=list(SIZES))
    parser.add_argument("--precision", default="bf16", choices=list(Precision))
    parser.add_argument("--cards", default="80,48,24,16,12,8", help="GiB of each card, the largest first")
    parser.add_argument(
        "--steps", type=int, default=1, help="of each plan; the quickest but the first counts"
    )
    parser.add_argument("--seconds", type=float, default=500, help="begin nothing new after that long")
    parser.add_argument("--rates", action="store_true", help="also the card's rates")
    parser.add_argument("--equal", action="store_true", help="also all ways to the same latents and pixels")
    parser.add_argument(
        "--cancel", action="store_true", help="also how soon the first and last plan are left"
    )
    parser.add_argument("--segments", action="store_true", help="also three segments with the last plan")
    return parser.parse_args()


def rates() -> dict[str, Any]:
    known = measured(DEVICE, tuple(Precision)[1:])
    tera = {str(name): round(rate / 1e12) for name, rate in known.matmul_flops_s.items()}
    return {"host_to_card_gb_s": gb(known.link_bytes_s), "matmul_tflops": tera}


class Report:
    """What is known, on disk after each measurement."""

    def __init__(self, path: Path, deadline: float) -> None:
        self.facts: dict[str, Any] = {"rows": []}
        self._path, self._deadline = path, deadline

    def measure(self, work: Callable[[], dict[str, Any]]) -> None:
        if time.monotonic() > self._deadline:
            return
        try:
            row = work()
        except Exception as error:  # the other plans are still worth measuring
            row = {"error": f"{type(error).__name__}: {error}"[:600]}
        print(json.dumps(row), flush=True)
        self.facts["rows"].append(row)
        self._path.write_text(json.dumps(self.facts, indent=1))


class Made(NamedTuple):
    """What a segment came to, on the host."""

    known: Tensor  # latents that were encoded
    velocity: Tensor
    frames: Tensor  # in [-1, 1]


class Bench:
    """The 14B model, fitted into smaller and smaller cards."""

    def __init__(self, report: Report, size: str, precision: Precision, steps: int) -> None:
        began = time.monotonic()
        self.size, self.precision, self.steps = size, precision, steps
        self.first: dict[str, Any] = {}  # what others are held against
        self.transformer = random_transformer(SPEC, torch.bfloat16, DEVICE)
        if precision is Precision.INT8:
            with_int8_linears(self.transformer)
        self.vae = random_vae(SPEC, VAE_DTYPES[VAE_BYTES], DEVICE)
        whole = MemoryPlan(precision=precision, blocks=SPEC.transformer.layers)
        self.fitting = Fitting(self.transformer, self.vae, None, DEVICE, whole)
        width, height = SIZES[size]
        self.latent, self.given = random_segment(SPEC, FRAMES, SIZES[size], DEVICE)
        self.given["faces"] = self.given["faces"].cpu()  # where a shot's are
        self.video = torch.rand(1, 3, FRAMES, height, width, generator=seeded(0)) * 2 - 1
        self.warm_up()
        torch.cuda.empty_cache()
        report.facts["made_s"] = round(time.monotonic() - began, 1)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Kernels are compiled when they are first called: here for a few frames."""
        latent, given = random_segment(SPEC, FEW_FRAMES, SIZES[self.size], DEVICE)
        with self.fitting.on(self.transformer):
            self.transformer(latent, torch.tensor([MIDWAY], device=DEVICE), self.transformer.prepare(**given))

    def card(self, gigabytes: int) -> dict[str, Any]:
        """A whole segment with the plan for a card of so many GiB."""
        budget, work = gigabytes * GIB - CONTEXT_BYTES, Work(size=SIZES[self.size], frames=FRAMES)
        plan = choose(SPEC, work, budget, asked=self.precision, precisions=tuple(Precision))
        row: dict[str, Any] = {"card_gib": gigabytes, "size": self.size, "plan": str(plan)}
        row |= {"span_tokens": plan.span_tokens, "stripes": plan.vae_stripes}
        with timed(row, "arranged_s"):
            self.fitting.arrange(plan)
        refused = refusals(DEVICE)
        with capped(budget):
            made = self.segment(row, self.steps)
        row["refused"] = refusals(DEVICE) - refused
        # the image encoder is not here: the figure counts it where it stays on the card
        predicted = plan.peak_bytes - (0 if plan.has_visitors else 611_088_640 * 2)
        row |= {"predicted_gb": gb(predicted), "off_percent": percent(row["peak_gb"], predicted / 1e9)}
        first_s, first = self.first.setdefault("card", (row["step_s"], made))
        return row | {"slower_percent": percent(row["step_s"], first_s)} | differences(made, first)

    def segment(self, row: dict[str, Any], steps: int) -> Made:
        """Encode, prepare, steps, decode; seconds and peaks of each."""
        with timed(row, "encode_s", "encode_peak_gb"):
            known = self.encode()
        velocity = self.denoised(row, steps)
        with timed(row, "decode_s", "decode_peak_gb"):
            frames = self.decode(known)
        row["peak_gb"] = max(row["encode_peak_gb"], row["denoise_peak_gb"], row["decode_peak_gb"])
        row["reserved_gb"] = gb(torch.cuda.max_memory_reserved())
        return Made(known.cpu(), velocity.cpu(), frames)

    @torch.inference_mode()
    def encode(self) -> Tensor:
        with self.fitting.on(self.vae):
            return self.vae.encode(self.video)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        with self.fitting.on(self.vae):
            return self.vae.decode(latents, CPU)

    @torch.inference_mode()
    def denoised(self, row: dict[str, Any], steps: int) -> Tensor:
        """The last step's velocity."""
        net, seconds = self.transformer, []
        with timed(row, "denoise_s", "denoise_peak_gb"), self.fitting.on(net):
            with timed(row, "prepare_s"):
                inputs = net.prepare(**self.given)
            for _ in range(steps):
                torch.cuda.synchronize()
                began = time.monotonic()
                velocity: Tensor = net(self.latent, torch.tensor([MIDWAY], device=DEVICE), inputs)
                torch.cuda.synchronize()
                seconds.append(time.monotonic() - began)
        row["steps_s"] = [round(each, 3) for each in seconds]
        row["step_s"] = round(min(seconds[1:] or seconds), 3)
        return velocity

    def ways(self) -> list[tuple[str, MemoryPlan]]:
        """All that a step's plans differ in, each nearer to the smallest. What is on the host stays there."""
        whole = MemoryPlan(precision=self.precision, blocks=SPEC.transformer.layers)
        others = [replace(whole, span_tokens=span) for span in (LEAST_SPAN_TOKENS, None)]
        lean = replace(whole, streams_keys=True, has_visitors=True, keeps_base=False)
        streamed = [replace(lean, streamed_blocks=count) for count in (7, whole.blocks)]
        least = replace(streamed[-1], span_tokens=LEAST_SPAN_TOKENS)
        ways = [whole, whole, *others, lean, *streamed, least]
        return [(told(way), way) for way in ways]

    def equal_latents(self, name: str, way: MemoryPlan) -> dict[str, Any]:
        """A step's velocity against that of the first way. The second is the first again."""
        self.fitting.arrange(way)
        row: dict[str, Any] = {"way": name}
        velocity = self.denoised(row, steps=1).cpu()
        first = self.first.setdefault("velocity", velocity)
        return row | {"finite": bool(velocity.isfinite().all())} | off("velocity", velocity, first)

    def equal_pixels(self, stripes: int) -> dict[str, Any]:
        """What is encoded and decoded, from the same inputs, against whole frames."""
        row: dict[str, Any] = {"way": f"{stripes} stripes"}
        before, self.vae.stripes = self.vae.stripes, stripes
        with timed(row, "encode_s", "encode_peak_gb"):
            known = self.encode()
        latents = self.first.setdefault("latents", known)
        with timed(row, "decode_s", "decode_peak_gb"):
            frames = self.decode(latents)
        self.vae.stripes = before
        first = self.first.setdefault("vae", Made(known.cpu(), known.cpu(), frames))
        return row | off("latents", known.cpu(), first.known) | pixels_off(frames, first.frames)

    def cancelled(self) -> dict[str, Any]:
        """Milliseconds from the moment when somebody wants no more until the card stands still, by kind of work."""
        latents = torch.randn(self.given["pose_latents"].shape, generator=seeded(2)).to(DEVICE)
        kinds: dict[str, Callable[[], object]] = {
            "encode": self.encode,
            "steps": lambda: self.denoised({}, steps=1),
            "decode": lambda: self.decode(latents),
        }
        row: dict[str, Any] = {"plan": str(self.fitting.plan), "size": self.size}
        for kind, work in kinds.items():
            row[f"{kind}_left_after_ms"] = [self.left_after(work, wish_s) for wish_s in WISHES_S[kind]]
        return row

    def left_after(self, work: Callable[[], object], wish_s: float) -> int | None:
        """None where the work was done before the wish came."""
        stop = time.monotonic() + wish_s

        def ask() -> None:
            if time.monotonic() > stop:
                raise InterruptedError

        self.fitting.ask = ask
        try:
            work()
        except InterruptedError:
            torch.cuda.synchronize()
            return round(1000 * (time.monotonic() - stop))
        finally:
            self.fitting.ask = lambda: None
        return None

    def segments(self) -> dict[str, Any]:
        """Peak and standing memory after each of a few segments of one step."""
        peaks, standing = [], []
        for _ in range(3):
            row: dict[str, Any] = {}
            self.segment(row, steps=1)
            peaks.append(row["peak_gb"])
            standing.append(gb(torch.cuda.memory_allocated()))
        return {"segments_peak_gb": peaks, "segments_standing_gb": standing, "plan": str(self.fitting.plan)}


def told(way: MemoryPlan) -> str:
    where = f"{way.streamed_blocks} blocks streamed, keys {'streamed' if way.streams_keys else 'there'}"
    return f"{where}, spans of {way.span_tokens or 'all'} tokens"


def differences(made: Made, first: Made) -> dict[str, Any]:
    return (
        off("encoded", made.known, first.known)
        | off("velocity", made.velocity, first.velocity)
        | pixels_off(made.frames, first.frames)
        | {"finite": bool(made.velocity.isfinite().all() and made.frames.isfinite().all())}
    )


def off(name: str, made: Tensor, first: Tensor) -> dict[str, Any]:
    digest = hashlib.blake2b(numbers(made[..., ::8]), digest_size=4)  # to hold any rows against each other
    made, first = made.to(DEVICE), first.to(DEVICE)  # which compares them sooner
    return {
        f"{name}_digest": digest.hexdigest(),
        f"{name}_same": bool(torch.equal(made, first)),
        f"{name}_most_off": (made - first).abs().max().item(),
        f"{name}_usual": first.abs().mean().item(),
    }


def pixels_off(frames: Tensor, first: Tensor) -> dict[str, Any]:
    """Of frames in [-1, 1], and of the bytes that they become."""
    bytes_off = (as_bytes(frames.to(DEVICE)).int() - as_bytes(first.to(DEVICE)).int()).abs()
    return off("frames", frames, first) | {
        "other_bytes_percent": 100 * (bytes_off > 0).float().mean().item(),
        "bytes_most_off": int(bytes_off.max()),
    }


def numbers(tensor: Tensor) -> bytes:
    return tensor.contiguous().numpy().tobytes()


def as_bytes(frames: Tensor) -> Tensor:
    return frames.clamp(-1, 1).add(1).mul(127.5).round().byte()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@contextmanager
def capped(size_bytes: int) -> Iterator[None]:
    """The allocator gets no more than so much of the card."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(DEVICE).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, size_bytes / total), DEVICE)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, DEVICE)


@contextmanager
def timed(row: dict[str, Any], seconds: str, peak: str = "") -> Iterator[None]:
    torch.cuda.synchronize()
    if peak:
        torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    yield
    torch.cuda.synchronize()
    row[seconds] = round(time.monotonic() - began, 3)
    if peak:
        row[peak] = gb(torch.cuda.max_memory_allocated())


def gb(size_bytes: float) -> float:
    return round(size_bytes / 1e9, 3)


def percent(measured: float, expected: float) -> float:
    return round(100 * (measured / expected - 1), 1)


if __name__ == "__main__":
    main()
