"""Products of rows in eight bits, scaled and rounded once to bfloat16: in more than one way, and by one oracle.

Products of int8 and their sums are whole numbers: each way has to give the very same ones. None is taken before it gave
the oracle's bits on that very device, at sizes that fill no tile and with the largest sums there are: some processors,
for one, add pairs of such products in 16 bits and cut off what is more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .fast import is_hopper_card, is_plain, why_no_triton
from .nvrtc import Kernel, TensorMap, processors
from .rows8 import GREATEST, Rows8, pieces

TILE_ROWS, TILE_COLUMNS, TILE_DEPTH = 128, 256, 128  # of the kernel for Hopper
STRIP_ROWS, STRIP_COLUMNS = 16, 64  # that it stores at once
SHARED_BYTES = 4 * 3 * 128 * 128 + 8 * 2 * 16 * 128 + 1024  # stages, two strips a warp, and to align them
THREADS = 384

ROWS, WIDTH = 32, 16  # of which cuBLASLt gets multiples: it has kernels for those on every card
TILE, BLOCK = 8, 256  # rows and columns that a program of Triton scales
FIRST = (8, 0)  # compute capability from which bfloat16 is in the card

TRIAL = (41, 2064, 200)  # rows, depth and columns that a way is tried with
SAME, NIL = 2**-6, 1e-5  # two units of bfloat16's last place, and what GELU leaves of large negative numbers


class Way(StrEnum):
    """In the order of preference."""

    HOPPER = "our kernel for Hopper"  # linear8.cu
    TORCH = "torch's product of int8"  # cuBLASLt's on a card, oneDNN's on a processor


_taken = ContextVar[Way | None]("taken", default=None)


@contextmanager
def taking(way: Way) -> Iterator[None]:
    """*way* and no other, to see on one card what others would do."""
    before = _taken.set(way)
    try:
        yield
    finally:
        _taken.reset(before)


def multiplied(rows: Rows8, weight: Rows8, bias: Tensor, *, gelu: bool = False) -> Tensor:
    """rows · weightᵀ + bias in the best way of this device.

    rows (..., D), weight (out, D), bias (out,) float32 -> (..., out) bfloat16; with *gelu* its tanh form of that.
    Beside the result it takes 200 MB at most.
    """
    way = None if is_plain() else _taken.get() or way_on(rows.values.device)
    return plainly_multiplied(rows, weight, bias, gelu) if way is None else by(way, rows, weight, bias, gelu)


def plainly_multiplied(rows: Rows8, weight: Rows8, bias: Tensor, gelu: bool = False) -> Tensor:
    """The oracle, in float numbers that hold every sum as it is."""
    depth = weight.values.shape[1]
    exact = torch.float32 if depth * GREATEST**2 < 2**24 else torch.float64
    sums = rows.values.to(exact) @ weight.values.to(exact).T
    return _scaled(sums, rows.scale, weight.scale, bias, gelu, torch.float64)


def by(way: Way, rows: Rows8, weight: Rows8, bias: Tensor, gelu: bool = False) -> Tensor:
    """What *multiplied* gives, in a way that was chosen already."""
    flat = Rows8(rows.values.flatten(0, -2), rows.scale.flatten())
    out = bias.new_empty(len(flat.values), len(weight.values), dtype=torch.bfloat16)
    if way is Way.HOPPER:
        _by_hopper(out, flat, weight, bias, gelu)
    else:
        _by_torch(out, flat, weight, bias, gelu)
    whole: Tensor = out.unflatten(0, rows.values.shape[:-1])
    return whole


@cache
def way_on(device: torch.device) -> Way | None:
    """The first way that can be used on *device*."""
    return next((way for way in Way if not why_not(way, device)), None)


@cache
def why_not(way: Way, device: torch.device) -> str:
    """Why *way* cannot be used on *device*, found out by trying it against the oracle; empty if it can.

    A trial takes milliseconds, and once in a card's life the seconds in which kernels are compiled.
    """
    if why := _why_not_made_for(way, device):
        return why
    try:
        return "" if _gives_oracles_numbers(way, device) else "its numbers are not the exact ones"
    except Exception as failure:  # of a driver, a compiler or a library: what it may be is nowhere listed
        return f"{type(failure).__name__}: {failure}"


def _why_not_made_for(way: Way, device: torch.device) -> str:
    if way is Way.HOPPER:
        return "" if is_hopper_card(device) else "it is written for NVIDIA's Hopper cards (H100, H200)"
    if device.type != "cuda":
        return "" if device.type == "cpu" else f"it was never tried on {device.type}"
    if torch.version.cuda is None:
        return "it was never tried on cards that are not NVIDIA's"
    capability = torch.cuda.get_device_capability(device)
    needed, found = (".".join(map(str, each)) for each in (FIRST, capability))
    return "" if capability >= FIRST else f"it needs compute capability {needed}, and this card has {found}"


@torch.no_grad()
def _gives_oracles_numbers(way: Way, device: torch.device) -> bool:
    rows, weight, bias = _trial()
    there = rows.to(device), weight.to(device), bias.to(device)
    expected, expected_gelu = (plainly_multiplied(rows, weight, bias, gelu) for gelu in (False, True))
    made, made_gelu = (by(way, *there, gelu).cpu() for gelu in (False, True))
    close = torch.allclose(made_gelu.float(), expected_gelu.float(), rtol=SAME, atol=NIL)
    return close and torch.equal(made, expected)


def _trial() -> tuple[Rows8, Rows8, Tensor]:
    """Rows, weight and bias whose product float32 rounds once, whatever the order: steps are powers of two."""
    count, depth, columns = TRIAL
    draw = torch.Generator().manual_seed(8)
    values, weight = (
        torch.randint(-127, 128, (n, depth), generator=draw, dtype=torch.int8) for n in (count, columns)
    )
    values[-1], weight[-1], weight[-2] = 127, 127, -127
    steps, factors = (2.0 ** -torch.arange(n).remainder(5).add(7) for n in (count, columns))
    return Rows8(values, steps), Rows8(weight, factors), torch.arange(columns).remainder(7).sub(3.0)


def _by_torch(out: Tensor, rows: Rows8, weight: Rows8, bias: Tensor, gelu: bool) -> None:
    """In pieces: the sums, four bytes each, never lie there as a whole."""
    for at in pieces(*out.shape):
        _finish(out[at], summed(rows.values[at], weight.values), rows.scale[at], weight.scale, bias, gelu)


def summed(rows: Tensor, weight: Tensor) -> Tensor:
    """rows (N, D) and weight (M, D), both int8 -> (N, M) int32, exact.

    A card is given what cuBLASLt asks for: more than 16 rows, widths in eights, and the weights' rows as columns, which
    their transpose is. On compute capability 12.0 some sizes that are no multiples of 4 are refused.
    """
    if rows.device.type == "cpu":
        return torch._int_mm(rows, weight.T)
    count, columns = len(rows), len(weight)
    made = torch._int_mm(_padded(rows, ROWS), _padded(weight, WIDTH).T)
    return made[:count, :columns]


def _padded(rows: Tensor, multiple: int) -> Tensor:
    """With zeros, to multiples: of the 14B model's sizes only a last piece of tokens needs it."""
    count, depth = rows.shape
    if count % multiple == 0 and depth % WIDTH == 0:
        return rows
    return F.pad(rows, (0, -depth % WIDTH, 0, -count % multiple))


def _finish(out: Tensor, sums: Tensor, steps: Tensor, factors: Tensor, bias: Tensor, gelu: bool) -> None:
    """out = sums · steps · factors + bias: in one pass where there is Triton, and with the oracle's bits on a CPU."""
    if why_no_triton(sums.device):
        wide = torch.float64 if sums.device.type == "cpu" else torch.float32
        out.copy_(_scaled(sums, steps, factors, bias, gelu, wide))
        return
    from .triton_kernels import scale_sums

    (count, columns), stride = sums.shape, sums.stride(0)
    grid = -(-count // TILE), -(-columns // BLOCK)
    scale_sums[grid](
        sums, steps, factors, bias, out, count, columns, stride, GELU=gelu, TILE=TILE, BLOCK=BLOCK
    )


def _scaled(
    sums: Tensor, steps: Tensor, factors: Tensor, bias: Tensor, gelu: bool, wide: torch.dtype
) -> Tensor:
    scaled = sums * steps[..., None].to(wide)
    torch.addcmul(bias.to(wide), scaled, factors.to(wide), out=scaled)
    out = scaled.float()
    return (F.gelu(out, approximate="tanh") if gelu else out).bfloat16()


def _by_hopper(out: Tensor, rows: Rows8, weight: Rows8, bias: Tensor, gelu: bool) -> None:
    (count, depth), columns = rows.values.shape, len(weight.values)
    _kernel(gelu)(
        (processors(out.device), 1, 1), THREADS,
        _map_of(rows.values, TILE_ROWS, TILE_DEPTH), _map_of(weight.values, TILE_COLUMNS, TILE_DEPTH),
        _map_of(out, STRIP_ROWS, STRIP_COLUMNS), rows.scale, weight.scale, bias, count, columns, depth,
    )  # fmt: skip


def _map_of(rows: Tensor, box_rows: int, box_columns: int) -> TensorMap:
    count, columns = rows.shape
    return TensorMap(rows, (columns, count), (columns * rows.element_size(),), (box_columns, box_rows))


@cache
def _kernel(gelu: bool) -> Kernel:
    return Kernel(
        Path(__file__).with_name("linear8.cu"), "linear8", shared_bytes=SHARED_BYTES, GELU=int(gelu)
    )
