"""Rounded solids seen along z by a viewer infinitely far away: how near each is, in closed form.

A solid stands for many of its kind: its tensors begin with any batch shape (...). ``depth(x, y)`` takes studio
coordinates (..., S) and gives the height z of the near surface there, -inf where the line of sight misses it;
``normal(x, y, z)`` gives the three planes of the surface's normal where it is hit; ``bounds()`` is the rectangle
it lies in, (..., 4) x0 y0 x1 y1; ``at(index)`` are the solids of those numbers, counted through the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch
from torch import Tensor

from .constants import constant
from .geometry import unit

MISS = -torch.inf
PROFILE_SAMPLES = 96
NORMAL = tuple[Tensor, Tensor, Tensor]


class Solid(Protocol):
    def depth(self, x: Tensor, y: Tensor) -> Tensor: ...

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL: ...

    def bounds(self) -> Tensor: ...

    def at(self, index: Tensor) -> Self: ...


@dataclass(frozen=True, slots=True)
class RoundCone:
    """Everything covered by a ball that travels straight from *a* to *b* while its radius goes from *ra* to *rb*."""

    a: Tensor  # (..., 3)
    b: Tensor
    ra: Tensor  # (...)
    rb: Tensor

    def at(self, index: Tensor) -> RoundCone:
        return RoundCone(*(_pick(getattr(self, f.name), self.ra.dim(), index) for f in fields(self)))

    def depth(self, x: Tensor, y: Tensor) -> Tensor:
        _, _, dz = _columns(self.b - self.a)
        t, q, _, _ = self._ball(x, y)
        return torch.where(q > 0, self.a[..., 2:] + dz * t + q.clamp(min=0).sqrt_(), MISS)

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
        dx, dy, _ = _columns(self.b - self.a)
        t, q, wx, wy = self._ball(x, y)
        size = 1 / (self.ra[..., None] + (self.rb - self.ra)[..., None] * t)
        return (wx - dx * t) * size, (wy - dy * t) * size, q.clamp(min=0).sqrt() * size

    def _ball(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Which ball is seen at x, y (0 at *a* to 1 at *b*), its radius² less the distance², and x, y from *a*."""
        # The near surface is the highest of the balls' surfaces: z(t) = az + dz t + sqrt(q(t)), where q(t) is
        # the square of the ball's radius less that of the distance, A t² + 2 B t + C. Setting z' = 0 gives t.
        # Where the cone points at the viewer, one end may hide the other: there z only rises toward the viewer.
        ax, ay, _ = _columns(self.a)
        dx, dy, dz = _columns(self.b - self.a)
        ra, grow = self.ra[..., None], (self.rb - self.ra)[..., None]
        flat = dx * dx + dy * dy
        wx, wy = x - ax, y - ay
        a = grow * grow - flat
        a = torch.where(a.abs() < 1e-6, -1e-6, a)
        b = ra * grow + wx * dx + wy * dy
        c = ra * ra - wx * wx - wy * wy
        inside = b * b - a * c
        slope = dz / (flat + dz * dz - grow * grow).clamp(min=1e-9).sqrt()
        t = ((-slope * inside.clamp(min=0).sqrt_() - b) / a).clamp_(0, 1)
        rising = (a > 0) & (grow * dz > 0)
        t = torch.where((inside < 0) | rising, (dz > 0).to(t.dtype), t)
        return t, (a * t + 2 * b) * t + c, wx, wy

    def bounds(self) -> Tensor:
        ra, rb = self.ra[..., None], self.rb[..., None]
        low = torch.minimum(self.a[..., :2] - ra, self.b[..., :2] - rb)
        high = torch.maximum(self.a[..., :2] + ra, self.b[..., :2] + rb)
        return torch.cat([low, high], dim=-1)


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A round cone that ends, open, *end* beyond its *a* along its axis."""

    cone: RoundCone
    end: Tensor  # (...) heads

    def at(self, index: Tensor) -> Sleeve:
        return Sleeve(self.cone.at(index), _pick(self.end, self.end.dim(), index))

    def depth(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.cone.depth(x, y)
        ax, ay, az = _columns(self.cone.a)
        ux, uy, uz = _columns(unit(self.cone.b - self.cone.a))
        along = (x - ax) * ux + (y - ay) * uy + (z - az) * uz
        return torch.where(z.isfinite() & (along < self.end[..., None]), z, MISS)

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
        return self.cone.normal(x, y, z)

    def bounds(self) -> Tensor:
        return self.cone.bounds()


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    centre: Tensor  # (..., 3)
    rotation: Tensor  # (..., 3, 3), columns are the axes
    radii: Tensor  # (..., 3)

    def at(self, index: Tensor) -> Ellipsoid:
        batch = self.centre.dim() - 1
        return Ellipsoid(*(_pick(getattr(self, f.name), batch, index) for f in fields(self)))

    def depth(self, x: Tensor, y: Tensor) -> Tensor:
        m00, m01, m02, m11, m12, m22 = self._inverse_square()
        cx, cy, cz = _columns(self.centre)
        px, py = x - cx, y - cy
        half = m02 * px + m12 * py
        rest = m00 * px * px + 2 * m01 * px * py + m11 * py * py - 1
        root = half * half - m22 * rest
        return torch.where(root > 0, cz + (root.clamp(min=0).sqrt() - half) / m22, MISS)

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
        m00, m01, m02, m11, m12, m22 = self._inverse_square()
        cx, cy, cz = _columns(self.centre)
        px, py, pz = x - cx, y - cy, z - cz
        nx, ny, nz = (
            m00 * px + m01 * py + m02 * pz,
            m01 * px + m11 * py + m12 * pz,
            m02 * px + m12 * py + m22 * pz,
        )
        return _unit(nx, ny, nz)

    def bounds(self) -> Tensor:
        spread = (self.rotation * self.radii[..., None, :]).norm(dim=-1)[..., :2]
        return torch.cat([self.centre[..., :2] - spread, self.centre[..., :2] + spread], dim=-1)

    def _inverse_square(self) -> tuple[Tensor, ...]:
        m = self.rotation @ torch.diag_embed(self.radii**-2) @ self.rotation.mT
        return tuple(m[..., i, j, None] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))


@dataclass(frozen=True, slots=True)
class Cap:
    """A head of hair or a hat: an ellipsoid that ends, open, at a line round the head."""

    shell: Ellipsoid
    origin: Tensor  # (..., 3) of the head
    scale: Tensor  # (...) of the head
    parting: Tensor  # (...) where a fringe parts
    fringe: Tensor  # (...) 1 a fringe of hair, 0 the straight edge of a hat

    def at(self, index: Tensor) -> Cap:
        own = (
            _pick(v, self.scale.dim(), index) for v in (self.origin, self.scale, self.parting, self.fringe)
        )
        return Cap(self.shell.at(index), *own)

    def depth(self, x: Tensor, y: Tensor) -> Tensor:
        z = self.shell.depth(x, y)
        ox, oy, oz = _columns(self.origin)
        dx, dy, dz = x - ox, y - oy, torch.where(z.isfinite(), z, 0.0) - oz
        axes, size = self.shell.rotation[..., None], self.scale[..., None]
        u, v, w = (
            (axes[..., 0, i, :] * dx + axes[..., 1, i, :] * dy + axes[..., 2, i, :] * dz) / size
            for i in range(3)
        )
        there = torch.where(self.fringe[..., None] > 0.5, self._hairline(u, v, w), v < -0.17 - 0.06 * w)
        return torch.where(there, z, MISS)

    def _hairline(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Hair ends above the brows in front, before the ears at the sides, at the nape behind."""
        parting = self.parting[..., None]
        fringe = -0.19 + 0.10 * (x - 0.25 * parting).abs() - 0.05 * torch.cos(9 * (x - 0.2 * parting))
        front = fringe + (x.abs() - 0.22).clamp(min=0) * 1.3
        return (y < front) | (z < -0.02 - 0.25 * (0.1 - y).clamp(min=0))

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
        return self.shell.normal(x, y, z)

    def bounds(self) -> Tensor:
        return self.shell.bounds()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A stack of ellipses along an axis: a torso, a skirt.

    The axis leads from *top* along *down*, which has length 1; the ellipses lie in planes upright to the picture,
    so that the axis may lean to the viewer but not point there. *turned* is the angle of the ellipses about it.
    """

    top: Tensor  # (..., 3) where height is 0
    down: Tensor  # (..., 3)
    turned: Tensor  # (...)
    number: Tensor  # (...) row of the profiles
    profiles: Tensor  # (G, PROFILE_SAMPLES, 2) half widths and half depths at even heights, see ``smooth``
    low: float  # height of the first sample
    high: float  # and of the last

    def at(self, index: Tensor) -> Trunk:
        batch = self.turned.dim()
        top, down, turned, number = (
            _pick(v, batch, index) for v in (self.top, self.down, self.turned, self.number)
        )
        return replace(self, top=top, down=down, turned=turned, number=number)

    def depth(self, x: Tensor, y: Tensor) -> Tensor:
        _u, v, (zz, half, root), _ = self._slice(x, y)
        lean = self._axis()[2]
        within = (root > 0) & (v > self.low) & (v < self.high)
        z = self.top[..., 2:] + lean * v + (root.clamp(min=0).sqrt() - half) / zz
        return torch.where(within, z, MISS)

    def normal(self, x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
        u, _v, (zz, half, root), (width, depth, dwidth, ddepth) = self._slice(x, y)
        away = (root.clamp(min=0).sqrt() - half) / zz
        c, s = self.turned.cos()[..., None], self.turned.sin()[..., None]
        iw, idp = 1 / (width * width), 1 / (depth * depth)
        across, through = u * c - away * s, u * s + away * c
        nu = across * iw * c + through * idp * s
        nz = -across * iw * s + through * idp * c
        nv = -(across * across * iw * dwidth / width + through * through * idp * ddepth / depth)
        cosine, sine, lean, flat = self._axis()
        nv = (nv - lean * nz) / flat  # the axis leans: heights change faster in the picture than along it
        return _unit(nu * cosine - nv * sine, nu * sine + nv * cosine, nz)

    def _axis(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cosine and sine of its roll in the picture, rise toward the viewer and run in the picture, each (..., 1)."""
        dx, dy, dz = _columns(self.down)
        flat = (dx * dx + dy * dy).sqrt().clamp(min=0.2)
        return dy / flat, -dx / flat, dz, flat

    def _slice(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, NORMAL, tuple[Tensor, ...]]:
        """Place across and along the axis; the ellipse there as zz z² + 2 half z = ..., and its sizes."""
        tx, ty, _ = _columns(self.top)
        cosine, sine, _, flat = self._axis()
        u = (x - tx) * cosine + (y - ty) * sine
        v = ((y - ty) * cosine - (x - tx) * sine) / flat
        sizes = self._sizes(v)
        c, s = self.turned.cos()[..., None], self.turned.sin()[..., None]
        # (u c - z s)² / width² + (u s + z c)² / depth² = 1 for z
        iw, idp = 1 / (sizes[0] * sizes[0]), 1 / (sizes[1] * sizes[1])
        zz, uz, uu = s * s * iw + c * c * idp, c * s * (idp - iw), c * c * iw + s * s * idp
        half = uz * u
        return u, v, (zz, half, half * half - zz * (uu * u * u - 1)), sizes

    def _sizes(self, v: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Half width and half depth at heights *v*, and their slopes."""
        step = (self.high - self.low) / (PROFILE_SAMPLES - 1)
        position = ((v - self.low) / step).clamp(0, PROFILE_SAMPLES - 1.001)
        below = position.long()
        part = position - below
        flat = self.profiles.flatten(0, 1)
        first = self.number[..., None] * PROFILE_SAMPLES + below
        (w0, d0), (w1, d1) = flat[first].unbind(-1), flat[first + 1].unbind(-1)
        return torch.lerp(w0, w1, part), torch.lerp(d0, d1, part), (w1 - w0) / step, (d1 - d0) / step

    def bounds(self) -> Tensor:
        reach = self.profiles.amax((1, 2))[self.number][..., None]
        low, high = (self.top[..., :2] + h * self.down[..., :2] for h in (self.low, self.high))
        aside = torch.cat([reach, reach * self._axis()[1].abs()], dim=-1)
        return torch.cat([torch.minimum(low, high) - aside, torch.maximum(low, high) + aside], dim=-1)


def smooth(heights: tuple[float, ...], sizes: Tensor) -> Tensor:
    """*sizes* (G, K, 2) at K rising heights -> (G, PROFILE_SAMPLES, 2) at even ones, by a monotone cubic, which does
    not overshoot."""
    at_knots = constant(heights, sizes)
    secant = (sizes[:, 1:] - sizes[:, :-1]) / (at_knots[1:] - at_knots[:-1])[:, None]
    product, both = secant[:, 1:] * secant[:, :-1], secant[:, 1:] + secant[:, :-1]
    inner = torch.where(product > 0, 2 * product / torch.where(both == 0, 1.0, both), 0.0)
    slope = torch.cat([secant[:, :1], inner, secant[:, -1:]], dim=1)
    at = torch.linspace(heights[0], heights[-1], PROFILE_SAMPLES, device=sizes.device)
    below = (torch.searchsorted(at_knots, at, right=True) - 1).clamp(0, len(heights) - 2)
    span = (at_knots[below + 1] - at_knots[below])[:, None]
    t = (at - at_knots[below])[:, None] / span
    return (
        (1 + 2 * t) * (1 - t) ** 2 * sizes[:, below]
        + t * (1 - t) ** 2 * span * slope[:, below]
        + t * t * (3 - 2 * t) * sizes[:, below + 1]
        + t * t * (t - 1) * span * slope[:, below + 1]
    )


def _pick(values: Tensor, batch: int, index: Tensor) -> Tensor:
    return values.flatten(0, batch - 1).index_select(0, index)


def _unit(x: Tensor, y: Tensor, z: Tensor) -> NORMAL:
    length = (x * x + y * y + z * z).clamp(min=1e-12).rsqrt()
    return x * length, y * length, z * length


def _columns(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(..., 3) -> three of (..., 1)."""
    return points[..., 0:1], points[..., 1:2], points[..., 2:3]
