"""A figure's proportions and pose, and where that puts its joints.

Units and axes are those of ``geometry``. All angles are radians. Everything is batched over frames (N).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .geometry import Frame, turn, unit, vector

FINGERS = ("thumb", "index", "middle", "ring", "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Lengths in heads, measured on a figure of average size."""

    head: float = 1.0  # scale of the head
    jaw: float = 0.215  # radius of the chin
    face_length: float = 0.40  # from the middle of the skull to the middle of the chin
    neck: float = 0.24
    neck_radius: float = 0.17
    shoulders: float = 0.61  # from the spine to the shoulder joint
    waist: float = 0.50  # half the width at the waist
    torso: float = 2.05  # from the neck's root to the hips
    upper_arm: float = 1.08
    forearm: float = 0.94
    arm_radius: float = 0.155
    hand: float = 0.60
    leg: float = 1.75  # a thigh, and a shin


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Directions of an arm's bones against the torso. ``swing``: 0 hangs down, pi/2 out, pi up; ``reach`` is
    toward the viewer."""

    swing: Tensor
    reach: Tensor
    elbow_swing: Tensor
    elbow_reach: Tensor
    wrist_swing: Tensor  # of the hand
    palm: Tensor  # turn of the palm about the hand's axis
    curl: Tensor  # (N, 5) thumb to little finger: 0 straight, 1 a fist
    spread: Tensor  # 0 fingers together, 1 apart


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
    sway: Tensor  # of the hips, heads to the right
    bob: Tensor  # of the hips, heads down
    torso_yaw: Tensor
    torso_roll: Tensor
    shrug: Tensor  # heads up
    head_yaw: Tensor
    head_pitch: Tensor
    head_roll: Tensor
    left: Arm
    right: Arm
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Limb:
    shoulder: Tensor  # (N, 3), as all points here
    elbow: Tensor
    wrist: Tensor
    hand: Tensor  # (N, 21, 3): wrist, then thumb to little finger, four points each from the palm to the tip
    hip: Tensor
    knee: Tensor
    ankle: Tensor
    toe: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    proportions: Proportions
    torso: Frame  # origin at the neck's root
    pelvis: Tensor
    head: Frame  # origin in the middle of the skull
    left: Limb
    right: Limb
    expression: Expression


def random_proportions(rng: np.random.Generator) -> Proportions:
    def around(middle: float, part: float) -> float:
        return float(middle * rng.uniform(1 - part, 1 + part))

    build = rng.uniform(0.86, 1.1)  # slight to sturdy
    return Proportions(
        head=around(1.0, 0.05),
        jaw=around(0.215, 0.14),
        face_length=around(0.40, 0.07),
        neck=around(0.24, 0.15),
        neck_radius=around(0.17, 0.08) * build,
        shoulders=around(0.61, 0.05) * build,
        waist=around(0.50, 0.06) * build,
        upper_arm=around(1.08, 0.05),
        forearm=around(0.94, 0.05),
        arm_radius=around(0.155, 0.08) * build,
        hand=around(0.60, 0.05),
    )


def pose_skeleton(body: Proportions, pose: Pose) -> Skeleton:
    """The joints of *body* in *pose*. The hips of every body are in the same place, so that one figure can
    stand in for another; from there each has its own lengths."""
    level = torch.zeros_like(pose.sway)
    pelvis = vector(pose.sway, 2.05 + pose.bob, level)
    spine = turn(pose.torso_yaw, level, pose.torso_roll)
    torso = Frame(Frame(pelvis, spine).point(0.0, -body.torso, 0.0), spine)
    nape = torso.point(0.0, -body.neck, 0.02)
    facing = turn(pose.head_yaw, pose.head_pitch, pose.head_roll + 0.6 * pose.torso_roll)
    head = Frame(Frame(nape, facing).point(0.0, -0.46 * body.head, 0.06), facing)
    return Skeleton(
        proportions=body,
        torso=torso,
        pelvis=pelvis,
        head=head,
        left=_limb(body, pose.left, pose.shrug, torso, pelvis, side=1.0),
        right=_limb(body, pose.right, pose.shrug, torso, pelvis, side=-1.0),
        expression=pose.expression,
    )


def _limb(body: Proportions, arm: Arm, shrug: Tensor, torso: Frame, pelvis: Tensor, side: float) -> Limb:
    def direction(swing: Tensor, reach: Tensor) -> Tensor:
        flat = reach.cos()
        local = vector(side * swing.sin() * flat, swing.cos() * flat, reach.sin())
        return (torso.rotation @ local[..., None])[..., 0]

    raised = (arm.swing / torch.pi).clamp(0, 1)  # a raised arm takes its shoulder along
    drop = 0.29 - shrug - 0.13 * raised
    shoulder = torso.place(
        vector(torch.full_like(drop, side * 0.96 * body.shoulders), drop, torch.zeros_like(drop))
    )
    elbow = shoulder + body.upper_arm * direction(arm.swing, arm.reach)
    wrist = elbow + body.forearm * direction(arm.elbow_swing, arm.elbow_reach)
    along = direction(arm.wrist_swing, arm.elbow_reach)
    hip = Frame(pelvis, torso.rotation).point(side * 0.36, 0.0, 0.0)
    knee = hip + hip.new_tensor([side * 0.06, body.leg, 0.05])
    ankle = knee + hip.new_tensor([0.0, body.leg, -0.05])
    return Limb(
        shoulder=shoulder,
        elbow=elbow,
        wrist=wrist,
        hand=_hand(body.hand, wrist, along, arm, side),
        hip=hip,
        knee=knee,
        ankle=ankle,
        toe=ankle + hip.new_tensor([side * 0.08, 0.12, 0.35]),
    )


def _hand(length: float, wrist: Tensor, along: Tensor, arm: Arm, side: float) -> Tensor:
    """21 points (N, 21, 3). The palm's width, the fingers' lengths and bends are parts of *length*."""
    medial = along.new_tensor([-side, -0.6, 0.3]).expand_as(along)
    thumbward = unit(medial - (medial * along).sum(-1, keepdim=True) * along)
    inward = -side * torch.linalg.cross(along, thumbward)  # out of the palm
    c, s = arm.palm.cos()[:, None], arm.palm.sin()[:, None]
    thumbward, inward = thumbward * c + inward * s, inward * c - thumbward * s

    points = [wrist]
    for finger in range(5):
        points += _finger(finger, length, wrist, along, thumbward, inward, arm)
    return torch.stack(points, dim=1)


def _finger(
    finger: int, length: float, wrist: Tensor, along: Tensor, thumbward: Tensor, inward: Tensor, arm: Arm
) -> list[Tensor]:
    curl, spread = arm.curl[:, finger, None], arm.spread[:, None]
    if finger == 0:
        start = wrist + length * (0.16 * along + 0.13 * thumbward + 0.03 * inward)
        angle = 0.75 + 0.35 * spread - 0.7 * curl
        segments, bends = (0.22, 0.18, 0.14), (0.15, 0.45, 0.8)
    else:
        offset = (0.185, 0.065, -0.055, -0.165)[finger - 1]
        start = wrist + length * ((0.52, 0.54, 0.52, 0.47)[finger - 1] * along + offset * thumbward)
        angle = offset * (0.35 + 1.9 * spread)
        reach = (0.42, 0.47, 0.43, 0.34)[finger - 1]
        segments, bends = (0.45 * reach, 0.31 * reach, 0.24 * reach), (1.25, 2.6, 3.5)
    outward = along * angle.cos() + thumbward * angle.sin()
    points = [start]
    for segment, bend in zip(segments, bends, strict=True):
        angle = curl * bend + 0.06
        points.append(points[-1] + length * segment * (outward * angle.cos() + inward * angle.sin()))
    return points
