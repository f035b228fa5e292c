"""Rounded solids seen along z by a viewer infinitely far away: how near each is, in closed form.

A solid answers ``hit(x, y)`` for studio coordinates x, y that broadcast to (N, h, w): the height z of its near
surface, -inf where the line of sight misses it, and the surface's normal there. ``bounds()`` is the rectangle
it lies in, as (N, 4) x0 y0 x1 y1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

MISS = -torch.inf


class Hit(NamedTuple):
    z: Tensor  # (N, h, w)
    normal: tuple[Tensor, Tensor, Tensor]  # each (N, h, w), of length 1 where hit


class Solid(Protocol):
    def hit(self, x: Tensor, y: Tensor) -> Hit: ...

    def bounds(self) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class RoundCone:
    """Everything covered by a ball that travels straight from *a* to *b* while its radius goes from *ra* to *rb*."""

    a: Tensor  # (N, 3)
    b: Tensor
    ra: float
    rb: float

    def hit(self, x: Tensor, y: Tensor) -> Hit:
        # The near surface is the highest of the balls' surfaces: z(t) = az + dz t + sqrt(q(t)), where q(t) is
        # the square of the ball's radius less that of the distance, A t² + 2 B t + C. Setting z' = 0 gives t.
        # Where the cone points at the viewer, one end may hide the other: there z only rises toward the viewer.
        ax, ay, az = _columns(self.a)
        dx, dy, dz = _columns(self.b - self.a)
        grow = self.rb - self.ra
        flat = dx * dx + dy * dy
        wx, wy = x - ax, y - ay
        a = grow * grow - flat
        a = torch.where(a.abs() < 1e-6, -1e-6, a)
        b = self.ra * grow + wx * dx + wy * dy
        c = self.ra * self.ra - wx * wx - wy * wy
        inside = b * b - a * c
        slope = dz / (flat + dz * dz - grow * grow).clamp(min=1e-9).sqrt()
        t = ((-slope * inside.clamp(min=0).sqrt_() - b) / a).clamp_(0, 1)
        t = torch.where((inside < 0) | ((a > 0) & (grow * dz > 0)), (dz > 0).to(t.dtype), t)
        q = (a * t + 2 * b) * t + c
        up = q.clamp(min=0).sqrt_()
        size = 1 / (self.ra + grow * t)
        z = torch.where(q > 0, az + dz * t + up, MISS)
        return Hit(z, ((wx - dx * t) * size, (wy - dy * t) * size, up * size))

    def bounds(self) -> Tensor:
        low = torch.minimum(self.a[:, :2] - self.ra, self.b[:, :2] - self.rb)
        high = torch.maximum(self.a[:, :2] + self.ra, self.b[:, :2] + self.rb)
        return torch.cat([low, high], dim=1)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    centre: Tensor  # (N, 3)
    rotation: Tensor  # (N, 3, 3), columns are the axes
    radii: tuple[float, float, float]

    def hit(self, x: Tensor, y: Tensor) -> Hit:
        m = self._inverse_square()
        m00, m01, m02, m11, m12, m22 = (
            m[:, i, j, None, None] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        )
        cx, cy, cz = _columns(self.centre)
        px, py = x - cx, y - cy
        half = m02 * px + m12 * py
        rest = m00 * px * px + 2 * m01 * px * py + m11 * py * py - 1
        root = half * half - m22 * rest
        pz = (root.clamp(min=0).sqrt() - half) / m22
        nx, ny = m00 * px + m01 * py + m02 * pz, m01 * px + m11 * py + m12 * pz
        nz = half + m22 * pz
        length = (nx * nx + ny * ny + nz * nz).clamp_(min=1e-12).rsqrt_()
        return Hit(torch.where(root > 0, cz + pz, MISS), (nx * length, ny * length, nz * length))

    def bounds(self) -> Tensor:
        spread = (self.rotation * self.centre.new_tensor(self.radii)).norm(dim=2)[:, :2]
        return torch.cat([self.centre[:, :2] - spread, self.centre[:, :2] + spread], dim=1)

    def _inverse_square(self) -> Tensor:
        return self.rotation @ torch.diag(self.centre.new_tensor(self.radii) ** -2) @ self.rotation.mT


@dataclass(frozen=True, slots=True)
class Trunk:
    """A stack of ellipses along an axis that lies in the picture's plane: a torso.

    *profile* gives (height, half width, half depth) from the top down, at least two, heights rising; between
    them the sizes run smoothly. *centre* (N, 3) is where height is 0; *yaw* and *roll* (N,) turn the trunk.
    """

    centre: Tensor
    yaw: Tensor
    roll: Tensor
    profile: Sequence[tuple[float, float, float]]

    def hit(self, x: Tensor, y: Tensor) -> Hit:
        cx, cy, cz = _columns(self.centre)
        cosine, sine = (f(self.roll)[:, None, None] for f in (torch.cos, torch.sin))
        u, v = (x - cx) * cosine + (y - cy) * sine, (y - cy) * cosine - (x - cx) * sine
        width, depth, dwidth, ddepth = self._sizes(v)
        c, s = (f(self.yaw)[:, None, None] for f in (torch.cos, torch.sin))
        # (u c - z s)² / width² + (u s + z c)² / depth² = 1 for z
        iw, idp = 1 / (width * width), 1 / (depth * depth)
        zz, uz, uu = s * s * iw + c * c * idp, c * s * (idp - iw), c * c * iw + s * s * idp
        half = uz * u
        root = half * half - zz * (uu * u * u - 1)
        z = (root.clamp(min=0).sqrt() - half) / zz
        across, through = u * c - z * s, u * s + z * c
        nu = across * iw * c + through * idp * s
        nz = -across * iw * s + through * idp * c
        nv = -(across * across * iw * dwidth / width + through * through * idp * ddepth / depth)
        length = (nu * nu + nv * nv + nz * nz).clamp_(min=1e-12).rsqrt_()
        nx, ny = nu * cosine - nv * sine, nu * sine + nv * cosine
        within = (root > 0) & (v > self.profile[0][0]) & (v < self.profile[-1][0])
        return Hit(torch.where(within, cz + z, MISS), (nx * length, ny * length, nz * length))

    def bounds(self) -> Tensor:
        top, bottom = self.profile[0][0], self.profile[-1][0]
        reach = max(max(width, depth) for _, width, depth in self.profile)
        x, y = self.centre[:, 0], self.centre[:, 1]
        sine, cosine = self.roll.sin(), self.roll.cos()
        xs = torch.stack([x - top * sine, x - bottom * sine])
        ys = torch.stack([y + top * cosine, y + bottom * cosine])
        tilt = reach * sine.abs()
        return torch.stack(
            [xs.amin(0) - reach, ys.amin(0) - tilt, xs.amax(0) + reach, ys.amax(0) + tilt], dim=1
        )

    def _sizes(self, v: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Half width and half depth at heights *v*, and their slopes."""
        table = v.new_tensor(_smooth(self.profile))  # (K, 3), heights evenly spaced
        step = table[1, 0] - table[0, 0]
        position = ((v - table[0, 0]) / step).clamp(0, len(table) - 1.001)
        below = position.long()
        part = position - below
        width, depth = (table[below, i] * (1 - part) + table[below + 1, i] * part for i in (1, 2))
        dwidth, ddepth = ((table[below + 1, i] - table[below, i]) / step for i in (1, 2))
        return width, depth, dwidth, ddepth


def _smooth(profile: Sequence[tuple[float, float, float]], samples: int = 128) -> list[list[float]]:
    """The profile at *samples* even heights, by a monotone cubic (no overshoot between the given sizes)."""
    heights = torch.tensor([p[0] for p in profile], dtype=torch.float64)
    sizes = torch.tensor([p[1:] for p in profile], dtype=torch.float64)  # (K, 2)
    secant = (sizes[1:] - sizes[:-1]) / (heights[1:] - heights[:-1])[:, None]
    same_way = secant[1:] * secant[:-1] > 0
    inner = torch.where(same_way, 2 * secant[1:] * secant[:-1] / (secant[1:] + secant[:-1]), 0.0)
    slope = torch.cat([secant[:1], inner, secant[-1:]])
    at = torch.linspace(float(heights[0]), float(heights[-1]), samples, dtype=torch.float64)
    below = (torch.searchsorted(heights, at, right=True) - 1).clamp(0, len(profile) - 2)
    span = (heights[below + 1] - heights[below])[:, None]
    t = (at - heights[below])[:, None] / span
    value = (
        (1 + 2 * t) * (1 - t) ** 2 * sizes[below]
        + t * (1 - t) ** 2 * span * slope[below]
        + t * t * (3 - 2 * t) * sizes[below + 1]
        + t * t * (t - 1) * span * slope[below + 1]
    )
    return torch.cat([at[:, None], value], dim=1).tolist()


def _columns(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N, 3) -> three of (N, 1, 1)."""
    x, y, z = points[:, :, None, None].unbind(1)
    return x, y, z
