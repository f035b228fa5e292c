"""How a figure looks: skin, hair, eyes, clothes. Colours are linear light, 0-1, as (r, g, b)."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]
T = TypeVar("T")


class Hair(StrEnum):
    SHORT = "short"
    BOB = "bob"
    LONG = "long"
    BUN = "bun"
    CURLS = "curls"


class Pattern(StrEnum):
    PLAIN = "plain"
    STRIPES = "stripes"
    CHECKS = "checks"
    DOTS = "dots"
    JACKET = "jacket"  # worn open over a shirt of the second colour


class Neckline(StrEnum):
    ROUND = "round"
    V = "v"
    COLLAR = "collar"


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


# Skins from light to dark, each with how many of the hairs and irises below go with it.
SKINS = ("#f3cdb5", "#e8b796", "#d9a07a", "#c08560", "#9a6444", "#744630", "#563425")
HAIRS = ("#1c1614", "#33221a", "#b4b0ab", "#5b5558", "#4a2f20", "#6e4527", "#8d3b1f", "#a8713a", "#d2a860")
IRISES = ("#3c2415", "#5a3a1e", "#6b4423", "#7a5a2a", "#3f6b3a", "#3a6ea5", "#5b7f8c")
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
    styles = _others(tuple(Hair), [] if unlike is None else [unlike.hairstyle])
    patterns = _others(tuple(Pattern), [] if unlike is None else [unlike.pattern])
    code = str(rng.choice(skins))
    skin, tone = srgb(code), SKINS.index(code)
    fitting = HAIRS[: HAIRS_WITH[tone]]
    hairs = _others(
        fitting, [] if unlike is None else [h for h in fitting if _near(srgb(h), unlike.hair, 0.03)]
    )
    hue = float(rng.uniform() if unlike is None else unlike.hue + rng.uniform(0.3, 0.7)) % 1
    pattern = Pattern(rng.choice(patterns))
    light_second = rng.random() < 0.6
    second = hsv(hue + rng.uniform(-0.1, 0.1), 0.12, 0.93) if light_second else hsv(hue + 0.45, 0.7, 0.75)
    return Look(
        skin=skin,
        lips=_mix((skin[0] * 0.86, skin[1] * 0.52, skin[2] * 0.55), hsv(0.98, 0.7, 0.62), 0.35),
        hair=srgb(str(rng.choice(hairs))),
        iris=srgb(str(rng.choice(IRISES[: IRISES_WITH[tone]]))),
        hairstyle=Hair(rng.choice(styles)),
        parting=float(rng.uniform(-0.8, 0.8)),
        pattern=pattern,
        cloth=hsv(hue, float(rng.uniform(0.55, 0.85)), float(rng.uniform(0.5, 0.85))),
        cloth_second=second,
        pitch=float(rng.uniform(0.2, 0.34)),
        neckline=Neckline(rng.choice(list(Neckline))),
        long_sleeves=bool(pattern is Pattern.JACKET or rng.random() < 0.45),
        eye_size=float(rng.uniform(0.92, 1.12)),
        brow_weight=float(rng.uniform(0.75, 1.25)),
        hue=hue,
    )


def _others(choices: tuple[T, ...], taken: list[T]) -> list[T]:
    return [choice for choice in choices if choice not in taken]


def _near(a: Colour, b: Colour, distance: float) -> bool:
    return math.dist(a, b) < distance


def _mix(a: Colour, b: Colour, part: float) -> Colour:
    r, g, bl = (x * (1 - part) + y * part for x, y in zip(a, b, strict=True))
    return r, g, bl
