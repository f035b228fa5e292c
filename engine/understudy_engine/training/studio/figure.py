"""A figure: the joints of a body in a pose.

Units and axes are those of ``geometry``. Everything is batched over rows (N): a row is one frame of one figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .geometry import Frame, turn
from .limbs import arm, at, leg
from .pose import Expression, Pose
from .proportions import ANKLE_HEIGHT, AVERAGE, FLOOR_Y, STRAIGHT, Proportions


@dataclass(frozen=True, slots=True, kw_only=True)
class Limb:
    """An arm and a leg of one side."""

    shoulder: Tensor  # (N, 3), as all points here
    elbow: Tensor
    wrist: Tensor
    hand: Tensor  # (N, 21, 3): wrist, then thumb to little finger, four points each from the palm to the tip
    hip: Tensor
    knee: Tensor
    ankle: Tensor
    heel: Tensor  # on the sole
    toe: Tensor  # on the sole, at the foot's tip


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    proportions: Proportions
    torso: Frame  # origin at the neck's root
    pelvis: Frame  # origin between the hip joints
    head: Frame  # origin in the middle of the skull
    left: Limb
    right: Limb
    expression: Expression


def pose_skeleton(body: Proportions, pose: Pose) -> Skeleton:
    """The joints of *body* in *pose*. All bodies stand on the floor at FLOOR_Y."""
    level = torch.zeros_like(pose.x)
    ground = Frame(torch.stack([pose.x, level + FLOOR_Y, pose.z], dim=-1), turn(pose.turn, level, level))
    reach = body.leg / AVERAGE["leg"]  # short legs sway less far, and sit down less deep
    height = 2 * STRAIGHT * body.leg + ANKLE_HEIGHT * body.foot
    hips = at(ground, pose.sway * reach, pose.bob * reach - height, pose.push * reach)
    pelvis = Frame(hips, turn(pose.turn + 0.5 * pose.torso_yaw, level, 0.3 * pose.torso_roll))
    spine = turn(pose.turn + pose.torso_yaw, pose.torso_pitch, pose.torso_roll)
    torso = Frame(at(Frame(hips, spine), 0.0, -body.torso, 0.0), spine)
    nape = at(torso, 0.0, -body.neck, 0.02)
    facing = turn(pose.turn + pose.head_yaw, pose.head_pitch, pose.head_roll + 0.6 * pose.torso_roll)
    head = Frame(at(Frame(nape, facing), 0.0, -0.46 * body.head, 0.06), facing)
    return Skeleton(
        proportions=body,
        torso=torso,
        pelvis=pelvis,
        head=head,
        left=Limb(
            **arm(body, pose.left, pose.shrug, torso, 1.0), **leg(body, pose.left_leg, ground, pelvis, 1.0)
        ),
        right=Limb(
            **arm(body, pose.right, pose.shrug, torso, -1.0),
            **leg(body, pose.right_leg, ground, pelvis, -1.0),
        ),
        expression=pose.expression,
    )
