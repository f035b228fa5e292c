"""Where arms and hands go: a vocabulary of gestures, as angles of ``pose.Arm``."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .score import FINGERS, Writer


class Gesture(NamedTuple):
    swing: float
    reach: float
    elbow_swing: float
    elbow_reach: float
    wrist_swing: float
    palm: float


GESTURES = {
    "hang": Gesture(0.20, -0.05, 0.06, 0.22, 0.0, 1.84),
    "wave": Gesture(0.17, 0.62, 3.02, 0.30, 3.08, 0.12),
    "belly": Gesture(0.30, 0.16, -1.88, 0.60, -2.05, 4.3),
    "chest": Gesture(0.36, 0.28, -2.25, 0.55, -2.40, 3.7),
    "chin": Gesture(0.14, 0.62, -2.80, 0.50, -2.85, 3.5),
    "hip": Gesture(0.78, -0.30, -0.50, 0.22, -0.35, 2.7),
    "open": Gesture(0.42, 0.22, 0.75, 0.85, 0.85, 0.5),
    "offer": Gesture(0.25, 0.35, -0.35, 0.95, -0.30, 1.2),
    "ready": Gesture(0.45, -0.10, 0.30, 1.00, 0.30, 2.0),
    "reach": Gesture(0.30, 0.95, 0.15, 1.15, 0.10, 2.3),
    "across": Gesture(0.06, 0.75, -1.45, 0.50, -1.50, 3.5),
    "across_high": Gesture(0.25, 1.05, -2.15, 0.55, -2.25, 3.4),
    "face": Gesture(0.30, 0.95, -2.95, 0.60, -2.95, 3.3),
    "out": Gesture(1.42, 0.10, 1.60, 0.18, 1.60, 1.5),
    "muscle": Gesture(1.35, 0.12, 2.75, 0.25, 2.85, 0.9),
    "up": Gesture(2.65, 0.15, 2.95, 0.22, 3.0, 0.5),
    "low": Gesture(0.14, 0.18, -0.95, 0.50, -1.0, 3.1),
    "folded": Gesture(0.22, 0.22, -1.55, 0.50, -1.60, 3.5),
    "point": Gesture(0.85, 0.60, 1.15, 0.75, 1.15, 1.9),
    "lap": Gesture(0.22, 0.30, -0.15, 0.95, -0.1, 3.0),
}
HANDS = {  # curl of thumb, index, middle, ring and little finger; spread
    "relaxed": (0.30, 0.30, 0.34, 0.38, 0.42, 0.15),
    "waving": (0.30, 0.10, 0.09, 0.12, 0.17, 0.75),
    "loose": (0.15, 0.22, 0.28, 0.34, 0.40, 0.35),
    "flat": (0.10, 0.02, 0.02, 0.02, 0.04, 0.10),
    "fist": (0.85, 0.92, 0.95, 0.95, 0.95, 0.0),
    "pointing": (0.60, 0.02, 0.90, 0.92, 0.92, 0.1),
    "two": (0.80, 0.03, 0.03, 0.92, 0.92, 0.8),
    "thumb": (0.0, 0.92, 0.95, 0.95, 0.95, 0.0),
    "spread": (0.0, 0.03, 0.02, 0.04, 0.06, 1.0),
}
MOST_BENT = math.radians(146)  # of an elbow
FASTEST = 5.0  # radians a second, of both bones of an arm together, on the average of a move
OF_GESTURE = {"wave": "waving", "hip": "fist", "point": "pointing", "reach": "spread", "belly": "loose"}


def gesture(
    rng: np.random.Generator, side: str, name: str, hand: str | None = None, loose: float = 1.0
) -> dict[str, float]:
    """Channels of the arm at *side*, a little different each time by *loose*."""
    angles = GESTURES[name]
    shift = rng.normal(0, 0.07 * loose, len(angles)).clip(-0.16, 0.16)
    fingers = HANDS[hand or OF_GESTURE.get(name, "relaxed")]
    curl = rng.normal(0, 0.05 * loose, len(fingers)).clip(-0.1, 0.1)
    arm = dict(zip(Gesture._fields, (float(a + s) for a, s in zip(angles, shift, strict=True)), strict=True))
    arm["wrist_swing"] += arm["elbow_swing"] - angles.elbow_swing
    bent = dict(
        zip((*FINGERS, "spread"), (float(c + s) for c, s in zip(fingers, curl, strict=True)), strict=True)
    )
    bent = {finger: min(max(value, 0.0), 1.0) for finger, value in bent.items()}
    return {f"{side}_{channel}": value for channel, value in (arm | bent).items()}


def gesture_to(writer: Writer, at_s: float, during_s: float, side: str, arm: dict[str, float]) -> None:
    """Moves an arm to *arm*'s channels: the forearm the shortest way round on which the elbow need not bend more
    than it can, the palm the shorter way. It takes longer than *during_s* if the way is long."""
    before = {name: writer.now(f"{side}_{name}") for name in Gesture._fields}
    after = {name: arm[f"{side}_{name}"] for name in Gesture._fields}
    nearest = _whole_turns(before["elbow_swing"] - after["elbow_swing"])
    ways = sorted(
        (nearest + k * 2 * math.pi for k in (0, -1, 1)),
        key=lambda turns: abs(after["elbow_swing"] + turns - before["elbow_swing"]),
    )
    bends = [_most_bent(before, after | {"elbow_swing": after["elbow_swing"] + turns}) for turns in ways]
    possible = [turns for turns, bend in zip(ways, bends, strict=True) if bend < MOST_BENT]
    turns = possible[0] if possible else ways[int(np.argmin(bends))]
    turned = arm | {
        f"{side}_{name}": arm[f"{side}_{name}"] + turns for name in ("elbow_swing", "wrist_swing")
    }
    turned[f"{side}_palm"] += _whole_turns(before["palm"] - after["palm"])
    far = abs(turned[f"{side}_elbow_swing"] - before["elbow_swing"])
    far += abs(after["swing"] - before["swing"])
    writer.to(at_s, max(during_s, far / FASTEST), **turned)


def _whole_turns(angle: float) -> float:
    return round(angle / (2 * math.pi)) * 2 * math.pi


def _most_bent(before: dict[str, float], after: dict[str, float]) -> float:
    """The elbow's largest angle on the way, 0 straight."""
    part = np.linspace(0, 1, 17)
    way = {name: before[name] + (after[name] - before[name]) * part for name in before}
    upper, lower = _direction(way["swing"], way["reach"]), _direction(way["elbow_swing"], way["elbow_reach"])
    return float(np.arccos((upper * lower).sum(axis=0).clip(-1, 1)).max())


def _direction(swing: NDArray[np.float64], reach: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.sin(swing) * np.cos(reach), np.cos(swing) * np.cos(reach), np.sin(reach)])
