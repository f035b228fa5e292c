"""What people do before the camera: one function a kind, each writing a score."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import numpy as np

from .expressions import moments, perform_face
from .framing import Framing, Shot
from .gestures import gesture, gesture_to
from .score import Writer
from .steps import live, sit_to, stance, stride, turn_to

SIDES = ("left", "right")


class Kind(StrEnum):
    GREET = "greet"
    TALK = "talk"
    IDLE = "idle"
    WALK = "walk"
    PASS = "pass"  # walks through the picture
    DANCE = "dance"
    TURN = "turn"
    SIT = "sit"
    REACH = "reach"  # in front of the body
    VISIT = "visit"  # comes into the picture, stays, leaves


def greet(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    waving, other = rng.permutation(SIDES)
    live(w, rng)
    stance(w, rng)
    rate = float(rng.uniform(1.4, 2.0))
    w.rest(**gesture(rng, waving, "wave"))
    w.rest(**gesture(rng, other, str(rng.choice(["belly", "hang", "hip", "low"]))))
    wave_hand(w, waving, rate, float(rng.uniform()))
    if rng.random() < 0.5:
        gesture_to(w, float(rng.uniform(0.9, 2.2)), 0.8, waving, gesture(rng, waving, "hang"))
    perform_face(w, rng, until_s)


def wave_hand(w: Writer, side: str, rate: float, phase: float) -> None:
    beat = {"swing": 0.05, "elbow_swing": -0.16, "palm": 0.25, "spread": 0.25}
    late = {"reach": 0.04, "elbow_reach": 0.05, "wrist_swing": -0.36}
    w.wave(rate, phase, **{f"{side}_{name}": amount for name, amount in beat.items()})
    w.wave(rate, phase - 0.1, **{f"{side}_{name}": amount for name, amount in late.items()})


def talk(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Hands that go along with what is said, each in its own time."""
    live(w, rng)
    stance(w, rng)
    usual = ["belly", "chest", "open", "offer", "low", "point", "chin", "wave", "hang"]
    arms = rng.spawn(2)
    for side, own in zip(SIDES, arms, strict=True):
        w.rest(**gesture(own, side, str(own.choice(usual))))
        _beat(w, own, side, 0.10)
        for at in moments(own, float(own.uniform(0.2, 0.8)), until_s, 0.55, 1.4):
            arm = gesture(own, side, str(own.choice(usual)), _hand(own))
            gesture_to(w, at, float(own.uniform(0.4, 0.75)), side, arm)
    perform_face(w, rng, until_s)


def _hand(rng: np.random.Generator) -> str | None:
    chosen = rng.choice(["", "loose", "flat", "spread", "pointing", "fist", "two", "thumb"])
    return str(chosen) or None


def _beat(w: Writer, rng: np.random.Generator, side: str, much: float) -> None:
    rate, phase = float(rng.uniform(1.2, 2.2)), float(rng.uniform())
    w.wave(rate, phase, **{f"{side}_elbow_swing": much, f"{side}_wrist_swing": 1.6 * much})
    w.wave(0.5 * rate, phase, **{f"{side}_palm": 2.5 * much, f"{side}_elbow_reach": 0.8 * much})


def idle(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Shifts weight, looks around, now and then moves an arm."""
    live(w, rng, 0.7)
    stance(w, rng, 0.05)
    w.rest(turn=float(rng.normal(0, 0.25)))
    for side in SIDES:
        w.rest(**gesture(rng, side, str(rng.choice(["hang", "hip", "folded", "low"]))))
    shifts, looks, arms = rng.spawn(3)
    for at in moments(shifts, float(shifts.uniform(0.1, 0.9)), until_s, 1.0, 2.2):
        to = float(shifts.uniform(-0.2, 0.2))
        w.to(at, 0.8, sway=to, torso_roll=-0.3 * to, torso_yaw=float(shifts.uniform(-0.2, 0.2)))
    for at in moments(looks, float(looks.uniform(0.0, 0.6)), until_s, 0.7, 1.6):
        aside, down = float(looks.uniform(-0.75, 0.75)), float(looks.uniform(-0.2, 0.3))
        w.to(at, float(looks.uniform(0.35, 0.6)), head_yaw=aside, head_pitch=down)
    for at in moments(arms, float(arms.uniform(0.4, 1.6)), until_s, 1.2, 2.5):
        side = str(arms.choice(SIDES))
        arm = gesture(arms, side, str(arms.choice(["hang", "hip", "chin", "low", "face"])))
        gesture_to(w, at, 0.75, side, arm)
    perform_face(w, rng, until_s)


def walk(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """As before a camera that keeps pace: the figure stays in the middle."""
    heading = float(rng.choice([0.0, 0.5, 1.1, 1.5]) * rng.choice([-1, 1]) + rng.normal(0, 0.15))
    _striding(w, rng, heading, float(rng.uniform(1.6, 2.1)), float(rng.uniform(0.5, 1.1)))
    perform_face(w, rng, until_s)


def _striding(w: Writer, rng: np.random.Generator, heading: float, pace: float, length: float) -> None:
    live(w, rng, 0.5)
    w.rest(turn=heading)
    for side in SIDES:
        w.rest(**gesture(rng, side, "hang", str(rng.choice(["relaxed", "fist", "loose"])), 0.6))
        w.rest(**{f"{side}_elbow_reach": 0.28, f"{side}_leg_turn_out": 0.12})
    stride(w, pace, length, float(rng.uniform()), arms=float(rng.uniform(0.6, 1.2)))


def walk_past(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Through the picture, from one side to the other; slowly where the picture is narrow."""
    way = float(rng.choice([-1.0, 1.0]))
    pace = float(rng.uniform(1.6, 2.0))
    length = float(rng.uniform(0.65, 1.05)) * min(1.0, max(0.45, framing.heads_high / 6))
    speed = 0.85 * math.pi * pace * length
    heading = way * float(rng.uniform(1.15, 1.57))
    _striding(w, rng, heading, pace, length)
    w.rest(x=framing.edge(-way, float(rng.uniform(-0.9, 0.2))))
    w.drift(x=way * speed)
    perform_face(w, rng, until_s)


def dance(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Hips, trunk, head and arms on one beat, feet from side to side."""
    beat, phase = float(rng.uniform(0.85, 1.25)), float(rng.uniform())
    stance(w, rng, 0.22)
    w.wave(beat, phase, sway=float(rng.uniform(0.12, 0.28)), torso_roll=-float(rng.uniform(0.04, 0.12)))
    w.wave(2 * beat, 2 * phase, bob=float(rng.uniform(0.05, 0.14)), head_pitch=0.09)
    w.rest(bob=0.18)
    w.wave(0.5 * beat, phase, torso_yaw=float(rng.uniform(0.1, 0.35)), turn=float(rng.uniform(0, 0.5)))
    w.wave(beat, phase + 0.15, head_roll=0.14, head_yaw=float(rng.uniform(0, 0.3)))
    for side, shift in zip(SIDES, (0.0, 0.5), strict=True):
        w.wave(beat, phase + shift, **{f"{side}_leg_lift": 0.10, f"{side}_leg_toe": 0.2})
        w.rest(**{f"{side}_leg_lift": 0.09, f"{side}_leg_toe": 0.2})
    moves = ["out", "muscle", "up", "hip", "belly", "chest", "point", "wave", "across", "ready"]
    name, other = (str(rng.choice(moves)) for _ in range(2))
    for side in SIDES:
        _dance_arm(w, rng, side, name if side == "left" else other, beat, phase)
    changes = rng.spawn(1)[0]
    for at in moments(changes, float(changes.uniform(0.3, 0.9)) / beat, until_s, 1.0 / beat, 2.0 / beat):
        together = changes.random() < 0.5
        name = str(changes.choice(moves))
        for side in SIDES:
            if together or changes.random() < 0.5:
                gesture_to(w, at, 0.6, side, gesture(changes, side, name, _hand(changes)))
    perform_face(w, rng, until_s)


def _dance_arm(w: Writer, rng: np.random.Generator, side: str, name: str, beat: float, phase: float) -> None:
    w.rest(**gesture(rng, side, name, _hand(rng)))
    amounts = {"swing": 0.12, "elbow_swing": float(rng.uniform(0.1, 0.28)), "wrist_swing": 0.35, "palm": 0.3}
    w.wave(
        beat, phase + float(rng.uniform()), **{f"{side}_{part}": amount for part, amount in amounts.items()}
    )
    w.wave(2 * beat, 2 * phase, **{f"{side}_elbow_reach": 0.10})


def turn_around(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """To profile and beyond, and back."""
    live(w, rng, 0.6)
    stance(w, rng)
    for side in SIDES:
        w.rest(**gesture(rng, side, str(rng.choice(["hang", "hip", "low", "belly", "open", "chest"]))))
    w.rest(turn=float(rng.uniform(-0.5, 0.5)))
    turns = rng.spawn(1)[0]
    way = float(turns.choice([-1.0, 1.0]))
    for k, at in enumerate(moments(turns, float(turns.uniform(0.1, 0.5)), until_s, 1.3, 2.0)):
        angle = way * float(turns.choice([0.9, 1.57, 2.2, math.pi], p=[0.3, 0.4, 0.15, 0.15]))
        during = float(turns.uniform(0.85, 1.1))
        turn_to(w, at, during + 0.12 * abs(angle), angle if k % 2 == 0 else float(turns.normal(0, 0.25)))
        way = way if turns.random() < 0.5 else -way
    perform_face(w, rng, until_s)


def sit(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Sits down and gets up; from the waist up only a little, so that the head stays in the picture."""
    live(w, rng, 0.6)
    stance(w, rng, 0.05)
    deepest = {Shot.FULL_BODY: 1.0, Shot.KNEES_UP: 1.0, Shot.WAIST_UP: 0.4, Shot.CLOSE_UP: 0.2}[framing.shot]
    w.rest(turn=float(rng.uniform(-1.0, 1.0)))
    seated = bool(rng.random() < 0.5)
    if seated:
        w.rest(bob=1.6 * deepest, push=-1.35 * deepest)
    for side in SIDES:
        w.rest(**gesture(rng, side, "lap" if seated else str(rng.choice(["hang", "low", "chest"]))))
    times = rng.spawn(1)[0]
    for at in moments(times, float(times.uniform(0.2, 0.7)), until_s, 1.9, 2.8):
        seated = not seated
        sit_to(w, at, float(times.uniform(0.95, 1.25)), deepest if seated else 0.0)
        for side in SIDES:
            name = "lap" if seated else str(times.choice(["hang", "hang", "low", "chest"]))
            gesture_to(w, at + 0.1, 0.9, side, gesture(times, side, name))
    perform_face(w, rng, until_s)


def reach(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Arms before the trunk and the face: the case that a flat picture finds hardest."""
    live(w, rng)
    stance(w, rng)
    w.rest(turn=float(rng.normal(0, 0.3)))
    before = ["across", "across_high", "face", "reach", "folded", "chest", "belly", "chin"]
    arms = rng.spawn(2)
    for side, own in zip(SIDES, arms, strict=True):
        w.rest(**gesture(own, side, str(own.choice([*before, "hang"])), _hand(own)))
        _beat(w, own, side, 0.05)
        for at in moments(own, float(own.uniform(0.1, 0.8)), until_s, 0.8, 1.7):
            arm = gesture(own, side, str(own.choice([*before, "open", "hang"])), _hand(own))
            gesture_to(w, at, float(own.uniform(0.5, 0.8)), side, arm)
    perform_face(w, rng, until_s)


def visit(w: Writer, rng: np.random.Generator, until_s: float, framing: Framing) -> None:
    """Comes in from one side, stops, and leaves again. Half of the clips begin before it goes."""
    side = float(rng.choice([-1.0, 1.0]))
    outside = framing.edge(side, 0.9)
    pace, during = float(rng.uniform(1.8, 2.1)), 0.6 + 0.2 * abs(outside - framing.middle)
    coming, going = -0.35, -0.35 + during + float(rng.uniform(0.4, 1.2))
    if rng.random() < 0.5:
        coming, going = -during - 1.0, float(rng.uniform(0.2, 0.8))
    goal = float(rng.choice([-1.0, 1.0]))
    live(w, rng, 0.7)
    stance(w, rng)
    for name in SIDES:
        w.rest(**gesture(rng, name, "hang"))
        w.rest(**{f"{name}_elbow_reach": 0.15})
    w.rest(x=outside, turn=-side * 1.3)
    w.to(coming, during, x=framing.middle + float(rng.uniform(-0.15, 0.15)))
    w.to(coming + 0.6 * during, 0.6 * during, turn=float(rng.normal(0, 0.25)))
    w.to(going - 0.3, 0.8, turn=goal * 1.3)
    w.to(going, during, x=framing.edge(goal, 0.9))
    for at in (coming, going):
        stride(w, pace, 0.7, float(rng.uniform()), (at + 0.1, at + during - 0.1), 0.8)
    perform_face(w, rng, until_s)


CHOREOGRAPHY: dict[Kind, Callable[[Writer, np.random.Generator, float, Framing], None]] = {
    Kind.GREET: greet,
    Kind.TALK: talk,
    Kind.IDLE: idle,
    Kind.WALK: walk,
    Kind.PASS: walk_past,
    Kind.DANCE: dance,
    Kind.TURN: turn_around,
    Kind.SIT: sit,
    Kind.REACH: reach,
    Kind.VISIT: visit,
}
SHARE: dict[Shot, dict[Kind, float]] = {  # of the kinds, in parts of their sum
    Shot.FULL_BODY: dict(zip(Kind, (6, 10, 6, 16, 8, 18, 12, 12, 7, 5), strict=True)),
    Shot.KNEES_UP: dict(zip(Kind, (8, 15, 7, 14, 3, 16, 12, 9, 11, 5), strict=True)),
    Shot.WAIST_UP: dict(zip(Kind, (18, 23, 9, 7, 0, 12, 11, 3, 12, 5), strict=True)),
    Shot.CLOSE_UP: dict(zip(Kind, (14, 32, 18, 4, 0, 6, 10, 2, 10, 4), strict=True)),
}
STARTS_AT_0 = (Kind.PASS, Kind.VISIT)  # later, nobody might be there any more
