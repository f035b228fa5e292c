"""Measures the memory plans on a large card whose allocator is capped to the size of smaller ones.

    PYTHONPATH=engine python scripts/measure_fit.py --out DIR

The 14B model gets random weights, made on the card. For each size of card the plan that the formula chooses is run:
peak memory against the formula's, seconds a step against all blocks resident, whether the numbers are the same, how
soon a step can be cancelled, and whether memory grows from segment to segment. Needs torch and numpy alone. What was
measured is written after each plan, so that a run that is cut short has told what it knew.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")  # as in the engine's process

import torch
from torch import Tensor

from understudy_engine.model.configs import WAN_ANIMATE_14B as SPEC
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.model.vae import WanVae
from understudy_engine.offload.fit import Fitting
from understudy_engine.offload.rates import measured
from understudy_engine.ops.conv import let_cudnn_choose_well
from understudy_engine.plans import VAE_BYTES, MemoryPlan, Precision, Work, choose
from understudy_engine.types import FrameSize

GIB = 1 << 30
CONTEXT_BYTES = 600 << 20  # what CUDA itself takes of a card, outside the allocator
FRAMES = 77
DEVICE = torch.device("cuda", 0)
SIZES = {"720p": FrameSize(1280, 720), "480p": FrameSize(832, 480)}


def main() -> None:
    asked = arguments()
    let_cudnn_choose_well()
    report = Report(asked.out / f"fit_{asked.size}_{asked.precision}.json", time.monotonic() + asked.seconds)
    report.facts.update(device=torch.cuda.get_device_name(DEVICE), torch=torch.__version__)
    rates = measured(DEVICE, [Precision.BF16])
    matmul_tflops = rates.matmul_flops_s[Precision.BF16] / 1e12
    report.facts.update(host_to_card_gb_s=gb(rates.link_bytes_s), matmul_tflops=matmul_tflops)
    bench = Bench(report, asked.size, Precision(asked.precision), asked.steps)
    for number, gigabytes in enumerate(map(int, asked.cards.split(","))):
        report.measure(partial(bench.card, gigabytes))
        if asked.spans and not number:
            report.measure(bench.spans)
        if asked.vae and not number:
            report.measure(bench.vae_ways)
    report.measure(bench.cancelled)
    report.measure(bench.segments)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--size", default="720p", choices=list(SIZES))
    parser.add_argument("--precision", default="bf16", choices=list(Precision))
    parser.add_argument("--cards", default="80,48,24,16,12,8", help="GiB of each card, the largest first")
    parser.add_argument(
        "--steps", type=int, default=3, help="of each plan; the quickest but the first counts"
    )
    parser.add_argument("--seconds", type=float, default=500, help="begin nothing new after that long")
    parser.add_argument("--vae", action="store_true", help="also the VAE's ways, with the first card's plan")
    parser.add_argument(
        "--spans", action="store_true", help="also what spans cost, with the first card's plan"
    )
    return parser.parse_args()


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


class Bench:
    """The 14B model, fitted into smaller and smaller cards."""

    def __init__(self, report: Report, size: str, precision: Precision, steps: int) -> None:
        began = time.monotonic()
        self.size, self.precision, self.steps = size, precision, steps
        self.resident: dict[str, tuple[float, Tensor]] = {}
        self.transformer = random_transformer(precision)
        self.vae = WanVae(SPEC.vae).to(DEVICE, {2: torch.float16, 4: torch.float32}[VAE_BYTES])
        whole = MemoryPlan(precision=precision, blocks=SPEC.transformer.layers)
        self.vae.eval().requires_grad_(False)
        self.fitting = Fitting(self.transformer, self.vae, None, DEVICE, whole)
        report.facts["made_s"] = round(time.monotonic() - began, 1)

    @property
    def work(self) -> Work:
        return Work(size=SIZES[self.size], frames=FRAMES)

    def card(self, gigabytes: int) -> dict[str, Any]:
        """A whole segment with the plan for a card of so many GiB."""
        budget = gigabytes * GIB - CONTEXT_BYTES
        plan = choose(SPEC, self.work, budget, asked=self.precision, precisions=tuple(Precision))
        row: dict[str, Any] = {
            "card_gib": gigabytes,
            "size": self.size,
            "plan": str(plan),
            "stripes": plan.vae_stripes,
        }
        began = time.monotonic()
        self.fitting.arrange(plan)
        torch.cuda.synchronize()
        row["arranged_s"] = round(time.monotonic() - began, 1)
        with capped(budget):
            segment = self.segment(self.steps)
        # the image encoder is not here: the figure counts it where it stays on the card
        image_encoder = 0 if plan.has_visitors else 611_088_640 * 2
        predicted = plan.peak_bytes - image_encoder
        row.update(
            segment, predicted_gb=gb(predicted), off_percent=percent(segment["peak_gb"], predicted / 1e9)
        )
        return row | self._against_resident(row)

    def _against_resident(self, row: dict[str, Any]) -> dict[str, Any]:
        step_s, velocity = row["step_s"], row.pop("velocity")
        if self.size not in self.resident:
            self.resident[self.size] = (step_s, velocity)
        first_s, expected = self.resident[self.size]
        worst = (velocity - expected).abs().max().item()
        return {
            "slower_percent": percent(step_s, first_s),
            "same": bool(torch.equal(velocity, expected)),
            "worst_difference": worst,
            "velocity": None,
        }

    def segment(self, steps: int) -> dict[str, Any]:
        """Encode, prepare, steps, decode; seconds and peaks of each."""
        width, height = SIZES[self.size]
        video = torch.rand(1, 3, FRAMES, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
        row: dict[str, Any] = {}
        torch.cuda.reset_peak_memory_stats()
        with torch.inference_mode():
            with timed(row, "encode_s", "encode_peak_gb"), self.fitting.on(self.vae):
                known = self.vae.encode(video)
            velocity = self._denoised(row, known, steps)
            with timed(row, "decode_s", "decode_peak_gb"), self.fitting.on(self.vae):
                onto = torch.device("cpu") if self.fitting.plan.has_visitors else None
                frames = self.vae.decode(known, onto)
        row["finite"] = bool(velocity.isfinite().all() and frames.isfinite().all())
        row["velocity"] = velocity.cpu()
        row["peak_gb"] = max(row["encode_peak_gb"], row["denoise_peak_gb"], row["decode_peak_gb"])
        row["reserved_gb"] = gb(torch.cuda.max_memory_reserved())
        return row

    def _denoised(self, row: dict[str, Any], known: Tensor, steps: int) -> Tensor:
        net = self.transformer
        with timed(row, "denoise_s", "denoise_peak_gb"), self.fitting.on(net):
            with timed(row, "prepare_s"):
                inputs = net.prepare(**conditions(known))
            latent = torch.randn(1, 16, known.shape[2] + 1, *known.shape[3:], generator=seeded(1)).to(DEVICE)
            seconds = []
            for step in range(steps):
                torch.cuda.synchronize()
                began = time.monotonic()
                velocity: Tensor = net(latent, torch.tensor([900 - step], device=DEVICE), inputs)
                torch.cuda.synchronize()
                seconds.append(time.monotonic() - began)
        row["steps_s"] = [round(each, 3) for each in seconds]
        row["step_s"] = round(min(seconds[1:] or seconds), 3)
        return velocity

    def spans(self) -> dict[str, Any]:
        """Seconds a step by span, as things are arranged now."""
        row: dict[str, Any] = {"spans_of": str(self.fitting.plan)}
        chosen = self.transformer.span_tokens
        expected: Tensor | None = None
        for tokens in (None, 25_200, 10_800):
            self.transformer.span_tokens = tokens
            torch.cuda.reset_peak_memory_stats()
            try:
                made = self.segment_steps(2)
                expected = made["velocity"] if expected is None else expected
                row[str(tokens)] = {
                    "step_s": made["step_s"],
                    "peak_gb": made["denoise_peak_gb"],
                    "same": bool(torch.equal(made["velocity"], expected)),
                    "worst_difference": (made["velocity"] - expected).abs().max().item(),
                }
            except torch.OutOfMemoryError:
                row[str(tokens)] = "out of memory"
        self.transformer.span_tokens = chosen
        return row

    def vae_ways(self) -> dict[str, Any]:
        """Seconds, peak and differences of chunks and stripes against chunks of one latent and no stripes."""
        width, height = SIZES[self.size]
        shape = (1, 16, (FRAMES - 1) // 4 + 1, height // 8, width // 8)
        latents = torch.randn(shape, generator=seeded(2)).to(DEVICE)
        row: dict[str, Any] = {"vae": self.size}
        before, first = (self.vae.chunk, self.vae.stripes), None
        for chunk, stripes in ((1, 1), (2, 1), (4, 1), (1, 2), (2, 2), (2, 3), (2, 6)):
            way: dict[str, Any] = {}
            self.vae.chunk, self.vae.stripes = chunk, stripes
            with torch.inference_mode(), self.fitting.on(self.vae):
                self.vae.decode(latents[:, :, :4])
                with timed(way, "decode_s", "decode_peak_gb"):
                    frames = self.vae.decode(latents, torch.device("cpu")).clamp_(-1, 1)
                pixels = frames.add(1).mul_(127.5).round_().byte()
                with timed(way, "encode_s", "encode_peak_gb"):
                    encoded = self.vae.encode(frames).cpu()
            first = first or (pixels, encoded)
            way["other_pixels_percent"] = 100 * (pixels != first[0]).float().mean().item()
            way["latents_off"] = (encoded - first[1]).abs().max().item()
            row[f"chunk {chunk}, stripes {stripes}"] = way
        self.vae.chunk, self.vae.stripes = before
        return row

    def segment_steps(self, steps: int) -> dict[str, Any]:
        """Steps alone."""
        width, height = SIZES[self.size]
        known = torch.randn(1, 16, (FRAMES - 1) // 4 + 1, height // 8, width // 8, generator=seeded(2)).to(
            DEVICE
        )
        row: dict[str, Any] = {}
        with torch.inference_mode():
            row["velocity"] = self._denoised(row, known, steps).cpu()
        return row

    def cancelled(self) -> dict[str, Any]:
        """Milliseconds from the moment when somebody wants no more until the card stands still."""
        waits = []
        for after_s in (0.7, 1.9, 2.3):
            stop = time.monotonic() + after_s

            def ask(stop: float = stop) -> None:
                if time.monotonic() > stop:
                    raise InterruptedError

            self.fitting.ask = ask
            try:
                self.segment_steps(2)
            except InterruptedError:
                torch.cuda.synchronize()
                waits.append(round(1000 * (time.monotonic() - stop)))
        self.fitting.ask = lambda: None
        return {"cancelled_after_ms": waits, "plan": str(self.fitting.plan), "size": self.size}

    def segments(self) -> dict[str, Any]:
        """Peak and standing memory after each of a few segments of one step."""
        peaks, standing = [], []
        for _ in range(3):
            torch.cuda.reset_peak_memory_stats()
            peaks.append(self.segment(steps=1)["peak_gb"])
            standing.append(gb(torch.cuda.memory_allocated()))
        return {"segments_peak_gb": peaks, "segments_standing_gb": standing, "plan": str(self.fitting.plan)}


def random_transformer(precision: Precision) -> WanAnimateTransformer:
    """All 17.3 billion parameters at random, straight on the card."""
    with torch.device("meta"):
        net = WanAnimateTransformer(SPEC.transformer, SPEC.face)
    if precision is Precision.INT8:
        eight_bit: Any = importlib.import_module("understudy_engine.model.eight_bit")
        net = eight_bit.with_int8_linears(net)
    torch.manual_seed(0)
    shapes, state = net.state_dict(), {}
    for name, tensor in shapes.items():
        delicate = any(part in name for part in net.float32_parts) or name.endswith("scale")
        delicate |= f"{name.removesuffix('bias')}scale" in shapes  # the bias of an int8 layer
        dtype = torch.float32 if delicate else torch.bfloat16
        state[name] = random_weight(name, tensor.shape, tensor.dtype if tensor.dtype is torch.int8 else dtype)
    net.load_state_dict(state, strict=True, assign=True)
    return net.eval().requires_grad_(False)


def random_weight(name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
    if dtype is torch.int8:
        return torch.randint(-127, 128, shape, dtype=dtype, device=DEVICE)
    if name.endswith("scale"):  # of a row of int8 numbers, whose spread is 73
        fan_in = SPEC.transformer.ffn_dim if "ffn.down" in name else SPEC.transformer.dim
        return torch.full(shape, fan_in**-0.5 / 73, device=DEVICE)
    if name.endswith("bias"):
        return torch.zeros(shape, dtype=dtype, device=DEVICE)
    if len(shape) == 1:
        return torch.ones(shape, dtype=dtype, device=DEVICE)
    fan_in = max(1, shape[1:].numel()) if not name.endswith("modulation") else shape[-1]
    return torch.randn(shape, dtype=dtype, device=DEVICE).mul_(fan_in**-0.5)


def conditions(known: Tensor) -> dict[str, Tensor]:
    """What prepare takes, at random, for the latents *known* (1, 16, L, h, w)."""
    count, height, width = known.shape[2:]
    faces = torch.rand(1, FRAMES, 3, 512, 512, generator=seeded(3)) * 2 - 1
    random = {
        "y": torch.randn(1, 20, count + 1, height, width, generator=seeded(4)),
        "pose_latents": torch.randn(1, 16, count, height, width, generator=seeded(5)),
        "context": torch.randn(1, 512, 4096, generator=seeded(6)),
        "image_tokens": torch.randn(1, 257, 1280, generator=seeded(7)).to(torch.bfloat16),
    }
    return {name: tensor.to(DEVICE) for name, tensor in random.items()} | {"faces": faces}


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
