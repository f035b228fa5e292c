"""A figure's pose: what it does with its trunk, head, arms, legs and face in one frame.

Units and axes are those of ``geometry``; all angles are radians. Everything is batched over rows (N): a row is
one frame of one figure.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Directions of an arm's bones against the torso. ``swing``: 0 hangs down, pi/2 out, pi up; ``reach`` is
    toward where the torso faces."""

    swing: Tensor
    reach: Tensor
    elbow_swing: Tensor  # negative: across the body
    elbow_reach: Tensor
    wrist_swing: Tensor  # of the hand
    palm: (
        Tensor  # turn of the hand about its axis: for a hand that hangs 0 thumb out, pi/2 forward, pi inward
    )
    curl: Tensor  # (N, 5) thumb to little finger: 0 straight, 1 a fist
    spread: Tensor  # 0 fingers together, 1 apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Where a foot is against the place on the floor where the figure stands; hip and knee follow."""

    step_x: Tensor  # heads outward from under the hip
    step_z: Tensor  # heads forward
    lift: Tensor  # heads above the floor
    toe: Tensor  # tilt of the foot: positive on its toes, negative on its heel
    turn_out: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A face's parameters, each (N,)."""

    jaw: Tensor  # 0 closed to 1 wide open
    smile: Tensor  # -1 to 1
    pucker: Tensor  # 0 to 1: lips drawn together, as in "oo"
    gaze_x: Tensor  # -1 to 1, to the right of the picture
    gaze_y: Tensor  # -1 to 1, down
    eyes: Tensor  # 0 shut to 1 open
    brow_left: Tensor  # -1 frown to 1 raised
    brow_right: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Each (N,). ``x``, ``z`` and ``turn`` move and turn the whole figure with its feet; ``sway``, ``bob`` and
    ``push`` move the hips over feet that stay where they are."""

    x: Tensor  # heads to the right of the picture
    z: Tensor  # heads toward the viewer
    turn: Tensor  # 0 faces the viewer, pi/2 the right of the picture
    sway: Tensor  # heads to the figure's left
    bob: Tensor  # heads down
    push: Tensor  # heads forward
    torso_yaw: Tensor  # against the feet
    torso_pitch: Tensor  # positive: forward
    torso_roll: Tensor
    shrug: Tensor  # heads up
    head_yaw: Tensor  # against the feet
    head_pitch: Tensor
    head_roll: Tensor
    left: Arm
    right: Arm
    left_leg: Leg
    right_leg: Leg
    expression: Expression
