"""Draws solids into pictures of what is nearest: part and depth of every sample.

All solids of all rows (a row is one picture of one figure) go through one tensor program. A solid is evaluated only
in the tiles that its bounds touch; the nearest of a sample is the largest of numbers that hold depth and part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from .camera import View
from .solids import MISS, Solid

TILE = 16  # samples each way
NOTHING = torch.iinfo(torch.int64).min
PART_BITS = 16
# (row, part, tile) triples at once: about 15 KB each while they are evaluated, so 0.5 GB, and 2 GB on a GPU, which
# wants few large steps.
TRIPLES_AT_ONCE, GPU_TRIPLES_AT_ONCE = 1 << 15, 1 << 17


class Material(IntEnum):
    SKIN = 0
    FACE = 1
    HAIR = 2
    SHIRT = 3
    SLEEVE = 4
    CUFF = 5
    LOWER = 6  # trousers, shorts or a skirt
    SHOE = 7
    ACCESSORY = 8


@dataclass(frozen=True, slots=True)
class Group:
    """K solids of one kind in each of N rows, what each is made of, and the axes in which it is painted."""

    solid: Solid  # of batch shape (N, K)
    present: Tensor  # (N, K) bool
    material: tuple[Material, ...]  # K
    frame: tuple[int, ...]  # K numbers of the parts' frames


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of N figures that a camera may see. Parts are counted through the groups."""

    groups: tuple[Group, ...]
    origins: Tensor  # (N, F, 3) of the frames
    rotations: Tensor  # (N, F, 3, 3)

    def numbered(self) -> Iterator[tuple[int, int, Group]]:
        """The groups, each with the numbers of its first part and of the one after its last."""
        first = 0
        for group in self.groups:
            yield first, first + len(group.material), group
            first += len(group.material)


@dataclass(frozen=True, slots=True)
class Surface:
    """What each sample of N pictures sees. Samples that see nothing have part -1."""

    part: Tensor  # (N, S, S) int16, index into the parts
    z: Tensor  # (N, S, S), -inf where nothing is


def rasterise(parts: Parts, view: View) -> Surface:
    """The nearest part for every sample of N pictures, whose size must be whole tiles.

    Memory: 22 bytes a sample, and 0.5 GB at most for the parts at work.
    """
    count, tiles = len(view.scale), view.size // TILE
    nearest = torch.full((count * tiles * tiles, TILE * TILE), NOTHING, device=view.scale.device)
    to_studio = view.to_studio()
    for first, _, group in parts.numbered():
        for row, part, tile in _triples(group, view):
            x, y = _samples(to_studio, row, tile, tiles)
            z = group.solid.at(row * len(group.material) + part).depth(x, y)
            keys = _pack(z, (part + first)[:, None])
            place = (row * tiles * tiles + tile)[:, None].expand_as(keys)
            nearest.scatter_reduce_(0, place, keys, "amax")
    z, part_number = _unpack(nearest)
    grid = (count, tiles, tiles, TILE, TILE)
    image = (count, view.size, view.size)
    part_number, z = (v.view(grid).transpose(2, 3).reshape(image) for v in (part_number, z))
    return Surface(part_number, z)


def _triples(group: Group, view: View) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows, parts of the group and tiles that belong together, each (M,), in portions."""
    tiles = view.size // TILE
    low, high = _rectangles(group, view)  # (N, K, 2) in tiles
    number = torch.arange(tiles, device=low.device)
    x_in, y_in = ((number + 1 > low[..., None, i]) & (number < high[..., None, i]) for i in (0, 1))
    touches = (y_in & group.present[..., None])[..., :, None] & x_in[..., None, :]  # (N, K, tiles, tiles)
    found = torch.nonzero(touches.flatten(2))
    for portion in found.split(TRIPLES_AT_ONCE if found.device.type == "cpu" else GPU_TRIPLES_AT_ONCE):
        row, part, tile = portion.unbind(1)
        if len(row):
            yield row, part, tile


def _rectangles(group: Group, view: View) -> tuple[Tensor, Tensor]:
    x0, y0, x1, y1 = group.solid.bounds().unbind(-1)
    corners = torch.stack([torch.stack(xy, dim=-1) for xy in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))], dim=2)
    seen = view.project(corners.flatten(1, 2)).view(corners.shape) / TILE
    return seen.amin(2), seen.amax(2)


def _samples(to_studio: Tensor, row: Tensor, tile: Tensor, tiles: int) -> tuple[Tensor, Tensor]:
    """Studio x and y, (M, TILE²) each, of the samples of tiles."""
    inner = torch.arange(TILE * TILE, device=row.device)
    column = (tile % tiles * TILE)[:, None] + inner % TILE + 0.5
    line = (tile // tiles * TILE)[:, None] + inner // TILE + 0.5
    return _apply(to_studio[row], column, line)


def _apply(matrix: Tensor, column: Tensor, line: Tensor) -> tuple[Tensor, Tensor]:
    x, y = (matrix[:, i, 0:1] * column + matrix[:, i, 1:2] * line + matrix[:, i, 2:3] for i in (0, 1))
    return x, y


def studio_xy(view: View, where: Tensor) -> tuple[Tensor, Tensor]:
    """Studio x and y (M,) of samples *where* (M,), counted through N pictures."""
    row, sample = where // view.size**2, where % view.size**2
    column, line = (sample % view.size + 0.5)[:, None], (sample // view.size + 0.5)[:, None]
    x, y = _apply(view.to_studio().index_select(0, row), column, line)
    return x[:, 0], y[:, 0]


def _pack(z: Tensor, part: Tensor) -> Tensor:
    """Numbers that are greater where z is, with the part in their last bits; NOTHING where z is MISS."""
    bits = z.contiguous().view(torch.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # floats compare as these integers do
    keys = (ordered.long() << PART_BITS) | part
    return torch.where(z == MISS, NOTHING, keys)


def _unpack(keys: Tensor) -> tuple[Tensor, Tensor]:
    there = keys != NOTHING
    ordered = (keys >> PART_BITS).to(torch.int32)
    z = (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).view(torch.float32)
    part = (keys & ((1 << PART_BITS) - 1)).to(torch.int16)
    return torch.where(there, z, MISS), torch.where(there, part, -1)
