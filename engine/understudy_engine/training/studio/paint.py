"""Gives every visible point its material's colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .face import at_points, paint_face
from .figure import Skeleton
from .look import Look, Neckline, Pattern
from .raster import Camera, Material, Part, Surface

WRAP = {Material.SKIN: 0.28, Material.FACE: 0.28, Material.HAIR: 0.10}
GLOSS = {Material.SKIN: 0.10, Material.FACE: 0.12, Material.HAIR: 0.22}
CLOTH_GLOSS = 0.02


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


def paint(surface: Surface, parts: list[Part], skeleton: Skeleton, look: Look, camera: Camera) -> Points:
    """What *camera* saw as *surface*, painted. Memory: about 100 bytes a point."""
    part = surface.part.flatten()
    where = torch.nonzero(part >= 0)[:, 0]
    part = part.index_select(0, where).long()
    material = part.new_tensor([p.material for p in parts]).index_select(0, part)
    normal = surface.normal.flatten(1).index_select(1, where)
    albedo = torch.empty_like(normal)
    axes = _axes(parts)
    for kind in Material:
        chosen = torch.nonzero(material == kind)[:, 0]
        sample = where.index_select(0, chosen)
        points = _local(axes, part.index_select(0, chosen), sample, surface, camera)
        if kind is Material.FACE:
            head = skeleton.proportions.head
            expression = at_points(skeleton.expression, sample // camera.size**2)
            x, y, z = points / head
            colour = paint_face(x, y, z, expression, look, 1 / (camera.scale * head))
        else:
            colour = _paint_plain(kind, points, look)
        albedo.index_copy_(1, chosen, colour)
    wrap = albedo.new_tensor([WRAP.get(kind, 0.0) for kind in Material]).index_select(0, material)
    gloss = albedo.new_tensor([GLOSS.get(kind, CLOTH_GLOSS) for kind in Material]).index_select(0, material)
    return Points(where, normal, albedo, wrap, gloss)


def _axes(parts: list[Part]) -> Tensor:
    """Every part's frame: (12, P, N), the rotation's columns one after the other, then the origin."""
    rotations = torch.stack([p.frame.rotation.mT.flatten(1) for p in parts])
    origins = torch.stack([p.frame.origin for p in parts])
    return torch.cat([rotations, origins], dim=-1).permute(2, 0, 1)


def _local(axes: Tensor, part: Tensor, sample: Tensor, surface: Surface, camera: Camera) -> Tensor:
    """Points in the axes of their own parts, (3, M)."""
    column = sample % camera.size
    row = sample // camera.size % camera.size
    frame = sample // camera.size**2
    own = axes.flatten(1).index_select(1, part * axes.shape[2] + frame)
    dx = (column + 0.5) / camera.scale + camera.left - own[9]
    dy = (row + 0.5) / camera.scale + camera.top - own[10]
    dz = surface.z.flatten().index_select(0, sample) - own[11]
    return torch.stack([own[k] * dx + own[k + 1] * dy + own[k + 2] * dz for k in (0, 3, 6)])


def _paint_plain(kind: Material, points: Tensor, look: Look) -> Tensor:
    x, y, z = points
    match kind:
        case Material.HAIR:
            return _paint_hair(x, y, z, look)
        case Material.SHIRT:
            return _paint_shirt(x, y, z, look)
        case Material.SLEEVE:
            around = torch.atan2(x, z) * 0.16
            return _cloth(around, y, look)
        case Material.CUFF:
            second = look.pattern in (Pattern.JACKET, Pattern.STRIPES)
            return _flat(x, look.cloth_second if second else look.cloth) * (1.0 if second else 0.72)
        case _:
            return _flat(x, look.skin)


def _paint_hair(x: Tensor, y: Tensor, z: Tensor, look: Look) -> Tensor:
    """Strands run down from the crown: fine differences from one to the next, none along it."""
    angle = torch.atan2(x, z + 0.15)
    strands = 0.5 * torch.sin(angle * 31 + 3 * torch.sin(5 * y)) + 0.35 * torch.sin(angle * 67 + 2.0 * y)
    band = torch.exp(-(((y + 0.27 + 0.05 * torch.sin(angle * 9)) / 0.09) ** 2))
    return _flat(x, look.hair) * (1 + 0.28 * strands + 0.7 * band)


def _paint_shirt(x: Tensor, y: Tensor, z: Tensor, look: Look) -> Tensor:
    around = torch.atan2(x, z + 0.15) * 0.62
    colour = _cloth(around, y, look)
    front = z > 0
    if look.pattern is Pattern.JACKET:
        edge = 0.17 + 0.10 * (1.1 - y).clamp(0, 1)
        shirt = _flat(x, look.cloth_second) * torch.where(x.abs() < 0.012, 0.7, 1.0)
        lapel = (x.abs() - edge).abs() < 0.022
        colour = torch.where(((x.abs() < edge) & front), shirt, colour)
        colour = torch.where((lapel & front), colour * 0.55, colour)
    opening = _neckline(x, y, look.neckline)
    rib = (opening < 0.05) & (opening >= 0) & front
    plain = (
        look.cloth_second
        if look.pattern is not Pattern.PLAIN or look.neckline is Neckline.COLLAR
        else look.cloth
    )
    colour = torch.where(rib, _flat(x, plain) * 0.86, colour)
    return torch.where(((opening < 0) & front), _flat(x, look.skin), colour)


def _neckline(x: Tensor, y: Tensor, neckline: Neckline) -> Tensor:
    """How far outside the neck's opening a point of the chest is; negative within."""
    match neckline:
        case Neckline.ROUND:
            return ((x / 0.29) ** 2 + ((y + 0.02) / 0.24) ** 2).sqrt() * 0.24 - 0.24
        case Neckline.V:
            return (x.abs() * 1.5 + y - 0.46) * 0.55
        case Neckline.COLLAR:
            return (x.abs() * 1.1 + y - 0.24) * 0.6


def _cloth(u: Tensor, v: Tensor, look: Look) -> Tensor:
    """*u* around the body or limb, *v* along it, in heads."""
    ground, second = _flat(u, look.cloth), _flat(u, look.cloth_second)
    pitch = look.pitch
    match look.pattern:
        case Pattern.STRIPES:
            amount = _band(v / pitch, 0.42)
        case Pattern.CHECKS:
            across, along = _band(u / pitch, 0.5), _band(v / pitch, 0.5)
            amount = 0.5 * (across + along)
        case Pattern.DOTS:
            row = torch.floor(v / pitch)
            du = torch.remainder(u / pitch + 0.5 * torch.remainder(row, 2), 1) - 0.5
            dv = torch.remainder(v / pitch, 1) - 0.5
            amount = ((0.27 - (du * du + dv * dv).sqrt()) / 0.06 + 0.5).clamp(0, 1)
        case _:
            amount = torch.zeros_like(u)
    return torch.lerp(ground, second, amount)


def _band(phase: Tensor, part: float) -> Tensor:
    """1 within the first *part* of every period, with soft edges."""
    edge = torch.cos(2 * math.pi * (phase - part / 2)) - math.cos(math.pi * part)
    return (edge * 4 + 0.5).clamp(0, 1)


def _flat(like: Tensor, colour: tuple[float, float, float]) -> Tensor:
    return like.new_tensor(colour).unsqueeze(1).expand(3, len(like))
