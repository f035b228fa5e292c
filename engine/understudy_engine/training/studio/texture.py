"""What surfaces look like: noise that falls with frequency, dead leaves, bricks, boards and tiles.

Pictures of the world have spectra that fall with frequency; white noise does not look like anything, and no video
model compresses it. Everything is batched over clips (B) and made on the device from integers: a seed gives the
same picture on every machine, up to rounding, whatever else is in the batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Key = Tensor | int
MASK = 0xFFFFFFFF


def hashed(*keys: Key) -> Tensor:
    """An integer of 32 bits for every combination of *keys*, which are integers and broadcast."""
    mixed = torch.as_tensor(keys[0]).long()
    for key in keys[1:]:
        mixed = _scramble(mixed * 0x9E3779B1 + key)
    return _scramble(mixed)


def _scramble(h: Tensor) -> Tensor:
    h = h & MASK
    h = ((h ^ (h >> 16)) * 0x7FEB352D) & MASK
    h = ((h ^ (h >> 15)) * 0x846CA68B) & MASK
    return h ^ (h >> 16)


def chance(*keys: Key) -> Tensor:
    """A number in 0-1 for every combination of *keys*."""
    return (hashed(*keys) >> 8).float() / 2**24


def falling_noise(seed: Tensor, size: int, power: Tensor, stretch: Tensor) -> Tensor:
    """Noise (B, size, size) whose amplitude falls with frequency as 1 / f**power; mean 0, standard deviation 1.

    With *stretch* above 1 its grain runs across the picture, below 1 down it. It goes on at the opposite edge.
    """
    place = torch.arange(size * size, device=seed.device).view(size, size)
    white = chance(seed[:, None, None], place) - 0.5
    spectrum = torch.fft.rfft2(white) / _frequency(size, stretch, seed.device) ** power[:, None, None]
    spectrum[:, 0, 0] = 0
    noise: Tensor = torch.fft.irfft2(spectrum, s=(size, size))
    return noise / noise.std(dim=(1, 2), keepdim=True)


def _frequency(size: int, stretch: Tensor, device: torch.device) -> Tensor:
    fx = torch.fft.rfftfreq(size, device=device)[None, None, :] * stretch[:, None, None]
    fy = torch.fft.fftfreq(size, device=device)[None, :, None] / stretch[:, None, None]
    return torch.hypot(fx, fy).clamp(min=1 / size)


def blur(picture: Tensor, sigma: Tensor) -> Tensor:
    """Pictures (B, C, H, H) out of focus by *sigma* (B,) pixels. They go on at the opposite edge."""
    size = picture.shape[-1]
    fx, fy = torch.fft.rfftfreq(size, device=sigma.device), torch.fft.fftfreq(size, device=sigma.device)
    squared = fx[None, None, :] ** 2 + fy[None, :, None] ** 2
    kept = torch.exp(-2 * math.pi**2 * sigma[:, None, None] ** 2 * squared)
    blurred: Tensor = torch.fft.irfft2(torch.fft.rfft2(picture) * kept[:, None], s=(size, size))
    return blurred


def dead_leaves(seed: Tensor, u: Tensor, v: Tensor, largest: Tensor, octaves: int = 5) -> Tensor:
    """Which of many overlapping leaves is seen at (u, v), both (B, H, W): a random integer of each leaf.

    Leaves are rounded boxes and ellipses. There are four times as many of half the size, from *largest* (B,) down,
    in an order from front to back that has nothing to do with size: a world of opaque things at all distances, with
    its spectrum of about 1 / f**2 in power (Lee, Mumford and Huang 2001). Each octave lays one leaf into every
    cell of a grid, so that a sample needs to ask only nine cells. Memory: about 60 bytes a sample.
    """
    winner = torch.zeros_like(u, dtype=torch.long)
    front = torch.full_like(u, -1.0)
    for octave in range(octaves):
        cell = (largest * 0.5**octave)[:, None, None]
        x, y = u / cell, v / cell
        column, row = x.floor(), y.floor()
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                leaf = hashed(seed[:, None, None] + octave * 977, (column + dx).long(), (row + dy).long())
                order = (leaf & 0xFFFF).float()
                inside = _inside_leaf(x - column - dx, y - row - dy, leaf) & (order > front)
                front = torch.where(inside, order, front)
                winner = torch.where(inside, leaf, winner)
    return winner


def _inside_leaf(x: Tensor, y: Tensor, leaf: Tensor) -> Tensor:
    """Whether (x, y), in cells from the corner of the leaf's own cell, lies on the leaf."""
    x = x - (leaf >> 16 & 0xFF).float() / 256
    y = y - (leaf >> 24).float() / 256
    shape = _scramble(leaf + 1)
    angle = (shape & 0xFF).float() * (math.pi / 256)
    radius = 0.35 + (shape >> 8 & 0xFF).float() * (0.4 / 256)
    thin = 1 + (shape >> 16 & 0xFF).float() * (1.2 / 256)
    boxy = (shape >> 24 & 3) == 0
    c, s = angle.cos(), angle.sin()
    along, across = (c * x + s * y).abs(), (c * y - s * x).abs()
    across = across * thin
    distance = torch.where(boxy, 1.3 * torch.maximum(along, across), torch.hypot(along, across))
    return distance < radius


def cells(
    u: Tensor, v: Tensor, width: Tensor, height: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Bricks, boards or tiles at (u, v), both (B, H, W): column and row of each, and how far its edge is.

    *shift* (B,) is how far each row is moved against the one above, in parts of the width: 0 tiles, 0.5 bricks.
    """
    width, height, shift = width[:, None, None], height[:, None, None], shift[:, None, None]
    row = (v / height).floor()
    x = u / width + row * shift
    column = x.floor()
    to_side = (0.5 - (x - column - 0.5).abs()) * width
    to_top = (0.5 - (v / height - row - 0.5).abs()) * height
    return column.long(), row.long(), torch.minimum(to_side, to_top)


def rise(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """0 below *low*, 1 above *high*, smooth between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
