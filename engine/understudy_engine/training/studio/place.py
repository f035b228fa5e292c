"""What a place is made of: walls, floors, foliage, sky, furniture and lamps, as small tables of numbers.

Colours are linear light. Lengths are in parts of the picture's height as the clip's base view sees it: (0, 0) is
its upper left corner, (1, 1) its lower right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from .look import Colour, hsv

T = TypeVar("T")
BOXES, LAMPS, TONES, HILLS = 12, 10, 6, 3


class Kind(IntEnum):
    ROOM = 0  # a wall, a floor, furniture and lamps, mostly out of focus
    LEAVES = 1  # a world of overlapping things: foliage, a crowd of objects
    BLURRED = 2  # the same far out of focus
    OUTDOOR = 3  # sky, hills and ground
    TEXTURE = 4  # a wall of bricks, boards or tiles, or of cloth
    NOISE = 5  # clouds, plaster, haze
    GRADIENT = 6  # a painted or paper backdrop


KIND_WEIGHTS = (0.30, 0.13, 0.12, 0.17, 0.12, 0.08, 0.08)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The look of a wall or a floor."""

    colours: Tensor  # (2, 3) at one end and at the other
    cell: Tensor  # (3,) width and height of bricks, boards or tiles, and each row's shift in widths
    joint: Tensor  # half the width of the gaps
    joint_tone: Tensor  # how bright gaps are, 1 as the rest
    uneven: Tensor  # how much cells differ in brightness, 0-1
    grain: Tensor  # amplitude of the noise on it
    power: Tensor  # of the noise
    stretch: Tensor  # of the noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place; stacked, those of B clips, every field with a first dimension more."""

    kind: Tensor  # a Kind
    seed: Tensor  # 31 bits
    wall: Finish
    floor: Finish
    floor_at: Tensor  # where the floor meets the wall, above 1.3 for a place without a floor
    horizon: Tensor  # how far above that the floor would vanish
    tones: Tensor  # (TONES, 3) of leaves
    largest_leaf: Tensor
    leaves: Tensor  # whether leaves cover the wall
    foliage: Tensor  # how much leaves show on hills and floor, 0-1
    hills: Tensor  # (HILLS, 5) height, roughness, colour; heights above 1.3 are not there
    clouds: Tensor
    boxes: (
        Tensor  # (BOXES, 13) x, foot, half width and height, corner, opacity, near (1) or not, cells, colour
    )
    lamps: Tensor  # (LAMPS, 6) x, y, radius, colour
    defocus: Tensor  # (3,) blur of what is far, in the middle, near
    wall_away: Tensor  # heads from the figures to a wall that shows their shadows, 0 if none is so near
    falloff: Tensor  # how much the key light falls off across the place


def stack(items: Sequence[T], device: torch.device | str) -> T:
    """The same table with a row for each of *items*."""
    first: Any = items[0]
    columns: dict[str, Any] = {}
    for field in fields(first):
        values = [getattr(item, field.name) for item in items]
        nested = is_dataclass(values[0])
        columns[field.name] = stack(values, device) if nested else torch.stack(values).to(device)
    rows: T = type(first)(**columns)
    return rows


def sample_place(rng: np.random.Generator) -> Place:
    """Somewhere to film."""
    return _sample(rng, Kind(int(rng.choice(len(Kind), p=KIND_WEIGHTS))))


def sample_paper(rng: np.random.Generator) -> Place:
    """The ground of a character picture: plain in two pictures of three, else a soft scene."""
    if rng.random() > 1 / 3:
        return _sample(rng, Kind.GRADIENT)
    scene = _sample(rng, Kind(int(rng.choice([Kind.ROOM, Kind.BLURRED, Kind.OUTDOOR]))))
    return replace(scene, defocus=scene.defocus.clamp(min=0.012))


def _sample(rng: np.random.Generator, kind: Kind) -> Place:
    hue = _hue(rng)
    wall = _wall(rng, kind, hue)
    floored = kind in (Kind.ROOM, Kind.OUTDOOR) or (kind is not Kind.GRADIENT and rng.random() < 0.35)
    walled = kind in (Kind.TEXTURE, Kind.GRADIENT, Kind.NOISE)
    outdoors = kind is Kind.OUTDOOR
    return Place(
        kind=_number(kind, torch.int64),
        seed=_number(int(rng.integers(2**31)), torch.int64),
        wall=wall,
        floor=_floor(rng, kind, hue),
        floor_at=_number(rng.uniform(0.55, 0.95) if floored else 2.0),
        horizon=_number(rng.uniform(0.08, 0.5)),
        tones=torch.tensor(_tones(rng, hue, leafy=kind is Kind.LEAVES and rng.random() < 0.6)),
        largest_leaf=_number(
            math.exp(rng.uniform(math.log(0.16), math.log(0.6))) if not outdoors else rng.uniform(0.05, 0.16)
        ),
        leaves=torch.tensor(kind in (Kind.LEAVES, Kind.BLURRED)),
        foliage=_number(rng.uniform(0.5, 1.0) if outdoors and rng.random() < 0.8 else 0),
        hills=_hills(rng, kind),
        clouds=_number(rng.uniform(0, 0.9) if outdoors else 0),
        boxes=_boxes(rng, kind, hue),
        lamps=_lamps(rng, kind),
        defocus=torch.tensor(_defocus(rng, kind), dtype=torch.float32),
        wall_away=_number(rng.uniform(0.3, 1.2) if walled and rng.random() < 0.4 else 0),
        falloff=_number(rng.uniform(0.25, 0.6) if not outdoors else 0.05),
    )


def _hue(rng: np.random.Generator) -> float:
    """Mostly of earth, wood and skin, leaves, or sky."""
    common = float(rng.choice([0.08, 0.12, 0.30, 0.58], p=[0.35, 0.2, 0.2, 0.25]) + rng.normal(0, 0.03))
    return common if rng.random() < 0.8 else float(rng.uniform())


def _wall(rng: np.random.Generator, kind: Kind, hue: float) -> Finish:
    if kind is Kind.OUTDOOR:
        top, bottom = _sky(rng)
        return finish((top, bottom), grain=0.01, power=1.5)
    colourful = 0.45 if kind is Kind.GRADIENT else 0.3
    saturation, value = rng.uniform(0.02, colourful), rng.uniform(0.25, 0.9)
    colours = (
        hsv(hue, saturation, value),
        hsv(hue + rng.normal(0, 0.05), saturation * rng.uniform(0.6, 1.4), value * rng.uniform(0.55, 1.0)),
    )
    match kind:
        case Kind.TEXTURE:
            return _patterned(rng, colours, hue)
        case Kind.NOISE:
            second = hsv(hue + rng.normal(0, 0.1), saturation, value * 0.8)
            grain, stretch = rng.uniform(0.18, 0.4), math.exp(rng.normal(0, 0.3))
            return finish((colours[0], second), grain=grain, power=rng.uniform(0.8, 1.15), stretch=stretch)
        case Kind.GRADIENT:
            return finish(colours, grain=rng.uniform(0.01, 0.05), power=1.2)
        case _ if rng.random() < 0.35:
            return _patterned(rng, colours, hue)
        case _:
            return finish(colours, grain=rng.uniform(0.04, 0.14), power=rng.uniform(0.8, 1.3))


def _patterned(rng: np.random.Generator, colours: tuple[Colour, Colour], hue: float) -> Finish:
    """Bricks, boards, tiles, panels or cloth."""
    warm = hsv(rng.uniform(0.02, 0.11), rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.75))
    warmer = tuple(c * 0.75 for c in warm)
    pitch = math.exp(rng.uniform(math.log(0.05), math.log(0.16)))
    match int(rng.integers(5)):
        case 0:  # bricks
            own = (warm, (warmer[0], warmer[1], warmer[2])) if rng.random() < 0.6 else colours
            cell = (2.6 * pitch, pitch, 0.5)
            return finish(own, cell, 0.04 * pitch, rng.uniform(0.5, 1.5), 0.5, 0.2, 0.8)
        case 1:  # boards, upright or level
            boards = (pitch, 9.0, 0.0) if rng.random() < 0.5 else (rng.uniform(0.8, 2), pitch, 0.37)
            stretch = 0.25 if boards[1] > 1 else 4.0
            return finish(
                (warm, (warmer[0], warmer[1], warmer[2])),
                boards,
                0.02 * pitch,
                0.45,
                0.35,
                0.16,
                0.9,
                stretch,
            )
        case 2:  # tiles
            cell = (pitch, pitch * rng.choice([1.0, 0.5]), rng.choice([0.0, 0.5]))
            return finish(
                colours, cell, 0.025 * pitch, rng.uniform(0.6, 1.3), rng.uniform(0.05, 0.3), 0.05, 1.2
            )
        case 3:  # panels or a striped paper
            cell = (rng.uniform(0.04, 0.3), 9.0, 0.0)
            return finish(colours, cell, 0.003, 0.7, rng.uniform(0.1, 0.4), 0.06, 0.8)
        case _:  # cloth
            cell = (rng.uniform(0.012, 0.03), rng.uniform(0.012, 0.03), 0.5)
            return finish(colours, cell, 0.002, 0.75, 0.35, 0.22, 0.8)


def finish(
    colours: tuple[Colour, Colour],
    cell: tuple[float, float, float] = (9.0, 9.0, 0.0),
    joint: float = 0.0,
    joint_tone: float = 1.0,
    uneven: float = 0.0,
    grain: float = 0.05,
    power: float = 1.2,
    stretch: float = 1.0,
) -> Finish:
    """A finish from plain numbers; by default without cells."""
    return Finish(
        colours=torch.tensor(colours),
        cell=torch.tensor(cell, dtype=torch.float32),
        joint=_number(joint),
        joint_tone=_number(joint_tone),
        uneven=_number(uneven),
        grain=_number(grain),
        power=_number(power),
        stretch=_number(stretch),
    )


def _floor(rng: np.random.Generator, kind: Kind, hue: float) -> Finish:
    if kind is Kind.OUTDOOR:
        green = rng.random() < 0.5
        ground = hsv(
            rng.uniform(0.18, 0.30) if green else rng.uniform(0.06, 0.13), 0.4, rng.uniform(0.3, 0.65)
        )
        return finish((ground, tuple(0.7 * c for c in ground)), grain=0.30, power=0.8)  # type: ignore[arg-type]
    tone = hsv(hue + rng.uniform(0.4, 0.6), rng.uniform(0.05, 0.35), rng.uniform(0.2, 0.7))
    second = (tone[0] * 0.8, tone[1] * 0.8, tone[2] * 0.8)
    return _patterned(rng, (tone, second), hue) if rng.random() < 0.6 else finish((tone, second), grain=0.12)


def _sky(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Blue, grey or at dusk."""
    match int(rng.choice(3, p=(0.5, 0.3, 0.2))):
        case 0:
            return hsv(rng.uniform(0.55, 0.61), rng.uniform(0.3, 0.6), rng.uniform(0.7, 0.95)), hsv(
                0.55, 0.1, 0.98
            )
        case 1:
            return hsv(0.6, rng.uniform(0.02, 0.12), rng.uniform(0.55, 0.8)), hsv(0.58, 0.04, 0.9)
        case _:
            return hsv(rng.uniform(0.6, 0.75), 0.35, rng.uniform(0.4, 0.65)), hsv(
                rng.uniform(0.03, 0.1), 0.4, 0.95
            )


def _tones(rng: np.random.Generator, hue: float, leafy: bool) -> list[Colour]:
    """Colours of leaves: mostly quiet, a few strong ones, with the spread of brightness that nature has."""
    tones = []
    for _ in range(TONES):
        near = rng.normal(0.23, 0.05) if leafy else hue + rng.normal(0, 0.12) + 0.5 * (rng.random() < 0.25)
        value = float(np.clip(np.exp(rng.normal(math.log(0.48), 0.45)), 0.08, 1))
        tones.append(hsv(near, float(rng.beta(1.6, 4)) + 0.08 * leafy, value))
    return tones


def _hills(rng: np.random.Generator, kind: Kind) -> Tensor:
    """From far to near, paler with distance."""
    hills = torch.tensor([2.0, 0, 0, 0, 0]).repeat(HILLS, 1)
    if kind is not Kind.OUTDOOR:
        return hills
    hue, haze = rng.uniform(0.2, 0.36), np.array(hsv(0.58, 0.12, 0.8))
    for index in range(int(rng.integers(1, HILLS + 1))):
        part = 0.65 - 0.3 * index
        colour = np.array(hsv(hue + rng.normal(0, 0.03), rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.5)))
        mixed = colour * (1 - part) + haze * part
        hills[index] = torch.tensor([rng.uniform(0.3, 0.42) + 0.08 * index, rng.uniform(0.02, 0.09), *mixed])
    return hills


def _boxes(rng: np.random.Generator, kind: Kind, hue: float) -> Tensor:
    """Furniture, frames, windows, trees; what is not there is transparent."""
    boxes = torch.zeros((BOXES, 13))
    boxes[:, :5] = torch.tensor([0.5, 0.0, 0.1, 0.1, 0.01])
    boxes[:, 7:9] = 1.0
    most = {Kind.ROOM: BOXES, Kind.OUTDOOR: 4, Kind.TEXTURE: 3, Kind.GRADIENT: 0}.get(kind, 2)
    for index in range(int(rng.integers(most // 3, most + 1))):
        near = rng.random() < 0.2
        half_w, half_h = np.exp(rng.uniform(math.log(0.03), math.log(0.2), 2))
        hangs = kind is not Kind.OUTDOOR and not near and rng.random() < 0.5
        x, foot = rng.uniform(-0.15, 1.15), -rng.uniform(0.3, 0.8) if hangs else rng.uniform(0.0, 0.02)
        if near:
            foot = rng.uniform(0.1, 0.3)
        if not hangs:
            half_h *= 1.5
        loud = 0.5 if kind is Kind.OUTDOOR else 1.0
        tone = hsv(hue + rng.normal(0, 0.12), loud * float(rng.beta(2, 4)), loud * rng.uniform(0.12, 0.85))
        if index == 1 and hangs and rng.random() < 0.6:  # a window
            tone = (1.3, 1.4, 1.5)
        corner = rng.choice([0.004, 0.02, 0.9], p=(0.6, 0.25, 0.15)) * min(half_w, half_h)
        # Shelves, books, windows of houses, drawers.
        cell = np.exp(rng.uniform(math.log(0.012), math.log(0.12), 2)) if rng.random() < 0.6 else (9.0, 9.0)
        uneven = rng.uniform(0.2, 0.9)
        row = [x, foot, half_w, half_h, corner, rng.uniform(0.9, 1), float(near), *cell, uneven, *tone]
        boxes[index] = torch.tensor(row)
    return boxes


def _lamps(rng: np.random.Generator, kind: Kind) -> Tensor:
    """Lamps out of focus."""
    lamps = torch.zeros((LAMPS, 6))
    lamps[:, 2] = 0.02
    if kind in (Kind.ROOM, Kind.BLURRED) and rng.random() < 0.5:
        radius = rng.uniform(0.015, 0.05)
        for index in range(int(rng.integers(2, LAMPS + 1))):
            colour = np.array(hsv(rng.uniform(0.04, 0.16), rng.uniform(0.1, 0.45), 1.0)) * rng.uniform(
                0.06, 0.5
            )
            size = radius * rng.uniform(0.8, 1.2)
            lamps[index] = torch.tensor([rng.uniform(-0.1, 1.1), rng.uniform(-0.1, 0.6), size, *colour])
    return lamps


def _defocus(rng: np.random.Generator, kind: Kind) -> tuple[float, float, float]:
    """How far out of focus far, middle and near things are: standard deviations in parts of the picture."""
    match kind:
        case Kind.BLURRED:
            far = rng.uniform(0.015, 0.05)
        case Kind.ROOM:
            far = rng.choice([rng.uniform(0.0012, 0.006), rng.uniform(0.006, 0.03)])
        case _:
            far = 0.0012 if rng.random() < 0.6 else rng.uniform(0.0012, 0.008)
    return float(far), float(far * rng.uniform(0.5, 0.9)), float(far * rng.uniform(0.2, 0.5))


def _number(value: float, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(value, dtype=dtype)
