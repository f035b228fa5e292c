"""A performance written down: for every channel of a pose a rest value, waves and moves.

A channel is one number of a pose. At time t it is ``rest + drift * t + sum of wave amounts * envelope(t) * sin(...)
+ sum of move amounts * ease((t - at) / during)``: smooth in time, and the same few tensor operations for a wave of the
hand, a walk, a blink and a syllable. What a kind of performance does is in its numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .pose import Arm, Expression, Leg, Pose

Table = NDArray[np.float32]

FINGERS = ("thumb", "index", "middle", "ring", "little")
BODY = tuple(f.name for f in fields(Pose) if f.type == "Tensor")
ARM = (*(f.name for f in fields(Arm) if f.name != "curl"), *FINGERS)
LEG = tuple(f.name for f in fields(Leg))
FACE = tuple(f.name for f in fields(Expression))
CHANNELS = (
    *BODY,
    *(f"{side}_{name}" for side in ("left", "right") for name in ARM),
    *(f"{side}_leg_{name}" for side in ("left", "right") for name in LEG),
    *FACE,
)
INDEX = {name: k for k, name in enumerate(CHANNELS)}
LIMITS = {  # what a channel cannot leave
    **dict.fromkeys((f"{side}_{finger}" for side in ("left", "right") for finger in FINGERS), (-0.1, 1.0)),
    **dict.fromkeys((f"{side}_leg_lift" for side in ("left", "right")), (0.0, math.inf)),
    **dict.fromkeys(("smile", "gaze_x", "gaze_y", "brow_left", "brow_right"), (-1.0, 1.0)),
    **dict.fromkeys(("jaw", "pucker", "eyes"), (0.0, 1.0)),
}
LOW = tuple(LIMITS.get(name, (-math.inf, math.inf))[0] for name in CHANNELS)
HIGH = tuple(LIMITS.get(name, (-math.inf, math.inf))[1] for name in CHANNELS)
ALWAYS = (-1e6, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """D channels, W waves, G moves."""

    rest: Table  # (D,)
    drift: Table  # (D,) a second
    waves: Table  # (W, 5): turns a second, phase in turns, from, to, how long it swells, all in seconds
    wave_amounts: Table  # (W, D)
    moves: Table  # (G, 2): at, during, in seconds
    move_amounts: Table  # (G, D)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of C clips on one device, padded with waves and moves of no amount."""

    rest: Tensor  # (C, D)
    drift: Tensor  # (C, D)
    waves: Tensor  # (C, W, 5)
    wave_amounts: Tensor  # (C, W, D)
    moves: Tensor  # (C, G, 2)
    move_amounts: Tensor  # (C, G, D)
    low: Tensor  # (D,)
    high: Tensor


class Writer:
    """Writes a score. Amounts are given by channel; ``left`` and ``right`` arms by the channels' prefixes."""

    def __init__(self, start_s: float = 0.0) -> None:
        """*start_s*: the moment of the performance at which the clip begins."""
        self._start_s = start_s
        self._rest = np.zeros(len(CHANNELS), np.float32)
        self._drift = self._rest.copy()
        self._now = self._rest.copy()  # where the moves so far lead
        self._waves: list[tuple[list[float], Table]] = []
        self._moves: list[tuple[float, float, Table]] = []

    def rest(self, **channels: float) -> None:
        for name, value in channels.items():
            self._rest[INDEX[name]] += value
            self._now[INDEX[name]] += value

    def drift(self, **per_s: float) -> None:
        """Lets channels grow steadily; they have their rest values at second 0 of the performance."""
        self._drift += _row(per_s)
        self._rest += _row(per_s) * self._start_s

    def wave(
        self,
        turns_per_s: float,
        phase: float = 0.0,
        during: tuple[float, float] = ALWAYS,
        swell_s: float = 0.5,
        /,
        **amounts: float,
    ) -> None:
        """Adds amounts * sin(2 pi (turns_per_s * t + phase)) while *during* lasts."""
        shape = [turns_per_s, phase + turns_per_s * self._start_s, during[0] - self._start_s]
        self._waves.append(([*shape, during[1] - self._start_s, swell_s], _row(amounts)))

    def add(self, at_s: float, during_s: float, /, **amounts: float) -> None:
        """Moves channels by amounts, from *at_s* on, within *during_s*."""
        change = _row(amounts)
        self._now += change
        self._moves.append((at_s - self._start_s, during_s, change))

    def to(self, at_s: float, during_s: float, /, **targets: float) -> None:
        """Moves channels to where they shall be; calls for one channel must come in the order of time."""
        self.add(at_s, during_s, **{name: value - self.now(name) for name, value in targets.items()})

    def now(self, name: str) -> float:
        return float(self._now[INDEX[name]])

    def finish(self) -> Score:
        return Score(
            rest=self._rest,
            drift=self._drift,
            waves=np.array([shape for shape, _ in self._waves], np.float32).reshape(-1, 5),
            wave_amounts=_table(amounts for _, amounts in self._waves),
            moves=np.array([move[:2] for move in self._moves], np.float32).reshape(-1, 2),
            move_amounts=_table(amounts for _, _, amounts in self._moves),
        )


def _row(amounts: Mapping[str, float]) -> Table:
    row = np.zeros(len(CHANNELS), np.float32)
    for name, value in amounts.items():
        row[INDEX[name]] = value
    return row


def _table(amounts: Iterable[Table]) -> Table:
    return np.array(list(amounts), np.float32).reshape(-1, len(CHANNELS))


def stack_scores(scores: Sequence[Score], device: torch.device | str) -> Scores:
    def padded(name: str, fill: float) -> Tensor:
        tables = [getattr(score, name) for score in scores]
        out = np.full((len(tables), max(1, *map(len, tables)), tables[0].shape[1]), fill, np.float32)
        for row, table in zip(out, tables, strict=True):
            row[: len(table)] = table
        return torch.from_numpy(out).to(device)

    return Scores(
        rest=torch.from_numpy(np.stack([score.rest for score in scores])).to(device),
        drift=torch.from_numpy(np.stack([score.drift for score in scores])).to(device),
        waves=padded("waves", 1.0),
        wave_amounts=padded("wave_amounts", 0.0),
        moves=padded("moves", 1.0),
        move_amounts=padded("move_amounts", 0.0),
        low=torch.tensor(LOW, device=device),
        high=torch.tensor(HIGH, device=device),
    )


def play(scores: Scores, clip_index: Tensor, seconds: Tensor) -> Pose:
    """The poses (N,) of clips *clip_index* (N,) at *seconds* (N,).

    Memory: 4 (W + G) D bytes a row, about 30 KB for a clip of three seconds.
    """
    time = seconds.to(scores.rest.dtype)[:, None]
    rate, phase, start, end, swell = scores.waves[clip_index].unbind(-1)  # (N, W)
    envelope = ease((time - start) / swell + 0.5) - ease((time - end) / swell + 0.5)
    waves = envelope * torch.sin(2 * math.pi * (rate * time + phase))
    at, during = scores.moves[clip_index].unbind(-1)  # (N, G)
    moves = ease((time - at) / during)
    values = scores.rest[clip_index] + scores.drift[clip_index] * time  # (N, D)
    values = values + (waves[:, None] @ scores.wave_amounts[clip_index])[:, 0]
    values = values + (moves[:, None] @ scores.move_amounts[clip_index])[:, 0]
    return to_pose(torch.maximum(torch.minimum(values, scores.high), scores.low))


def curve(score: Score, name: str, seconds: Tensor) -> Tensor:
    """One channel of one score at *seconds* (N,), in their precision: for the sound, which has many samples."""
    channel = INDEX[name]
    value = torch.full_like(seconds, float(score.rest[channel])) + float(score.drift[channel]) * seconds
    for (at, during), amounts in zip(score.moves.tolist(), score.move_amounts, strict=True):
        if amounts[channel]:
            value = value + float(amounts[channel]) * ease((seconds - at) / during)
    for (rate, phase, start, end, swell), amounts in zip(
        score.waves.tolist(), score.wave_amounts, strict=True
    ):
        if amounts[channel]:
            envelope = ease((seconds - start) / swell + 0.5) - ease((seconds - end) / swell + 0.5)
            value = value + float(amounts[channel]) * envelope * torch.sin(
                2 * math.pi * (rate * seconds + phase)
            )
    return value.clamp(LOW[channel], HIGH[channel])


def ease(t: Tensor) -> Tensor:
    """From 0 at t = 0 to 1 at t = 1 without a jerk: speed and acceleration begin and end at 0."""
    t = t.clamp(0, 1)
    return t * t * t * (10 + t * (6 * t - 15))


def to_pose(values: Tensor) -> Pose:
    """(N, D) channels as a pose."""
    named = dict(zip(CHANNELS, values.unbind(-1), strict=True))

    def arm(side: str) -> Arm:
        first = INDEX[f"{side}_thumb"]
        own = {name: named[f"{side}_{name}"] for name in ARM if name not in FINGERS}
        return Arm(**own, curl=values[:, first : first + 5])

    def leg(side: str) -> Leg:
        return Leg(**{name: named[f"{side}_leg_{name}"] for name in LEG})

    return Pose(
        **{name: named[name] for name in BODY},
        left=arm("left"),
        right=arm("right"),
        left_leg=leg("left"),
        right_leg=leg("right"),
        expression=Expression(**{name: named[name] for name in FACE}),
    )
