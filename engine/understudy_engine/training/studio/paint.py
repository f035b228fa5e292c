"""Gives every visible point its material's colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .camera import View
from .constants import constant
from .face import at_points, colours_at_points, paint_face
from .figure import Skeleton
from .look import LookRows, Neckline, Pattern
from .raster import Material, Parts, Surface, studio_xy

WRAP = (0.28, 0.28, 0.10, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # of each Material
GLOSS = (0.10, 0.12, 0.22, 0.02, 0.02, 0.02, 0.02, 0.16, 0.02)


@dataclass(frozen=True, slots=True)
class Points:
    """The samples of a surface that see the figure, M of them, and what shading needs to know of each.

    Colours and vectors lie in planes, (3, M), which torch works through fastest.
    """

    where: Tensor  # (M,) index into the surface's samples, flattened
    normal: Tensor  # (3, M)
    albedo: Tensor  # (3, M), linear light
    wrap: Tensor  # (M,) how far light reaches round the edge: skin lets some through
    gloss: Tensor  # (M,) strength of the highlight
    material: Tensor  # (M,)


@dataclass(frozen=True, slots=True)
class Spots:
    """Points of one material: where they are in its axes, in heads, and whose they are."""

    x: Tensor  # (M,)
    y: Tensor
    z: Tensor
    row: Tensor  # (M,)
    look: LookRows

    def colour(self, name: str) -> Tensor:
        """A colour of each point's look, (3, M)."""
        return getattr(self.look, name).mT.index_select(1, self.row)  # type: ignore[no-any-return]

    def value(self, name: str) -> Tensor:
        """(M,)"""
        return getattr(self.look, name).index_select(0, self.row)  # type: ignore[no-any-return]


def paint(surface: Surface, parts: Parts, skeleton: Skeleton, look: LookRows, view: View) -> Points:
    """What *view* saw as *surface*, painted. Memory: about 150 bytes a point."""
    seen = surface.part.flatten()
    where = torch.nonzero(seen >= 0)[:, 0]
    part = seen.index_select(0, where).long()
    row = where // view.size**2
    x, y = studio_xy(view, where)
    xyz = torch.stack([x, y, surface.z.flatten().index_select(0, where)])
    materials = constant(tuple(float(m) for _, _, group in parts.numbered() for m in group.material), x)
    material = materials.index_select(0, part).long()
    local = _local(parts, part, row, xyz)
    albedo = torch.empty_like(xyz)
    for kind in Material:
        chosen = torch.nonzero(material == kind)[:, 0]
        x, y, z = local.index_select(1, chosen)
        spots = Spots(x, y, z, row.index_select(0, chosen), look)
        if kind is Material.FACE:
            colour = _paint_face(spots, skeleton, view)
        else:
            colour = _paint_plain(kind, spots)
        albedo.index_copy_(1, chosen, colour)
    wrap, gloss = (constant(table, xyz).index_select(0, material) for table in (WRAP, GLOSS))
    return Points(where, _normals(parts, part, row, xyz), albedo, wrap, gloss, material)


def _normals(parts: Parts, part: Tensor, row: Tensor, xyz: Tensor) -> Tensor:
    normal = torch.zeros_like(xyz)
    for first, end, group in parts.numbered():
        chosen = torch.nonzero((part >= first) & (part < end))[:, 0]
        number = row.index_select(0, chosen) * (end - first) + part.index_select(0, chosen) - first
        own = group.solid.at(number).normal(*xyz.index_select(1, chosen)[..., None])
        normal.index_copy_(1, chosen, torch.stack(own)[..., 0])
    return normal


def _local(parts: Parts, part: Tensor, row: Tensor, xyz: Tensor) -> Tensor:
    """Points in the axes of their own parts, (3, M)."""
    frames = constant(tuple(float(f) for _, _, group in parts.numbered() for f in group.frame), xyz)
    number = row * parts.origins.shape[1] + frames.index_select(0, part).long()
    away = xyz - parts.origins.flatten(0, 1).mT.index_select(1, number)
    axes = parts.rotations.mT.flatten(2).flatten(0, 1).mT  # (9, N F), the columns one after the other
    own = axes.index_select(1, number)
    return torch.stack([(own[k : k + 3] * away).sum(0) for k in (0, 3, 6)])


def _paint_face(at: Spots, skeleton: Skeleton, view: View) -> Tensor:
    head = skeleton.proportions.head.index_select(0, at.row)
    expression, colours = at_points(skeleton.expression, at.row), colours_at_points(at.look, at.row)
    softness = 1 / (view.scale.index_select(0, at.row) * head)
    return paint_face(at.x / head, at.y / head, at.z / head, expression, colours, softness)


def _paint_plain(kind: Material, at: Spots) -> Tensor:
    match kind:
        case Material.HAIR:
            return _paint_hair(at)
        case Material.SHIRT:
            return _paint_shirt(at)
        case Material.SLEEVE:
            return _cloth(torch.atan2(at.x, at.z) * 0.16, at.y, at, "")
        case Material.CUFF:
            pattern = at.value("pattern")
            second = (pattern == Pattern.JACKET) | (pattern == Pattern.STRIPES)
            return torch.where(second, at.colour("cloth_second"), at.colour("cloth") * 0.72)
        case Material.LOWER:
            return _cloth(torch.atan2(at.x, at.z) * 0.45, at.y, at, "lower_")
        case Material.SHOE:
            return at.colour("shoes")
        case Material.ACCESSORY:
            return at.colour("hat_colour") * _knit(at)
        case _:
            return at.colour("skin")


def _knit(at: Spots) -> Tensor:
    """A folded brim, darker where the fold ends, and ribs."""
    ribs = 1 + 0.10 * torch.sin(torch.atan2(at.x, at.z) * 60)
    fold = torch.exp(-(((at.y + 0.34) / 0.018) ** 2))
    return ribs * (1 - 0.35 * fold)


def _paint_hair(at: Spots) -> Tensor:
    """Strands run down from the crown: fine differences from one to the next, none along it."""
    angle, y = torch.atan2(at.x, at.z + 0.15), at.y
    strands = 0.5 * torch.sin(angle * 31 + 3 * torch.sin(5 * y)) + 0.35 * torch.sin(angle * 67 + 2.0 * y)
    band = torch.exp(-(((y + 0.27 + 0.05 * torch.sin(angle * 9)) / 0.09) ** 2))
    return at.colour("hair") * (1 + 0.28 * strands + 0.7 * band)


def _paint_shirt(at: Spots) -> Tensor:
    x, y = at.x, at.y
    colour = _cloth(torch.atan2(x, at.z + 0.15) * 0.62, y, at, "")
    second, front = at.colour("cloth_second"), at.z > 0
    pattern, neckline = at.value("pattern"), at.value("neckline")
    jacket = (pattern == Pattern.JACKET) & front
    edge = 0.17 + 0.10 * (1.1 - y).clamp(0, 1)
    colour = torch.where(jacket & (x.abs() < edge), second * torch.where(x.abs() < 0.012, 0.7, 1.0), colour)
    colour = torch.where(jacket & ((x.abs() - edge).abs() < 0.022), colour * 0.55, colour)
    opening = _neckline(x, y, neckline)
    plain = (pattern == Pattern.PLAIN) & (neckline != Neckline.COLLAR)
    rib = (opening < 0.05) & (opening >= 0) & front
    colour = torch.where(rib, torch.where(plain, at.colour("cloth"), second) * 0.86, colour)
    return torch.where((opening < 0) & front, at.colour("skin"), colour)


def _neckline(x: Tensor, y: Tensor, neckline: Tensor) -> Tensor:
    """How far outside the neck's opening a point of the chest is; negative within."""
    rounded = ((x / 0.29) ** 2 + ((y + 0.02) / 0.24) ** 2).sqrt() * 0.24 - 0.24
    pointed = (x.abs() * 1.5 + y - 0.46) * 0.55
    collar = (x.abs() * 1.1 + y - 0.24) * 0.6
    return torch.where(
        neckline == Neckline.ROUND, rounded, torch.where(neckline == Neckline.V, pointed, collar)
    )


def _cloth(u: Tensor, v: Tensor, at: Spots, which: str) -> Tensor:
    """*u* around the body or limb, *v* along it, in heads; *which* is "lower_" for what is worn below."""
    pitch, pattern = at.value("pitch"), at.value(f"{which}pattern")
    u, v = u / pitch, v / pitch
    along = _band(v, 0.5)
    checks = 0.5 * (_band(u, 0.5) + along)
    row = torch.floor(v)
    du = torch.remainder(u + 0.5 * torch.remainder(row, 2), 1) - 0.5
    dv = torch.remainder(v, 1) - 0.5
    dots = ((0.27 - (du * du + dv * dv).sqrt()) / 0.06 + 0.5).clamp(0, 1)
    amount = torch.where(pattern == Pattern.STRIPES, _band(v, 0.42), 0.0)
    amount = torch.where(pattern == Pattern.CHECKS, checks, amount)
    amount = torch.where(pattern == Pattern.DOTS, dots, amount)
    second = at.colour("lower_second" if which else "cloth_second")
    return torch.lerp(at.colour(f"{which}cloth"), second, amount)


def _band(phase: Tensor, part: float) -> Tensor:
    """1 within the first *part* of every period, with soft edges."""
    edge = torch.cos(2 * math.pi * (phase - part / 2)) - math.cos(math.pi * part)
    return (edge * 4 + 0.5).clamp(0, 1)
