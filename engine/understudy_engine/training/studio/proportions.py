"""A body's proportions: how long and how wide its parts are.

Every body is as tall as every other, from the floor to the top of the skull, so that one figure can stand in
for another on the same floor and before the same camera; how large a person is in the picture is up to the
camera. What differs is the part that head, trunk and legs have in the height, and how wide all is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

FLOOR_Y = 5.837  # heads below the studio's origin
STATURE = 6.937  # from the floor to the top of the skull
STRAIGHT = 0.992  # how much of two leg bones' length a standing leg has: knees are never quite straight
ANKLE_HEIGHT = 0.30  # in feet
SKULL_TOP = 0.86  # heads from the head's root, at the nape, to the top of the skull

Measures = dict[str, float]
Rows = TypeVar("Rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Lengths in heads (of a figure of average size), each (N,)."""

    head: Tensor  # scale of the head
    jaw: Tensor  # radius of the chin
    face_length: Tensor  # from the middle of the skull to the middle of the chin
    neck: Tensor
    neck_radius: Tensor
    shoulders: Tensor  # from the spine to the shoulder joint
    waist: Tensor  # half the width at the waist
    torso: Tensor  # from the neck's root to the hip joints
    upper_arm: Tensor
    forearm: Tensor
    arm_radius: Tensor
    hand: Tensor
    hips: Tensor  # half the width at the hips
    leg: Tensor  # a thigh, and a shin
    thigh_radius: Tensor  # at its top
    calf_radius: Tensor
    foot: Tensor  # from heel to toe


AVERAGE: Measures = {
    "head": 1.0,
    "jaw": 0.215,
    "face_length": 0.40,
    "neck": 0.24,
    "neck_radius": 0.17,
    "shoulders": 0.61,
    "waist": 0.50,
    "torso": 2.05,
    "upper_arm": 1.08,
    "forearm": 0.94,
    "arm_radius": 0.155,
    "hand": 0.60,
    "hips": 0.62,
    "leg": 1.75,
    "thigh_radius": 0.31,
    "calf_radius": 0.20,
    "foot": 1.05,
}


# What decides where a body's joints are; the rest is how wide its parts are, and its face.
BETWEEN_JOINTS = (
    "head",
    "neck",
    "shoulders",
    "torso",
    "upper_arm",
    "forearm",
    "hand",
    "hips",
    "leg",
    "foot",
)


def with_joints_of(body: Measures, other: Measures) -> Measures:
    """*body* grown or shrunk to *other*'s skeleton; its widths and its face stay its own."""
    return body | {name: other[name] for name in BETWEEN_JOINTS}


def sample_proportions(rng: np.random.Generator) -> Measures:
    """A body between a child's and a tall adult's, slight or sturdy, each part with its own variation."""
    young = float(rng.beta(0.9, 1.6))  # 0 a tall adult, 1 a child
    build = float(rng.uniform(0.84, 1.18))
    own = _vary(rng)
    body = {name: AVERAGE[name] * own[name] for name in AVERAGE}
    body["head"] *= 0.94 + 0.30 * young
    body["leg"] *= 1.06 - 0.16 * young
    body["jaw"] *= 1.0 - 0.10 * young
    body["shoulders"] *= 1.03 - 0.14 * young
    body["hips"] *= 0.98 - 0.10 * young
    for name in ("neck_radius", "waist", "hips", "arm_radius", "thigh_radius", "calf_radius"):
        body[name] *= build
    body["shoulders"] *= 1 + 0.5 * (build - 1)
    return _as_tall_as_all(body)


def _vary(rng: np.random.Generator) -> Measures:
    parts = {
        "head": 0.03,
        "jaw": 0.14,
        "face_length": 0.07,
        "neck": 0.15,
        "neck_radius": 0.08,
        "shoulders": 0.05,
        "waist": 0.08,
        "torso": 0.05,
        "upper_arm": 0.05,
        "forearm": 0.05,
        "arm_radius": 0.08,
        "hand": 0.06,
        "hips": 0.09,
        "leg": 0.05,
        "thigh_radius": 0.08,
        "calf_radius": 0.10,
        "foot": 0.07,
    }
    return {name: float(rng.uniform(1 - part, 1 + part)) for name, part in parts.items()}


def _as_tall_as_all(body: Measures) -> Measures:
    """The same body with trunk, legs and arms scaled so that it is STATURE tall."""
    fixed = SKULL_TOP * body["head"] + ANKLE_HEIGHT * body["foot"]
    scale = (STATURE - fixed) / (body["torso"] + body["neck"] + 2 * STRAIGHT * body["leg"])
    scaled = ("torso", "neck", "leg", "upper_arm", "forearm")
    return {name: length * (scale if name in scaled else 1) for name, length in body.items()}


def random_proportions(rng: np.random.Generator) -> Proportions:
    """An adult's proportions as scalars: one body for all rows. It is the demo's."""

    def around(name: str, part: float) -> float:
        return float(AVERAGE[name] * rng.uniform(1 - part, 1 + part))

    build = float(rng.uniform(0.86, 1.1))  # slight to sturdy
    body = {
        **AVERAGE,
        "head": around("head", 0.05),
        "jaw": around("jaw", 0.14),
        "face_length": around("face_length", 0.07),
        "neck": around("neck", 0.15),
        "neck_radius": around("neck_radius", 0.08) * build,
        "shoulders": around("shoulders", 0.05) * build,
        "waist": around("waist", 0.06) * build,
        "upper_arm": around("upper_arm", 0.05),
        "forearm": around("forearm", 0.05),
        "arm_radius": around("arm_radius", 0.08) * build,
        "hand": around("hand", 0.05),
    }
    return Proportions(**{name: torch.tensor(length) for name, length in body.items()})


def stack_proportions(bodies: Sequence[Measures], device: torch.device | str = "cpu") -> Proportions:
    """The bodies of C clips as (C,) tensors on *device*. ``rows`` gives each row its clip's."""
    table = torch.tensor([[body[f.name] for f in fields(Proportions)] for body in bodies]).to(device)
    return Proportions(**{f.name: table[:, k] for k, f in enumerate(fields(Proportions))})


def rows(stacked: Rows, clip_index: Tensor) -> Rows:
    """Any dataclass of tensors (C, ...) -> the same of (N, ...): row n has what clip ``clip_index[n]`` has."""
    chosen = {f.name: getattr(stacked, f.name)[clip_index] for f in fields(stacked)}  # type: ignore[arg-type]
    return type(stacked)(**chosen)
