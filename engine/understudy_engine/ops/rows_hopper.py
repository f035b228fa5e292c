"""Passes over rows by our own kernels for Hopper (rows.cu), which come before Triton's: residual, quantise, rms_rotate.

Each does its work and says True, or leaves it and says False: the choice between the two is made here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .fast import is_hopper, is_hopper_card
from .nvrtc import Argument, Kernel, processors

BF16 = torch.bfloat16
WIDTH = 8  # columns that 16 bytes of bfloat16 are: rows are multiples of that
SHARED_BYTES = 220 << 10  # of a processor, for rows on their way
MOST_THREADS, MOST_BLOCKS = 1024, 16  # of a block; of a processor
ROWS_A_BLOCK = 8  # where there are few: each block begins with reading its columns' gates
TRIAL = (2, 41, 1288)  # clips, rows and columns that the kernels are tried with
OFF = 3e-3  # of bfloat16 and int8, relative to the whole


class Spread(NamedTuple):
    """How a pass is spread over a processor."""

    columns: int  # of a chunk
    chunks: int  # of a thread, at most
    threads: int  # of all blocks together: as many as have registers enough
    stages: int  # rows on their way to a block


SPREADS = {
    "residual": Spread(4, 4, 640, 3),
    "quantise": Spread(8, 4, 1344, 2),
    "rms_rotate": Spread(8, 4, 640, 3),
}


@dataclass(frozen=True, slots=True)
class Pass:
    """One of the kernels, for one width."""

    name: str
    dim: int
    row_bytes: int  # that come through shared memory
    flags: tuple[tuple[str, int], ...]

    @property
    def spread(self) -> Spread:
        return SPREADS[self.name]

    @property
    def threads(self) -> int:
        """Whole warps."""
        return -(-self.dim // (self.spread.columns * self.spread.chunks * 32)) * 32

    @property
    def shared_bytes(self) -> int:
        return self.spread.stages * self.row_bytes

    @property
    def blocks(self) -> int:
        """Of a processor."""
        return min(MOST_BLOCKS, self.spread.threads // self.threads, SHARED_BYTES // self.shared_bytes)

    @property
    def defines(self) -> dict[str, int]:
        return {
            self.name.upper(): 1,
            "DIM": self.dim,
            "THREADS": self.threads,
            "BLOCKS": self.blocks,
            "STAGES": self.spread.stages,
            **dict(self.flags),
        }

    @property
    def why_not(self) -> str:
        """Why there is no kernel of this width; empty if there is."""
        if self.dim % WIDTH:
            return f"rows are multiples of {WIDTH} columns, not {self.dim}"
        if (half := dict(self.flags).get("HALF", 4)) % 4:
            return f"heads are multiples of {WIDTH} channels, not of {2 * half} channels"
        if self.threads > MOST_THREADS or not self.blocks:
            return f"rows of {self.dim} columns do not fit a processor"
        return ""


def residual(
    x: Tensor, y: Tensor | None, gate: Tensor | None, shift: Tensor, scale: Tensor, out: Tensor, steps: Tensor,
    eps: float, *, affine: bool,
) -> bool:  # fmt: skip
    """As Triton's kernel: x (B, N, D) float32, y and *out* bfloat16, or *out* int8 with its *steps*.

    A sum alone, whose *out* is x, is left: for 32,760 rows of 5,120 columns Triton's took 397 us on an H200, ours 416.
    """
    made = residual_pass(
        x.shape[-1], adds=y is not None, gated=gate is not None, affine=affine, int8=out.dtype == torch.int8
    )
    given = x if y is None else y, x if gate is None else gate, shift, scale, out
    dtypes_fit = (y is None or y.dtype == BF16) and out.dtype in (BF16, torch.int8)
    if not (dtypes_fit and _takes(made, x, *given)):
        return False
    _launch(made, x.shape[0], x.shape[1], x, *given, steps, x.shape[1], eps)
    return True


def quantise(x: Tensor, y: Tensor | None, out: Tensor, steps: Tensor) -> bool:
    """Rows of x, or of x + y rounded to bfloat16, into *out* and *steps*."""
    made, other = quantise_pass(x.shape[-1], adds=y is not None), x if y is None else y
    if not (x.dtype == other.dtype == BF16 and _takes(made, x, other, out)):
        return False
    _launch(made, 1, steps.numel(), x, other, out, steps, steps.numel())
    return True


def rms_rotate(
    x: Tensor, weight: Tensor, cos: Tensor | None, sin: Tensor | None, out: Tensor, eps: float
) -> bool:
    """x (B, N, D) and weight (D,) float32; cos and sin (N, 1, pairs) float32, or None for a norm alone."""
    made = rms_rotate_pass(x.shape[-1], 0 if cos is None else cos.shape[-1])
    given = weight, x if cos is None else cos, x if sin is None else sin, out
    if not (x.dtype == BF16 and _takes(made, x, *given)):
        return False
    _launch(made, x.shape[0], x.shape[1], x, *given, x.shape[1], eps)
    return True


def residual_pass(dim: int, *, adds: bool, gated: bool, affine: bool, int8: bool) -> Pass:
    flags = {"ADDS": adds, "GATED": gated, "AFFINE": affine, "INT8": int8}
    return Pass("residual", dim, (4 + 2 * adds) * dim, _numbers(flags))


def quantise_pass(dim: int, *, adds: bool) -> Pass:
    return Pass("quantise", dim, (2 + 2 * adds) * dim, _numbers({"ADDS": adds}))


def rms_rotate_pass(dim: int, pairs: int) -> Pass:
    """*pairs* of a head; 0: nothing is turned."""
    flags = {"ROTATES": pairs > 0, "HALF": pairs or 4}
    return Pass("rms_rotate", dim, 2 * dim + 8 * pairs, _numbers(flags))


def _numbers(flags: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((name, int(flag)) for name, flag in flags.items())


@cache
def why_not(device: torch.device) -> str:
    """Why the kernels cannot be used on *device*, found out by trying them; empty if they can."""
    if not is_hopper_card(device):
        return "they are written for NVIDIA's Hopper cards (H100, H200)"
    try:
        wrong = [name for name, off in _tried(device).items() if not off < OFF]
        return f"their numbers are wrong: {', '.join(wrong)}" if wrong else ""
    except Exception as failure:  # of a compiler or a driver: what it may be is nowhere listed
        return f"{type(failure).__name__}: {failure}"


def _takes(made: Pass, *tensors: Tensor) -> bool:
    device = tensors[0].device
    if made.why_not or any(each.data_ptr() % 16 for each in tensors) or not is_hopper(device):
        return False
    return not why_not(device)


@torch.no_grad()
def _tried(device: torch.device) -> dict[str, float]:
    """How far each kernel is off, relative to the whole. Rows are more than what is on its way to a block at once."""
    from .rows8 import Rows8, quantise_plainly  # which asks here

    clips, tokens, dim = TRIAL
    draw = torch.Generator().manual_seed(8)
    x, y = (torch.randn(*TRIAL, generator=draw).to(device) for _ in range(2))
    gate, shift, scale = (torch.randn(clips, 1, dim, generator=draw).to(device) for _ in range(3))
    angles = torch.randn(2, tokens, 1, WIDTH // 2, generator=draw).to(device)
    y, eps = y.to(BF16), 1e-6
    out, out8 = torch.empty_like(y), Rows8(torch.empty_like(y, dtype=torch.int8), x.new_empty(clips, tokens))
    off: dict[str, float] = {}

    def compare(name: str, made: Tensor, expected: Tensor) -> None:
        off[name] = float((made.float() - expected).norm() / expected.norm())

    def compare8(name: str, expected: Tensor) -> None:
        compare(name, *(each.values * each.scale[..., None] for each in (out8, quantise_plainly(expected))))

    summed = torch.addcmul(x, y.float(), gate)
    normed = torch.addcmul(shift, F.layer_norm(summed, (dim,), eps=eps), 1 + scale)
    made = residual_pass(dim, adds=True, gated=True, affine=False, int8=True)
    _launch(made, clips, tokens, x, y, gate, shift, scale, *out8, tokens, eps)
    compare("sum", x, summed)
    compare8("sum, normed and quantised", normed)

    _launch(quantise_pass(dim, adds=True), 1, clips * tokens, y, y, *out8, clips * tokens)
    compare8("sum quantised", y + y)

    weight = scale[0, 0]
    _launch(rms_rotate_pass(dim, WIDTH // 2), clips, tokens, y, weight, *angles, out, tokens, eps)
    pairs = F.rms_norm(y.float(), (dim,), weight, eps).to(BF16).float().unflatten(-1, (-1, WIDTH // 2, 2))
    turned = torch.view_as_complex(pairs) * torch.complex(*angles)
    compare("norm and rotation", out, torch.view_as_real(turned).flatten(-3))
    return off


def _launch(made: Pass, clips: int, rows: int, *arguments: Argument) -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    blocks = min(processors(device) * made.blocks // clips, -(-rows // ROWS_A_BLOCK))
    if rows:
        _kernel(made, device)((max(1, blocks), clips, 1), made.threads, *arguments)


@cache
def _kernel(made: Pass, device: torch.device) -> Kernel:
    source = Path(__file__).with_name("rows.cu")
    return Kernel(source, made.name, shared_bytes=made.shared_bytes, **made.defines)
