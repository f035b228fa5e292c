"""Draws solids into a picture of what is nearest: part, depth and normal of every sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from .geometry import Frame
from .solids import MISS, Solid


class Material(IntEnum):
    SKIN = 0
    FACE = 1
    HAIR = 2
    SHIRT = 3
    SLEEVE = 4
    CUFF = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A solid, what it is made of, and the axes in which its surface is painted."""

    solid: Solid
    material: Material
    frame: Frame
    keep: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    """Of local x, y, z: which of the surface is there. What is cut away shows whatever lies behind."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the studio's (x, y) fall in the picture: column = (x - left) * scale, row = (y - top) * scale."""

    scale: float  # pixels a head
    left: float
    top: float
    size: int  # of the square picture

    def finer(self, factor: int) -> Camera:
        return Camera(self.scale * factor, self.left, self.top, self.size * factor)

    def project(self, points: Tensor) -> Tensor:
        """(..., 3) in the studio -> (..., 2) x, y in pixels, where 0 is the picture's edge."""
        return (points[..., :2] - points.new_tensor([self.left, self.top])) * self.scale


@dataclass(frozen=True, slots=True)
class Surface:
    """What each sample of N pictures sees. Samples that see nothing have part -1."""

    part: Tensor  # (N, S, S) int16, index into the parts
    z: Tensor  # (N, S, S), -inf where nothing is
    normal: Tensor  # (3, N, S, S)


def rasterise(parts: Sequence[Part], camera: Camera, count: int, device: torch.device | str) -> Surface:
    """The nearest part for every sample of *count* pictures.

    Each part is evaluated only in the smallest rectangle that holds it in all pictures. Memory: 22 bytes a
    sample for the result and about 80 for a part that fills the picture.
    """
    size = camera.size
    shape = (count, size, size)
    z = torch.full(shape, MISS, device=device)
    index = torch.full(shape, -1, dtype=torch.int16, device=device)
    normal = torch.zeros((3, *shape), device=device)
    middles = (torch.arange(size, device=device) + 0.5) / camera.scale
    x, y = middles + camera.left, middles + camera.top
    for number, (part, (x0, y0, x1, y1)) in enumerate(zip(parts, _rectangles(parts, camera), strict=True)):
        if x0 >= x1 or y0 >= y1:
            continue
        px, py = x[None, None, x0:x1], y[None, y0:y1, None]
        hit = part.solid.hit(px, py)
        near = z[:, y0:y1, x0:x1]
        nearer = hit.z > near
        if part.keep is not None:
            nearer &= part.keep(*_local(part.frame, px, py, hit.z))
        near.copy_(torch.where(nearer, hit.z, near))
        index[:, y0:y1, x0:x1].masked_fill_(nearer, number)
        for axis in range(3):
            kept = normal[axis, :, y0:y1, x0:x1]
            kept.copy_(torch.where(nearer, hit.normal[axis], kept))
    return Surface(index, z, normal)


def _rectangles(parts: Sequence[Part], camera: Camera) -> list[list[int]]:
    """Samples each part may cover in any picture, as x0 y0 x1 y1, ends not included."""
    bounds = torch.stack([part.solid.bounds() for part in parts])  # (P, N, 4)
    low = camera.project(bounds[..., :2].amin(dim=1)).floor().clamp(0, camera.size)
    high = camera.project(bounds[..., 2:].amax(dim=1)).ceil().clamp(0, camera.size)
    return torch.cat([low, high], dim=1).int().tolist()


def _local(frame: Frame, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    ox, oy, oz = frame.origin[:, :, None, None].unbind(1)
    dx, dy, dz = x - ox, y - oy, torch.where(z.isfinite(), z, 0.0) - oz
    axes = frame.rotation[..., None, None]  # (N, 3, 3, 1, 1)
    lx, ly, lz = (axes[:, 0, i] * dx + axes[:, 1, i] * dy + axes[:, 2, i] * dz for i in range(3))
    return lx, ly, lz
