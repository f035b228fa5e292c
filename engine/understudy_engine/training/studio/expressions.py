"""What a face does over time: moods, looks, words and blinks, over the whole range of every parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .score import LIMITS, Writer

SYLLABLE_S = 0.19
NEUTRAL = {
    "jaw": 0.0,
    "smile": 0.25,
    "pucker": 0.0,
    "gaze_x": 0.0,
    "gaze_y": 0.0,
    "eyes": 0.92,
    "brow_left": 0.1,
    "brow_right": 0.1,
}
QUICK = ("gaze_x", "gaze_y")
MOUTH = ("jaw", "pucker")


def perform_face(writer: Writer, rng: np.random.Generator, until_s: float) -> None:
    """A face with a temper of its own: calm or wild, silent or talking."""
    temper, moods, words, blinks = rng.spawn(4)
    wild = float(temper.choice([0.45, 0.8, 1.0]))
    talking = bool(temper.random() < 0.45)
    writer.rest(**{name: _draw(temper, name, wild) for name in NEUTRAL if not (talking and name in MOUTH)})
    for at in moments(moods, float(moods.uniform(0.05, 0.5)), until_s, 0.3, 1.1):
        for name in NEUTRAL:
            if moods.random() < 0.5 and not (talking and name in MOUTH):
                during = float(moods.uniform(0.09, 0.14) if name in QUICK else moods.uniform(0.16, 0.55))
                writer.to(at, during, **{name: _draw(moods, name, wild)})
    if talking:
        say(writer, words, float(words.uniform(0.0, 0.4)), until_s)
    for at in moments(blinks, float(blinks.uniform(0.2, 1.6)), until_s, 1.2, 3.2):
        blink(writer, at)


class Syllable(NamedTuple):
    at_s: float
    jaw: float
    pucker: float


def say(writer: Writer, rng: np.random.Generator, from_s: float, until_s: float) -> list[Syllable]:
    """Syllables, SYLLABLE_S apart: the mouth opens for each and half closes between two. Returns both, openings
    and half closings; the mouth takes half a syllable to each."""
    spoken: list[Syllable] = []
    before = Syllable(0.0, 0.0, 0.0)
    for k in range(math.ceil(until_s / SYLLABLE_S)):
        opened = Syllable(from_s + k * SYLLABLE_S, *_syllable(rng))
        jaw, pucker = (0.37 * max(before[i], opened[i]) for i in (1, 2))
        spoken += [Syllable(opened.at_s - SYLLABLE_S / 2, jaw, pucker), opened]
        before = opened
    for at, jaw, pucker in spoken:
        writer.to(at, SYLLABLE_S / 2, jaw=jaw, pucker=pucker)
    return spoken


def blink(writer: Writer, at_s: float) -> None:
    writer.add(at_s - 0.10, 0.10, eyes=-1.0)
    writer.add(at_s + 0.01, 0.14, eyes=1.0)


def _syllable(rng: np.random.Generator) -> tuple[float, float]:
    opened, puckered, spoken = rng.uniform(0.35, 1.0), rng.choice([0.0, 0.0, 0.75]), rng.random() < 0.85
    return (float(opened), float(puckered)) if spoken else (0.08, 0.0)


def _draw(rng: np.random.Generator, name: str, wild: float) -> float:
    """A value of parameter *name*, often one of its extremes; with *wild* 0 the neutral one."""
    low, high = LIMITS[name]
    if name == "eyes":
        part = float(rng.choice([1.0, 0.85, rng.uniform(), 0.0], p=[0.3, 0.37, 0.27, 0.06]))
    else:
        part = float(rng.beta(0.4, 0.8 if name in MOUTH else 0.4))
    return NEUTRAL[name] + wild * (low + part * (high - low) - NEUTRAL[name])


def moments(
    rng: np.random.Generator, first_s: float, until_s: float, least_s: float, most_s: float
) -> Iterator[float]:
    at = first_s
    while at < until_s:
        yield at
        at += float(rng.uniform(least_s, most_s))
