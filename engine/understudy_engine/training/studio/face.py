"""The face: where its features are, and how they are painted on the head.

Coordinates are the head's own, in parts of its size: x to the right of the picture when it looks at the camera,
y down, the middle of the skull at (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .constants import constant
from .look import Colour, LookRows
from .pose import Expression

EYE_X, EYE_Y = 0.158, 0.075
EYE_HALF_WIDTH, UPPER_LID, LOWER_LID = 0.100, 0.086, 0.056
BROW_Y, BROW_RISE, BROW_HALF_WIDTH = -0.070, 0.045, 0.112
MOUTH_Y, MOUTH_HALF_WIDTH, MOUTH_DROP = 0.375, 0.145, 0.135
DARK: Colour = (0.035, 0.018, 0.016)


@dataclass(frozen=True, slots=True)
class FaceColours:
    """Of each point, (3, M)."""

    skin: Tensor
    lips: Tensor
    hair: Tensor
    iris: Tensor
    eye_size: Tensor  # (M,)
    brow_weight: Tensor  # (M,)


def at_points(expression: Expression, row: Tensor) -> Expression:
    """The expression of each point's own row, for points of rows *row* (M,)."""
    return Expression(
        **{f.name: getattr(expression, f.name).index_select(0, row) for f in fields(expression)}
    )


def colours_at_points(look: LookRows, row: Tensor) -> FaceColours:
    skin, lips, hair, iris = (c.mT.index_select(1, row) for c in (look.skin, look.lips, look.hair, look.iris))
    eye_size, brow_weight = look.eye_size.index_select(0, row), look.brow_weight.index_select(0, row)
    return FaceColours(skin, lips, hair, iris, eye_size, brow_weight)


def mouth_corner(e: Expression) -> tuple[Tensor, Tensor]:
    """Half the mouth's width, and how far its corners lie above its middle."""
    width = MOUTH_HALF_WIDTH * (1 + 0.22 * e.smile - 0.42 * e.pucker - 0.08 * e.jaw)
    return width, 0.075 * e.smile


def mouth_edges(x: Tensor, e: Expression) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Heights y at x of: the upper lip's top, the opening's top and bottom, the lower lip's bottom."""
    width, lift = mouth_corner(e)
    r = (x / width).clamp(-1, 1)
    bow = 1 - r * r
    line = MOUTH_Y - lift * r * r + 0.25 * lift
    opened = MOUTH_DROP * e.jaw * bow.sqrt() * (1 - 0.15 * e.smile)
    top = line - 0.12 * opened
    bottom = line + 0.88 * opened
    full = 1 + 0.3 * e.pucker
    cupid = 0.010 * torch.exp(-((x / 0.022) ** 2))
    return top - (0.032 * bow.sqrt() - cupid) * full, top, bottom, bottom + 0.042 * bow.sqrt() * full


def brow_line(x_out: Tensor, raised: Tensor) -> Tensor:
    """Height of a brow's middle line; *x_out* is measured from the nose outward, -1 to 1 along the brow."""
    frown = (-raised).clamp(min=0)
    arch = 0.030 * (1 - (x_out - 0.1) ** 2)
    return BROW_Y - BROW_RISE * raised - arch - 0.02 * frown * x_out


def paint_face(x: Tensor, y: Tensor, z: Tensor, e: Expression, look: FaceColours, softness: Tensor) -> Tensor:
    """Albedo (3, M) of points on the head. *softness* (M,): over how far an edge runs, about a
    sample's width."""
    paint = Painter(x, y, look.skin, softness)
    before = ((z - 0.02) / 0.1).clamp(0, 1)  # nothing is painted on the back of the head
    for side in (-1.0, 1.0):
        cheek = torch.exp(-(((x - side * 0.215) / 0.10) ** 2) - ((y - 0.235) / 0.075) ** 2)
        paint.tint(look.lips, 0.30 * cheek * before)
    paint.tint(look.lips, 0.22 * torch.exp(-((x / 0.07) ** 2) - ((y - 0.25) / 0.05) ** 2) * before)
    for side in (-1.0, 1.0):
        _paint_nostril(paint, side, before)
        _paint_eye(paint, side, e, look, before)
        _paint_brow(paint, side, e.brow_left if side > 0 else e.brow_right, look, before)
    _paint_mouth(paint, e, look, before)
    return paint.colour


class Painter:
    """Lays colours over each other where a signed distance (negative inside) says so."""

    def __init__(self, x: Tensor, y: Tensor, ground: Tensor, softness: Tensor) -> None:
        self.x, self.y = x, y
        self.softness = softness
        self.colour = ground

    def inside(self, distance: Tensor) -> Tensor:
        return (0.5 - distance / self.softness).clamp(0, 1)

    def tint(self, colour: Colour | Tensor, weight: Tensor) -> None:
        target = colour if isinstance(colour, Tensor) else constant(colour, self.x)[:, None]
        self.colour = torch.lerp(self.colour, target, weight)


def _paint_eye(paint: Painter, side: float, e: Expression, look: FaceColours, before: Tensor) -> None:
    size = look.eye_size
    u, v = (paint.x - side * EYE_X) / size, (paint.y - EYE_Y) / size
    r = u / EYE_HALF_WIDTH
    arch = (1 - r.abs().clamp(max=1) ** 2.2) ** 0.85
    slant = 0.010 * r * side
    lid = (
        LOWER_LID * 0.5 - (UPPER_LID + LOWER_LID * 0.5) * e.eyes
    )  # of the upper lid's edge, at the eye's middle
    upper, lower = lid * arch - slant, LOWER_LID * arch * (1 - 0.12 * e.smile.clamp(min=0)) - slant
    across = (r.abs() - 1) * EYE_HALF_WIDTH
    opening = torch.maximum(torch.maximum(upper - v, v - lower), across)
    inside = paint.inside(opening * size) * before

    crease = (v - (upper - 0.030 * arch)).abs() - 0.005
    shade = look.skin * constant((0.55, 0.42, 0.42), u)[:, None]
    paint.tint(shade, 0.55 * paint.inside(torch.maximum(crease, across + 0.012)) * before)

    paint.tint((0.86, 0.84, 0.82), inside)
    paint.tint((0.45, 0.40, 0.40), inside * 0.55 * torch.exp(-((v - upper).clamp(min=0) / 0.018)))
    iu, iv = u - 0.042 * e.gaze_x, v + 0.012 - 0.030 * e.gaze_y
    iris = (iu * iu + iv * iv).sqrt()
    paint.tint(0.35 * look.iris, inside * paint.inside(iris - 0.060))
    glow = look.iris * (1 + 1.6 * ((iv + 0.03) / 0.06).clamp(0, 1))
    paint.tint(glow, inside * paint.inside(iris - 0.049))
    paint.tint((0.006, 0.005, 0.005), inside * paint.inside(iris - 0.027))
    shine = ((iu + 0.018) ** 2 + (iv + 0.020) ** 2).sqrt()
    paint.tint((1.5, 1.5, 1.5), inside * paint.inside(shine - 0.0135))

    lash = (v - upper + 0.006).abs() - 0.0125 * (0.75 + 0.35 * side * r)
    wing = torch.maximum(lash, (r.abs() - 1.04) * EYE_HALF_WIDTH)
    paint.tint(DARK, 0.95 * paint.inside(wing * size) * before)
    rim = torch.maximum((v - lower).abs() - 0.003, across)
    paint.tint(shade, 0.5 * paint.inside(rim * size) * before)


def _paint_brow(paint: Painter, side: float, raised: Tensor, look: FaceColours, before: Tensor) -> None:
    out = side * (paint.x - side * (EYE_X + 0.008)) / BROW_HALF_WIDTH
    thick = 0.020 * look.brow_weight * (1 - 0.55 * out.clamp(-1, 1) ** 2 - 0.15 * out.clamp(-1, 1))
    distance = torch.maximum(
        (paint.y - brow_line(out, raised)).abs() - thick, (out.abs() - 1) * BROW_HALF_WIDTH
    )
    paint.tint(0.55 * look.hair + 0.004, 0.9 * paint.inside(distance) * before)


def _paint_nostril(paint: Painter, side: float, before: Tensor) -> None:
    u, v = (paint.x - side * 0.036) / 0.020, (paint.y - 0.286) / 0.011
    distance = ((u * u + v * v).sqrt() - 1) * 0.011
    paint.tint(DARK, 0.62 * paint.inside(distance) * before)


def _paint_mouth(paint: Painter, e: Expression, look: FaceColours, before: Tensor) -> None:
    width, _ = mouth_corner(e)
    top_lip, top, bottom, bottom_lip = mouth_edges(paint.x, e)
    across = paint.x.abs() - width
    y = paint.y
    lips = torch.maximum(torch.maximum(top_lip - y, y - bottom_lip), across)
    paint.tint(look.lips, 0.92 * paint.inside(lips) * before)
    light = look.lips * constant((1.25, 1.3, 1.3), y)[:, None]
    paint.tint(
        light, 0.5 * torch.exp(-(((y - bottom - 0.016) / 0.010) ** 2) - (paint.x / 0.06) ** 2) * before
    )
    opening = torch.maximum(torch.maximum(top - y, y - bottom), across)
    inside = paint.inside(opening) * before
    paint.tint((0.05, 0.010, 0.012), inside)
    tongue = ((paint.x / (0.6 * width)) ** 2 + ((y - bottom - 0.012) / 0.045) ** 2).sqrt() - 1
    paint.tint((0.42, 0.10, 0.10), inside * paint.inside(tongue * 0.045))
    teeth = torch.maximum(y - top - 0.024, across + 0.02)
    paint.tint((0.82, 0.79, 0.74), inside * paint.inside(teeth))
    seam = torch.maximum((y - 0.5 * (top + bottom)).abs() - 0.0045, across - 0.008)
    paint.tint(DARK, 0.75 * paint.inside(seam) * (1 - 4 * e.jaw).clamp(0, 1) * before)
