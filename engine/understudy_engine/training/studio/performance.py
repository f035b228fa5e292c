"""What a figure does, as smooth functions of time: pictures and sound read the same curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .choreography import CHOREOGRAPHY, SHARE, STARTS_AT_0, Kind, wave_hand
from .expressions import SYLLABLE_S, blink, say
from .framing import Framing
from .gestures import gesture
from .pose import Pose
from .score import Score, Scores, Writer, curve, play, stack_scores

LATEST_START_S = 2.0
ANTICIPATION_S = 0.5  # what is due at a moment may begin so much before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """One person's performance."""

    kind: Kind
    score: Score

    def pose(self, seconds: Tensor) -> Pose:
        """The pose at *seconds* (N,)."""
        none = torch.zeros(seconds.shape, dtype=torch.long, device=seconds.device)
        return poses([self], none, seconds)

    def mouth(self, seconds: Tensor) -> tuple[Tensor, Tensor]:
        """How open and how puckered the mouth is, each (N,) in 0-1."""
        return curve(self.score, "jaw", seconds), curve(self.score, "pucker", seconds)


def stack_performances(performances: Sequence[Performance], device: torch.device | str = "cpu") -> Scores:
    """The performances of C clips on *device*, for ``poses``."""
    return stack_scores([performance.score for performance in performances], device)


def poses(performances: Sequence[Performance] | Scores, clip_index: Tensor, seconds: Tensor) -> Pose:
    """The poses (N,): row n is clip ``clip_index[n]`` at ``seconds[n]``. A sequence is stacked on the way."""
    if not isinstance(performances, Scores):
        performances = stack_performances(performances, seconds.device)
    return play(performances, clip_index, seconds)


def sample_performance(
    rng: np.random.Generator, seconds: float, framing: Framing, kind: Kind | None = None
) -> Performance:
    """A performance of at least *seconds*, of any kind that suits *framing*, or of *kind*.

    A longer one begins as the shorter one of the same generator does.
    """
    share = SHARE[framing.shot]
    drawn = list(share)[int(rng.choice(len(share), p=np.array(list(share.values())) / sum(share.values())))]
    start_s = float(rng.uniform(0, LATEST_START_S))
    kind = kind or drawn
    writer = Writer(0.0 if kind in STARTS_AT_0 else start_s)
    CHOREOGRAPHY[kind](writer, rng, seconds + LATEST_START_S + ANTICIPATION_S, framing)
    return Performance(kind=kind, score=writer.finish())


def random_performance(rng: np.random.Generator, seconds: float) -> Performance:
    """The demo's: a person greets the camera from the waist up, with a wave, a turn of the head, a few words, a
    look, a blink."""
    w = Writer()
    waving, talking = ("left", "right") if rng.choice([-1, 1]) > 0 else ("right", "left")
    rate, phase = float(rng.uniform(1.3, 1.8)), float(rng.uniform())
    head_turn = float(rng.uniform(0.30, 0.45) * rng.choice([-1, 1]))
    lean = float(rng.uniform(0.02, 0.045) * rng.choice([-1, 1]))
    pace, smile = float(rng.uniform(0.42, 0.55)), float(rng.uniform(0.3, 0.8))
    for side in ("left", "right"):
        w.rest(**{f"{side}_leg_step_x": 0.06, f"{side}_leg_turn_out": 0.25})
    _sway(w, pace, phase, head_turn, lean)
    w.rest(**gesture(rng, waving, "wave", loose=0), torso_yaw=0.04 if waving == "left" else -0.04)
    wave_hand(w, waving, rate, phase)
    w.rest(**gesture(rng, talking, "belly", loose=0))
    _look(w, pace, phase, math.copysign(0.45, head_turn), smile)
    words, blinks = rng.spawn(2)
    _say_with_hand_and_brows(w, words, seconds, talking, smile)
    first, period = float(blinks.uniform(0.6, 1.2)), float(blinks.uniform(1.6, 2.6))
    for k in range(math.ceil(seconds / period)):
        blink(w, first + period * k)
    return Performance(kind=Kind.GREET, score=w.finish())


def _sway(w: Writer, pace: float, phase: float, head_turn: float, lean: float) -> None:
    w.wave(pace, phase, sway=0.05, torso_roll=lean)
    w.wave(2.0 * pace, 0.2 + phase, bob=0.02)
    w.wave(0.9 * pace, 0.35 + phase, torso_yaw=0.10, head_yaw=head_turn)
    w.wave(1.7 * pace, 0.6 + phase, shrug=0.02)
    w.wave(2.1 * pace, 0.1 + phase, head_pitch=0.10)
    w.wave(1.1 * pace, 0.5 + phase, head_roll=0.10)


def _look(w: Writer, pace: float, phase: float, away: float, smile: float) -> None:
    w.rest(smile=smile, eyes=0.94, brow_left=0.25, brow_right=0.25)
    w.wave(1.6 * pace, 0.15 + phase, brow_left=0.4, brow_right=0.4)
    w.wave(0.8 * pace, phase, brow_left=0.2, brow_right=-0.2)
    w.wave(1.3 * pace, 0.45 + phase, gaze_x=0.75)
    w.wave(0.9 * pace, 0.35 + phase, gaze_x=-away)
    w.wave(1.9 * pace, 0.8 + phase, gaze_y=0.35)


def _say_with_hand_and_brows(
    w: Writer, rng: np.random.Generator, seconds: float, side: str, smile: float
) -> None:
    """The words, a hand before the belly that beats with them, and brows that rise."""
    slow = {"swing": 0.05, "reach": 0.05, "elbow_swing": -0.10, "elbow_reach": 0.06, "palm": 0.25}
    w.wave(0.75, 0.3, **{f"{side}_{name}": amount for name, amount in slow.items()})
    hand = {"elbow_swing": -0.16, "wrist_swing": -0.25, "spread": 0.3}
    hand |= dict.fromkeys(("index", "middle", "ring", "little"), -0.12)
    jaw = pucker = 0.0
    for word in say(w, rng, float(rng.uniform(0.15, 0.45)), seconds):
        more, rounder = word.jaw - jaw, word.pucker - pucker
        beat = {f"{side}_{name}": amount * more for name, amount in hand.items()}
        w.add(word.at_s + 0.06, SYLLABLE_S / 2, **beat)
        face = {"brow_left": 0.25 * more, "brow_right": 0.25 * more, "smile": -0.5 * smile * rounder}
        w.add(word.at_s, SYLLABLE_S / 2, **face)
        jaw, pucker = word.jaw, word.pucker


def sample_standing(rng: np.random.Generator) -> Performance:
    """Somebody who poses for a character picture, the same at all times: arms at the sides or on the hips, turned
    a little, looking at the camera or nearly so."""
    w = Writer()
    for side in ("left", "right"):
        w.rest(**gesture(rng, side, str(rng.choice(["hang", "hang", "hang", "hip", "low"])), loose=0.6))
        w.rest(**{f"{side}_leg_step_x": float(rng.uniform(0, 0.15)), f"{side}_leg_turn_out": 0.25})
    turn = float(rng.uniform(-0.3, 0.3))
    w.rest(turn=turn, torso_roll=float(rng.uniform(-0.03, 0.03)), sway=float(rng.uniform(-0.06, 0.06)))
    w.rest(head_yaw=-turn + float(rng.uniform(-0.12, 0.12)), head_pitch=float(rng.uniform(-0.06, 0.06)))
    w.rest(head_roll=float(rng.uniform(-0.06, 0.06)))
    brow = float(rng.uniform(-0.1, 0.25))
    w.rest(smile=float(rng.uniform(0.1, 0.75)), eyes=float(rng.uniform(0.88, 1.0)))
    w.rest(brow_left=brow, brow_right=brow)
    return Performance(kind=Kind.IDLE, score=w.finish())


def standing(device: torch.device | str) -> Pose:
    """One frame of a person who stands still and looks into the camera: the demo's character picture."""
    w = Writer()
    for side in ("left", "right"):
        w.rest(**gesture(np.random.default_rng(0), side, "hang", loose=0))
        w.rest(**{f"{side}_leg_step_x": 0.06, f"{side}_leg_turn_out": 0.25})
    w.rest(smile=0.6, eyes=0.95, brow_left=0.1, brow_right=0.1)
    return Performance(kind=Kind.IDLE, score=w.finish()).pose(torch.zeros(1, device=device))
