"""How a figure looks: skin, hair, eyes, clothes. Colours are linear light, 0-1, as (r, g, b)."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

Colour = tuple[float, float, float]
T = TypeVar("T")


class Hair(IntEnum):
    SHORT = 0
    BOB = 1
    LONG = 2
    BUN = 3
    CURLS = 4


class Pattern(IntEnum):
    PLAIN = 0
    STRIPES = 1
    CHECKS = 2
    DOTS = 3
    JACKET = 4  # worn open over a shirt of the second colour


class Neckline(IntEnum):
    ROUND = 0
    V = 1
    COLLAR = 2


class Lower(IntEnum):
    TROUSERS = 0
    SHORTS = 1
    SKIRT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    hairstyle: Hair
    parting: float  # where the fringe parts, -1 to 1
    pattern: Pattern
    cloth: Colour
    cloth_second: Colour
    pitch: float  # of the pattern, heads from one stripe or dot to the next
    neckline: Neckline
    long_sleeves: bool
    eye_size: float
    brow_weight: float
    hue: float  # of the cloth, 0-1, so that another look can keep away from it
    lower: Lower
    lower_pattern: Pattern
    lower_cloth: Colour
    lower_second: Colour
    shoes: Colour
    hat: bool
    hat_colour: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRows:
    """The looks of many figures: colours (N, 3), everything else (N,)."""

    skin: Tensor
    lips: Tensor
    hair: Tensor
    iris: Tensor
    hairstyle: Tensor
    parting: Tensor
    pattern: Tensor
    cloth: Tensor
    cloth_second: Tensor
    pitch: Tensor
    neckline: Tensor
    long_sleeves: Tensor
    eye_size: Tensor
    brow_weight: Tensor
    hue: Tensor
    lower: Tensor
    lower_pattern: Tensor
    lower_cloth: Tensor
    lower_second: Tensor
    shoes: Tensor
    hat: Tensor
    hat_colour: Tensor

    def at(self, rows: Tensor) -> LookRows:
        """The rows whose numbers are *rows* (M,)."""
        return LookRows(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def look_rows(looks: Sequence[Look], device: torch.device | str) -> LookRows:
    """One row for each of *looks*."""
    names = [field.name for field in fields(Look)]
    return LookRows(
        **{name: torch.tensor([getattr(look, name) for look in looks]).to(device) for name in names}
    )


# Skins from light to dark, each with how many of the hairs and irises below go with it.
SKINS = ("#f3cdb5", "#e8b796", "#d9a07a", "#c08560", "#9a6444", "#744630", "#563425")
HAIRS = ("#1c1614", "#33221a", "#b4b0ab", "#5b5558", "#4a2f20", "#6e4527", "#8d3b1f", "#a8713a", "#d2a860")
IRISES = ("#3c2415", "#5a3a1e", "#6b4423", "#7a5a2a", "#3f6b3a", "#3a6ea5", "#5b7f8c")
HAIRSTYLES, PATTERNS = tuple(Hair), tuple(Pattern)
HAIRS_WITH = (9, 9, 8, 6, 5, 4, 4)
IRISES_WITH = (7, 7, 6, 5, 4, 3, 3)


def srgb(code: str) -> Colour:
    """ "#rrggbb" -> linear light."""
    r, g, b = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return _linear(r), _linear(g), _linear(b)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return _linear(r), _linear(g), _linear(b)


def _linear(v: float) -> float:
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def random_look(rng: np.random.Generator, unlike: Look | None = None) -> Look:
    """A look; with *unlike*, one that nobody would confuse with it: other hair, pattern and colours."""
    skins = _others(SKINS, [] if unlike is None else [s for s in SKINS if _near(srgb(s), unlike.skin, 0.09)])
    styles = _others(HAIRSTYLES, [] if unlike is None else [unlike.hairstyle])
    patterns = _others(PATTERNS, [] if unlike is None else [unlike.pattern])
    code = str(rng.choice(skins))
    skin, tone = srgb(code), SKINS.index(code)
    fitting = HAIRS[: HAIRS_WITH[tone]]
    hairs = _others(
        fitting, [] if unlike is None else [h for h in fitting if _near(srgb(h), unlike.hair, 0.03)]
    )
    hue = float(rng.uniform() if unlike is None else unlike.hue + rng.uniform(0.3, 0.7)) % 1
    pattern = Pattern(int(rng.choice(patterns)))
    light_second = rng.random() < 0.6
    second = hsv(hue + rng.uniform(-0.1, 0.1), 0.12, 0.93) if light_second else hsv(hue + 0.45, 0.7, 0.75)
    upper: dict[str, Any] = {
        "skin": skin,
        "lips": _mix((skin[0] * 0.86, skin[1] * 0.52, skin[2] * 0.55), hsv(0.98, 0.7, 0.62), 0.35),
        "hair": srgb(str(rng.choice(hairs))),
        "iris": srgb(str(rng.choice(IRISES[: IRISES_WITH[tone]]))),
        "hairstyle": Hair(int(rng.choice(styles))),
        "parting": float(rng.uniform(-0.8, 0.8)),
        "pattern": pattern,
        "cloth": hsv(hue, float(rng.uniform(0.55, 0.85)), float(rng.uniform(0.5, 0.85))),
        "cloth_second": second,
        "pitch": float(rng.uniform(0.2, 0.34)),
        "neckline": Neckline(int(rng.choice(list(Neckline)))),
        "long_sleeves": bool(pattern is Pattern.JACKET or rng.random() < 0.45),
        "eye_size": float(rng.uniform(0.92, 1.12)),
        "brow_weight": float(rng.uniform(0.75, 1.25)),
        "hue": hue,
    }
    return Look(**upper, **_below(rng, hue))


def _below(rng: np.random.Generator, hue: float) -> dict[str, Any]:
    """What is worn on the legs and feet, and a hat or none."""
    kind = Lower(int(rng.choice(3, p=(0.6, 0.2, 0.2))))
    pattern = (
        Pattern(int(rng.choice(3, p=(0.7, 0.12, 0.18))))
        if kind is not Lower.SKIRT
        else PATTERNS[int(rng.integers(4))]
    )
    own = hue + float(rng.uniform(0.2, 0.8))
    dull, value = float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.22, 0.75))
    return {
        "lower": kind,
        "lower_pattern": pattern,
        "lower_cloth": hsv(own, dull, value),
        "lower_second": hsv(own + float(rng.uniform(-0.1, 0.1)), 0.6 * dull, 0.5 + 0.5 * value),
        "shoes": hsv(float(rng.uniform()), float(rng.uniform(0, 0.7)), float(rng.uniform(0.08, 0.85))),
        "hat": bool(rng.random() < 0.14),
        "hat_colour": hsv(float(rng.uniform()), float(rng.uniform(0.3, 0.85)), float(rng.uniform(0.3, 0.85))),
    }


def _others(choices: tuple[T, ...], taken: list[T]) -> list[T]:
    return [choice for choice in choices if choice not in taken]


def _near(a: Colour, b: Colour, distance: float) -> bool:
    return math.dist(a, b) < distance


def _mix(a: Colour, b: Colour, part: float) -> Colour:
    r, g, bl = (x * (1 - part) + y * part for x, y in zip(a, b, strict=True))
    return r, g, bl
