"""What a figure does, as smooth functions of time: pictures and sound read the same curves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .figure import Arm, Expression, Pose

SYLLABLE_S = 0.19


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One person greeting the camera: a wave, a turn of the head, a few words, a look, a blink."""

    waving_side: int  # 1 the person's left arm, -1 the right
    waves_per_s: float
    head_turn: float  # radians; sign is the direction of the first turn
    lean: float
    pace: float  # of the slow movements, cycles a second
    phase: float
    talk_from_s: float
    syllables: tuple[tuple[float, float], ...]  # (how open, how puckered), SYLLABLE_S apart
    blinks_s: tuple[float, ...]
    smile: float

    def pose(self, seconds: Tensor) -> Pose:
        """The pose at *seconds* (N,)."""
        sway = self._wave(seconds, 1.0)
        turned = self._wave(seconds, 0.9, 0.35)
        waving, talking = self._waving_arm(seconds), self._talking_arm(seconds)
        left, right = (waving, talking) if self.waving_side > 0 else (talking, waving)
        return Pose(
            sway=0.05 * sway,
            bob=0.02 * self._wave(seconds, 2.0, 0.2),
            torso_yaw=0.10 * turned + 0.04 * self.waving_side,
            torso_roll=self.lean * sway,
            shrug=0.02 * self._wave(seconds, 1.7, 0.6),
            head_yaw=self.head_turn * turned,
            head_pitch=0.10 * self._wave(seconds, 2.1, 0.1) - 0.01,
            head_roll=0.10 * self._wave(seconds, 1.1, 0.5),
            left=left,
            right=right,
            expression=self._expression(seconds, turned),
        )

    def mouth(self, seconds: Tensor) -> tuple[Tensor, Tensor]:
        """How open and how puckered the mouth is, each (N,) in 0-1."""
        time = (seconds - self.talk_from_s) / SYLLABLE_S
        opened, puckered = torch.zeros_like(seconds), torch.zeros_like(seconds)
        for index, (jaw, pucker) in enumerate(self.syllables):
            weight = (1 - (time - index - 0.5).abs() / 0.85).clamp(0, 1)
            weight = weight * weight * (3 - 2 * weight)
            opened = torch.maximum(opened, jaw * weight)
            puckered = torch.maximum(puckered, pucker * weight)
        return opened, puckered

    def _wave(self, seconds: Tensor, rate: float, offset: float = 0.0) -> Tensor:
        return torch.sin(2 * math.pi * (self.pace * rate * seconds + offset) + self.phase)

    def _waving_arm(self, seconds: Tensor) -> Arm:
        beat = torch.sin(2 * math.pi * self.waves_per_s * seconds + self.phase)
        late = torch.sin(2 * math.pi * self.waves_per_s * seconds + self.phase - 0.6)
        fingers = torch.tensor([0.25, 0.05, 0.04, 0.07, 0.12], device=seconds.device)
        return Arm(
            swing=0.17 + 0.05 * beat,
            reach=0.62 + 0.04 * late,
            elbow_swing=3.02 - 0.16 * beat,
            elbow_reach=0.30 + 0.05 * late,
            wrist_swing=3.08 - 0.36 * late,
            palm=0.25 * beat,
            curl=fingers + 0.05 * (1 + late[:, None]),
            spread=0.75 + 0.25 * beat,
        )

    def _talking_arm(self, seconds: Tensor) -> Arm:
        """Before the belly, moving with the words."""
        slow = self._wave(seconds, 1.5, 0.3)
        word, _ = self.mouth(seconds - 0.06)
        curl = torch.tensor([0.15, 0.22, 0.28, 0.34, 0.40], device=seconds.device)
        return Arm(
            swing=0.30 + 0.05 * slow,
            reach=0.16 + 0.05 * slow,
            elbow_swing=-1.88 - 0.10 * slow - 0.16 * word,
            elbow_reach=0.60 + 0.06 * slow,
            wrist_swing=-2.05 - 0.20 * slow - 0.25 * word,
            palm=0.9 + 0.25 * slow,
            curl=(curl - 0.12 * word[:, None]).clamp(0, 1),
            spread=0.35 + 0.3 * word,
        )

    def _expression(self, seconds: Tensor, turned: Tensor) -> Expression:
        jaw, pucker = self.mouth(seconds)
        blink = torch.ones_like(seconds)
        for at in self.blinks_s:
            blink = torch.minimum(blink, ((seconds - at).abs() / 0.09).clamp(0, 1) ** 2)
        brow = 0.25 + 0.4 * self._wave(seconds, 1.6, 0.15) + 0.25 * jaw
        return Expression(
            jaw=jaw,
            smile=self.smile * (1 - 0.5 * pucker),
            pucker=pucker,
            gaze_x=(0.75 * self._wave(seconds, 1.3, 0.45) - 0.45 * math.copysign(1, self.head_turn) * turned),
            gaze_y=0.35 * self._wave(seconds, 1.9, 0.8),
            eyes=(0.92 + 0.10 * brow) * blink,
            brow_left=brow + 0.2 * self._wave(seconds, 0.8),
            brow_right=brow - 0.2 * self._wave(seconds, 0.8),
        )


def random_performance(rng: np.random.Generator, seconds: float) -> Performance:
    """A performance of at least *seconds*. A longer one begins as the shorter one does."""
    habits = Performance(
        waving_side=int(rng.choice([-1, 1])),
        waves_per_s=float(rng.uniform(1.3, 1.8)),
        head_turn=float(rng.uniform(0.30, 0.45) * rng.choice([-1, 1])),
        lean=float(rng.uniform(0.02, 0.045) * rng.choice([-1, 1])),
        pace=float(rng.uniform(0.42, 0.55)),
        phase=float(rng.uniform(0, 2 * math.pi)),
        talk_from_s=float(rng.uniform(0.1, 0.4)),
        syllables=(),
        blinks_s=(),
        smile=float(rng.uniform(0.3, 0.8)),
    )
    words, blinks = rng.spawn(2)
    syllables = tuple(_syllable(words) for _ in range(math.ceil(seconds / SYLLABLE_S)))
    first, period = blinks.uniform(0.6, 1.2), blinks.uniform(1.6, 2.6)
    blinks_s = tuple(first + period * k for k in range(math.ceil(seconds / period)))
    return replace(habits, syllables=syllables, blinks_s=blinks_s)


def _syllable(rng: np.random.Generator) -> tuple[float, float]:
    opened, puckered, spoken = rng.uniform(0.35, 1.0), rng.choice([0.0, 0.0, 0.75]), rng.random() < 0.85
    return (float(opened), float(puckered)) if spoken else (0.08, 0.0)


def standing(device: torch.device | str) -> Pose:
    """One frame of a person who stands still and looks into the camera: a character picture's pose."""
    none = torch.zeros(1, device=device)
    arm = _hanging_arm(device)
    expression = Expression(
        jaw=none,
        smile=none + 0.6,
        pucker=none,
        gaze_x=none,
        gaze_y=none,
        eyes=none + 0.95,
        brow_left=none + 0.1,
        brow_right=none + 0.1,
    )
    return Pose(
        sway=none,
        bob=none,
        torso_yaw=none,
        torso_roll=none,
        shrug=none,
        head_yaw=none,
        head_pitch=none,
        head_roll=none,
        left=arm,
        right=arm,
        expression=expression,
    )


def _hanging_arm(device: torch.device | str) -> Arm:
    none = torch.zeros(1, device=device)
    return Arm(
        swing=none + 0.20,
        reach=none - 0.05,
        elbow_swing=none + 0.06,
        elbow_reach=none + 0.22,
        wrist_swing=none,
        palm=none - 0.9,
        curl=none[:, None] + torch.tensor([0.3, 0.3, 0.34, 0.38, 0.42], device=device),
        spread=none + 0.15,
    )
