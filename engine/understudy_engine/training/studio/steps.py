"""What legs and trunk do: breathe, walk, step in place, turn, sit down."""

from __future__ import annotations

import math

import numpy as np

from .score import ALWAYS, Writer

Span = tuple[float, float]


def live(writer: Writer, rng: np.random.Generator, much: float = 1.0) -> None:
    """Nobody stands quite still: breath, and slow turns of trunk and head."""
    writer.wave(rng.uniform(0.25, 0.4), rng.uniform(), shrug=0.018, torso_pitch=0.006)
    for channel, amount, low, high in (
        ("sway", 0.05, 0.3, 0.6),
        ("torso_yaw", 0.09, 0.25, 0.5),
        ("torso_roll", 0.025, 0.3, 0.6),
        ("head_yaw", 0.28, 0.25, 0.55),
        ("head_pitch", 0.09, 0.4, 0.8),
        ("head_roll", 0.08, 0.3, 0.6),
    ):
        amounts = {channel: much * amount * float(rng.uniform(0.5, 1.3))}
        writer.wave(float(rng.uniform(low, high)), float(rng.uniform()), **amounts)


def stance(writer: Writer, rng: np.random.Generator, wide: float = 0.0) -> None:
    """Both feet on the floor, each a little turned out."""
    for side in ("left", "right"):
        ahead = float(rng.uniform(-0.1, 0.1))
        placed = {"step_x": wide + float(rng.uniform(0, 0.12)), "step_z": ahead}
        placed["turn_out"] = float(rng.uniform(0.1, 0.4))
        writer.rest(**{f"{side}_leg_{name}": value for name, value in placed.items()})


def stride(
    writer: Writer,
    steps_per_s: float,
    length: float,
    phase: float = 0.0,
    during: Span = ALWAYS,
    arms: float = 1.0,
) -> None:
    """A walk's cycle. *length*: heads from a foot's middle place to its foremost."""
    rate, quarter = steps_per_s / 2, 0.25
    for side, sign, shift in (("left", 1.0, 0.0), ("right", -1.0, 0.5)):
        at = phase + shift
        lift = 0.18 + 0.22 * length
        foot = {f"{side}_leg_step_z": length, f"{side}_leg_toe": -0.32 * min(1.0, 2 * length)}
        arm = {f"{side}_reach": -0.42 * arms, f"{side}_elbow_reach": -0.48 * arms}
        writer.wave(rate, at + quarter, during, **foot, **arm)  # cosines: foremost at 0
        # lift * ((1 - sin) / 2)², off the floor while the foot travels forward
        swing = {f"{side}_leg_lift": -lift / 2}
        writer.wave(rate, at, during, **swing)
        writer.wave(2 * rate, 2 * at + quarter, during, **{f"{side}_leg_lift": -lift / 8})
        writer.wave(0.0, quarter, during, **{f"{side}_leg_lift": 3 * lift / 8})
        writer.wave(rate, at, during, sway=sign * 0.06)
    writer.wave(rate, phase + 0.5 + quarter, during, torso_yaw=-0.14 * min(1.0, 2 * length))
    # Legs apart reach less far down: half of length² / (2 * 3.5), less what heel and toes make up for.
    bob = max(0.01, 0.075 * length * length - 0.01)
    writer.wave(2 * rate, 2 * phase + quarter, during, bob=bob)
    writer.wave(0.0, quarter, during, bob=bob + 0.015, torso_pitch=0.05)


def turn_to(
    writer: Writer, at_s: float, during_s: float, angle: float, lead: float = 0.25, head: bool = True
) -> None:
    """Turns the whole figure by little steps, the head a moment before the feet."""
    change = angle - writer.now("turn")
    stride(writer, 2.2, 0.04, during=(at_s + 0.1, at_s + during_s - 0.1), arms=0.1)
    writer.to(at_s, during_s, turn=angle)
    if head:
        look = math.copysign(min(abs(change) * 0.35, 0.7), change)
        writer.add(at_s - lead, lead + 0.3 * during_s, head_yaw=look)
        writer.add(at_s + 0.45 * during_s, 0.55 * during_s + 0.2, head_yaw=-look)


def sit_to(writer: Writer, at_s: float, during_s: float, depth: float) -> None:
    """Hips down and back by *depth*, 0 standing to 1 on a chair; the trunk leans forward on the way."""
    writer.to(at_s, during_s, bob=1.6 * depth, push=-1.35 * depth)
    lean = 0.32 * min(1.0, 0.4 + depth)
    half = 0.5 * during_s
    writer.add(at_s - 0.1, half + 0.1, torso_pitch=lean, head_pitch=0.4 * lean)
    writer.add(at_s + half, half + 0.2, torso_pitch=-lean, head_pitch=-0.4 * lean)
