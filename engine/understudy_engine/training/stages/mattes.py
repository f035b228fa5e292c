"""The engine's preparation of mattes for many frames at once, on any device: a twin of preprocess/matte.py.

Replace shows the model the plate without the person. How far the hole is grown or filled is an option of the
request, so training varies it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...types import MatteOptions

BLACK = -1.0


def prepare(matte: Tensor, options: MatteOptions) -> Tensor:
    """matte (N, H, W) uint8, 255 = the person, at model size -> (N, H, W) bool, True = made by the model."""
    hole = grow(matte, options.grow_px) >= 128
    return hole if options.blocks is None else hole | fill_blocks(hole, *options.blocks)


def grow(matte: Tensor, pixels: int) -> Tensor:
    """Every value spread *pixels* to all sides, in a square."""
    if pixels <= 0:
        return matte
    side = 2 * pixels + 1
    wide = matte[:, None].float()
    tall = F.max_pool2d(wide, (side, 1), stride=1, padding=(pixels, 0))
    return F.max_pool2d(tall, (1, side), stride=1, padding=(0, pixels))[:, 0].to(matte.dtype)


def fill_blocks(hole: Tensor, across: int, down: int) -> Tensor:
    """Whole cells of each frame's bounding box; its last row and column belong to none (the reference's rule)."""
    n, height, width = hole.shape
    rows, row_cells = _cells(hole.any(dim=2), down)
    columns, column_cells = _cells(hole.any(dim=1), across)
    cell = row_cells[:, :, None] * (width + 1) + column_cells[:, None]  # (N, H, W)
    usable = rows[:, :, None] & columns[:, None]
    set_cells = torch.zeros((n, (height + 1) * (width + 1)), dtype=torch.int32, device=hole.device)
    flat = torch.where(usable, cell, (height + 1) * (width + 1) - 1).flatten(1)
    set_cells.scatter_reduce_(1, flat, (hole & usable).flatten(1).int(), "amax")
    return hole | ((set_cells.gather(1, flat) > 0).view_as(hole) & usable)


def _cells(used: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """used (N, L): which lines lie in the box short of its last, and the cell each belongs to."""
    line = torch.arange(used.shape[1], device=used.device)
    first = torch.where(used, line, used.shape[1]).amin(dim=1, keepdim=True)
    last = torch.where(used, line, -1).amax(dim=1, keepdim=True)
    step = ((last - first).clamp_min(0) // count).clamp_min(1)
    return (line >= first) & (line < last), ((line - first).clamp_min(0) // step)


def cut_out(frames: Tensor, hole: Tensor) -> Tensor:
    """frames (N, 3, H, W) in [-1, 1] with the hole (N, H, W) cut to black."""
    return torch.where(hole[:, None], BLACK, frames)


def random_options(generator: torch.Generator, default: float = 0.7) -> MatteOptions:
    """The engine's defaults in most clips, other growth or filled cells in the rest."""
    draw = torch.rand(4, generator=generator, device=generator.device).tolist()
    if draw[0] < default:
        return MatteOptions()
    grow_px = 2 + int(draw[1] * 15)
    if draw[0] < (1 + default) / 2:
        return MatteOptions(grow_px=grow_px)
    return MatteOptions(grow_px=grow_px, blocks=(1 + int(draw[2] * 8), 1 + int(draw[3] * 8)))
