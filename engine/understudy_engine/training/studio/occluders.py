"""What stands, hangs, passes or is held between the camera and the figures, in one clip of four.

Like a place, an occluder is painted once a clip on a canvas larger than the picture and then seen by moving views.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from .background import MARGIN, see_through
from .camera import View
from .light import LightRows
from .look import Colour, hsv
from .place import stack
from .texture import blur, falling_noise, rise

SHAPES = 16
NEARER = 1.12  # how far an occluder moves against the figures when the camera moves
Shape = tuple[float, ...]  # x, y, half width, half height, turn in radians, squareness 0-1, colour


class Kind(IntEnum):
    NOTHING = 0
    TABLE = 1
    PLANT = 2
    POLE = 3
    PASSER = 4  # somebody who walks by, close to the camera
    PROP = 5  # a thing in the driver's hand
    BOX = 6


KIND_WEIGHTS = (0.75, 0.06, 0.05, 0.04, 0.03, 0.04, 0.03)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occluder:
    """Lengths are in parts of the picture's height as in ``place``; those of a prop are in heads about its hand."""

    kind: Tensor  # a Kind
    seed: Tensor
    shapes: Tensor  # (SHAPES, 9), a later one before an earlier one; of no size where there is none
    defocus: Tensor  # standard deviation of the blur
    speed: Tensor  # pictures a second to the right
    middle_s: Tensor  # when what moves is in the picture's middle


def sample_occluder(rng: np.random.Generator) -> Occluder:
    """Nothing, in three clips of four, or one thing."""
    kind = Kind(int(rng.choice(len(Kind), p=KIND_WEIGHTS)))
    tone = hsv(float(rng.uniform()), float(rng.beta(2, 4)), rng.uniform(0.12, 0.75))
    shapes = _SHAPES_OF[kind](rng, tone)
    table = torch.zeros((SHAPES, 9))
    if shapes:
        table[: len(shapes)] = torch.tensor(shapes)
    passes = kind is Kind.PASSER
    blurred = 0.012 if passes else float(rng.uniform(0.002, 0.006))
    return Occluder(
        kind=torch.tensor(int(kind)),
        seed=torch.tensor(int(rng.integers(2**31))),
        shapes=table,
        defocus=torch.tensor(0.002 if kind is Kind.PROP else blurred),
        speed=torch.tensor(float(rng.uniform(0.6, 1.4) * rng.choice([-1, 1])) if passes else 0.0),
        middle_s=torch.tensor(float(rng.uniform(0.4, 2.0))),
    )


def _nothing(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    return []


def _table(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    top = rng.uniform(0.80, 0.93)
    edge = (0.6 * tone[0], 0.6 * tone[1], 0.6 * tone[2])
    return [(0.5, top + 0.5, 2.0, 0.5, 0.0, 1.0, *edge), (0.5, top, 2.0, 0.018, 0.0, 1.0, *tone)]


def _plant(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    """Long leaves from a lower corner."""
    root = rng.choice([-0.05, 1.05]) + rng.normal(0, 0.05)
    leaves: list[Shape] = []
    for _ in range(SHAPES):
        turn, length = rng.normal(0, 0.55), rng.uniform(0.12, 0.30)
        x, y = root + math.sin(turn) * length, 1.05 - math.cos(turn) * length
        green = hsv(rng.normal(0.29, 0.03), rng.uniform(0.3, 0.65), rng.uniform(0.2, 0.55))
        leaves.append((x, y, rng.uniform(0.018, 0.04), length, turn, 0.0, *green))
    return leaves


def _pole(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    side = rng.choice([rng.uniform(0.04, 0.3), rng.uniform(0.7, 0.96)])
    return [(side, 0.5, rng.uniform(0.015, 0.045), 2.0, rng.normal(0, 0.02), 1.0, *tone)]


def _passer(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    """A head, shoulders and a body, out of focus."""
    skin = hsv(0.06, rng.uniform(0.25, 0.5), rng.uniform(0.3, 0.9))
    hair = hsv(0.07, 0.4, rng.uniform(0.1, 0.5))
    top = rng.uniform(0.05, 0.35)
    return [
        (0.5, top + 0.66, 0.17, 0.45, 0.0, 0.6, *tone),
        (0.5, top + 0.20, 0.045, 0.1, 0.0, 0.3, *skin),
        (0.5, top + 0.08, 0.085, 0.11, 0.0, 0.0, *hair),
        (0.5 + rng.uniform(-0.02, 0.02), top + 0.11, 0.07, 0.095, 0.0, 0.0, *skin),
    ]


def _prop(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    """A cup, a telephone, a ball or a book."""
    turn, second = rng.normal(0, 0.25), (0.5 * tone[0] + 0.3, 0.5 * tone[1] + 0.3, 0.5 * tone[2] + 0.3)
    match int(rng.integers(4)):
        case 0:
            return [(0.13, 0, 0.08, 0.09, turn, 0.3, *tone), (0, 0, 0.13, 0.17, turn, 0.9, *second)]
        case 1:
            return [(0, 0, 0.12, 0.23, turn, 0.8, 0.03, 0.03, 0.035), (0, 0, 0.10, 0.20, turn, 0.8, *tone)]
        case 2:
            return [(0, 0, 0.22, 0.22, 0, 0, *tone), (0, 0, 0.22, 0.05, turn, 0.2, *second)]
        case _:
            return [(0, 0, 0.24, 0.32, turn, 1, *tone), (0, -0.08, 0.15, 0.06, turn, 1, *second)]


def _box(rng: np.random.Generator, tone: Colour) -> list[Shape]:
    x, half = rng.uniform(0, 1), rng.uniform(0.06, 0.16)
    top = rng.uniform(0.72, 0.9)
    label = (0.5 * tone[0] + 0.25, 0.5 * tone[1] + 0.25, 0.5 * tone[2] + 0.25)
    return [(x, top + 0.5, half, 0.5, 0.0, 1.0, *tone), (x, top + 0.12, 0.6 * half, 0.04, 0.0, 1.0, *label)]


_SHAPES_OF = {
    Kind.NOTHING: _nothing,
    Kind.TABLE: _table,
    Kind.PLANT: _plant,
    Kind.POLE: _pole,
    Kind.PASSER: _passer,
    Kind.PROP: _prop,
    Kind.BOX: _box,
}


@dataclass(frozen=True, slots=True)
class OccluderCanvases:
    """The occluders of B clips, painted."""

    layers: Tensor  # (B, 4, C, C) linear light times coverage, and coverage
    occluders: Occluder  # (B,)
    base: View  # (B,)

    def seen_by(self, views: View, clip_index: Tensor, seconds: Tensor, hands: Tensor) -> Tensor:
        """What the rows' views see of them at *seconds* (N,), (N, 4, S, S), premultiplied linear light to be drawn
        over the figures. *hands* (N, 2) or (N, 3) is where the driver's hand that may hold a thing is in the studio.
        """
        clip, base = clip_index, self.base.at(clip_index)
        heads = base.size / base.scale
        passed = self.occluders.speed[clip] * (seconds - self.occluders.middle_s[clip]) * heads
        walked = torch.stack([passed, torch.zeros_like(passed)], dim=-1)
        held = (self.occluders.kind[clip] == Kind.PROP)[:, None]
        # A held thing moves as its hand does, not as what is nearer to the camera.
        lag = (1 - NEARER) * (views.centre - base.centre)
        shift = torch.where(held, hands[:, :2] - base.centre - lag, walked)
        return see_through(self.layers[clip], views, base, NEARER, shift, padding="zeros")


def paint_occluders(occluders: Sequence[Occluder], lights: LightRows, base: View) -> OccluderCanvases:
    """The canvases of B occluders, each in its light (B,), around the base view (B,) of its clip. Only those that
    are there are painted. Memory: 9 bytes a pixel of the picture for each clip, 40 for each with an occluder."""
    device = base.scale.device
    size = round(base.size * (1 + 2 * MARGIN))
    rows = stack(occluders, device)
    layers = torch.zeros((len(occluders), 4, size, size), device=device)
    there = [index for index, one in enumerate(occluders) if one.kind != Kind.NOTHING]
    if there:
        chosen = torch.tensor(there, device=device)
        few = stack([occluders[index] for index in there], device)
        layers.index_copy_(0, chosen, _paint(few, lights.at(chosen), base.at(chosen), size))
    return OccluderCanvases(layers, rows, base)


def _paint(occluder: Occluder, lights: LightRows, base: View, size: int) -> Tensor:
    u, v, extent = _own_lengths(occluder, base, size)
    pixel = 1.5 * extent / size
    level = torch.ones_like(occluder.defocus)
    grain = 0.08 * falling_noise(occluder.seed, size, 1.1 * level, level)
    around = lights.sky + 0.6 * lights.fill + 0.4 * lights.ground
    lit_side = lights.direction[:, 0, None, None]
    layer = u.new_zeros((len(u), 4, size, size))
    for shape in occluder.shapes.unbind(1):
        x, y, half_w, half_h, turn, square, *colour = (value[:, None, None] for value in shape.unbind(1))
        c, s = turn.cos(), turn.sin()
        across = ((u - x) * c + (v - y) * s) / half_w.clamp(min=1e-3)
        down = ((v - y) * c - (u - x) * s) / half_h.clamp(min=1e-3)
        round_, boxy = torch.hypot(across, down), torch.maximum(across.abs(), down.abs())
        edge = (1 - torch.lerp(round_, boxy, square)) * torch.minimum(half_w, half_h)
        alpha = (rise(edge, -pixel, pixel) * (half_w > 0))[:, None]
        key = (0.5 + 0.4 * lit_side * across.clamp(-1, 1))[:, None] * lights.key[:, :, None, None]
        received = (key + around[:, :, None, None]) * (1 + grain)[:, None]
        painted = torch.stack(colour, dim=1).clamp(0, 1) * received * alpha
        layer = layer * (1 - alpha) + torch.cat([painted, alpha], dim=1)
    colour, coverage = blur(layer, occluder.defocus * base.size).split((3, 1), dim=1)
    return torch.cat([colour.clamp(min=0), coverage.clamp(0, 1)], dim=1)


def _own_lengths(occluder: Occluder, base: View, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where each sample of the canvas is in the lengths of its occluder, (B, C, C) each, and how many of them the
    canvas is wide, (B, 1, 1)."""
    middles = ((torch.arange(size, device=base.scale.device) + 0.5) / size - 0.5) * (1 + 2 * MARGIN)
    held = (occluder.kind == Kind.PROP)[:, None, None]
    scale = torch.where(held, (base.size / base.scale)[:, None, None], 1.0)
    origin = torch.where(held, 0.0, 0.5)
    u, v = (middles[None, None, :] * scale + origin), (middles[None, :, None] * scale + origin)
    count = len(scale)
    return u.expand(count, size, size), v.expand(count, size, size), (1 + 2 * MARGIN) * scale
