"""Arms, hands and legs: their joints from a pose's angles and footholds."""

from __future__ import annotations

import torch
from torch import Tensor

from .geometry import Frame, turn, unit, vector
from .pose import Arm, Leg
from .proportions import ANKLE_HEIGHT, AVERAGE, Proportions

HEEL, TOE = -0.27, 0.73  # in feet, behind and before the ankle
LONGEST = 0.999  # a leg's reach, in parts of its bones' length; it gives way softly before
KNUCKLE_ALONG = (0.52, 0.54, 0.52, 0.47)  # index to little finger, parts of the hand's length
KNUCKLE_ACROSS = (0.185, 0.065, -0.055, -0.165)
FINGER_LENGTH = (0.42, 0.47, 0.43, 0.34)
SEGMENTS = (0.45, 0.31, 0.24)  # of a finger
BENDS = (1.25, 2.6, 3.5)  # of a fist, radians against the palm


def at(frame: Frame, x: Tensor | float, y: Tensor | float, z: Tensor | float) -> Tensor:
    """The point of local coordinates, numbers or (N,), in the studio, (N, 3)."""
    point = frame.origin
    for axis, part in enumerate((x, y, z)):
        along = part[..., None] if isinstance(part, Tensor) else part
        point = point + frame.rotation[:, :, axis] * along
    return point


def arm(body: Proportions, arm: Arm, shrug: Tensor, torso: Frame, side: float) -> dict[str, Tensor]:
    """Shoulder, elbow, wrist and hand of the arm at *side*, 1 the left and -1 the right."""

    def towards(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return (torso.rotation @ vector(x, y, z)[..., None])[..., 0]

    def direction(swing: Tensor, reach: Tensor) -> Tensor:
        flat = reach.cos()
        return towards(side * swing.sin() * flat, swing.cos() * flat, reach.sin())

    raised = (arm.swing / torch.pi).clamp(0, 1)  # a raised arm takes its shoulder along
    shoulder = at(torso, side * 0.96 * body.shoulders, 0.29 - shrug - 0.13 * raised, 0.0)
    elbow = shoulder + body.upper_arm[..., None] * direction(arm.swing, arm.reach)
    wrist = elbow + body.forearm[..., None] * direction(arm.elbow_swing, arm.elbow_reach)
    along = direction(arm.wrist_swing, arm.elbow_reach)
    outward = towards(side * arm.wrist_swing.cos(), -arm.wrist_swing.sin(), torch.zeros_like(arm.wrist_swing))
    forward = side * torch.linalg.cross(outward, along)
    c, s = arm.palm.cos()[:, None], arm.palm.sin()[:, None]
    thumbward = outward * c + forward * s
    hand = _hand(body.hand, wrist, along, thumbward, arm, side)
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "hand": hand}


def _hand(length: Tensor, wrist: Tensor, along: Tensor, thumbward: Tensor, arm: Arm, side: float) -> Tensor:
    """21 points (N, 21, 3). The palm's width, the fingers' lengths and bends are parts of *length*."""
    inward = -side * torch.linalg.cross(along, thumbward)  # out of the palm
    long = length[..., None]
    base = wrist + long * (0.16 * along + 0.13 * thumbward + 0.03 * inward)
    curl, spread = arm.curl[:, 0, None], arm.spread[:, None]
    slant = 0.75 + 0.35 * spread - 0.7 * curl
    points = [
        wrist,
        *_finger(base, along, thumbward, inward, long, (0.22, 0.18, 0.14), slant, curl, (0.15, 0.45, 0.8)),
    ]
    for k, (reach, across) in enumerate(zip(KNUCKLE_ALONG, KNUCKLE_ACROSS, strict=True)):
        knuckle = wrist + long * (reach * along + across * thumbward)
        lengths = tuple(part * FINGER_LENGTH[k] for part in SEGMENTS)
        slant = across * (0.35 + 1.9 * spread)
        points += _finger(
            knuckle, along, thumbward, inward, long, lengths, slant, arm.curl[:, k + 1, None], BENDS
        )
    return torch.stack(points, dim=1)


def _finger(
    start: Tensor,
    along: Tensor,
    thumbward: Tensor,
    inward: Tensor,
    long: Tensor,
    lengths: tuple[float, ...],
    slant: Tensor,
    curl: Tensor,
    bends: tuple[float, ...],
) -> list[Tensor]:
    outward = along * slant.cos() + thumbward * slant.sin()
    points = [start]
    for length, bend in zip(lengths, bends, strict=True):
        angle = curl * bend + 0.06
        points.append(points[-1] + long * length * (outward * angle.cos() + inward * angle.sin()))
    return points


def leg(body: Proportions, leg: Leg, ground: Frame, pelvis: Frame, side: float) -> dict[str, Tensor]:
    """Hip, knee, ankle, heel and toe of the leg at *side*. *ground*: where and which way the figure stands."""
    hip = at(pelvis, side * 0.58 * body.hips, 0.0, 0.0)
    reach = body.leg / AVERAGE["leg"]
    on_toes, on_heel = body.foot * TOE * _rise(leg.toe), body.foot * -HEEL * _rise(-leg.toe)
    height = ANKLE_HEIGHT * body.foot + leg.lift * reach + on_toes + on_heel
    foothold = at(ground, side * (0.58 * body.hips + leg.step_x * reach), -height, leg.step_z * reach)
    level = torch.zeros_like(leg.toe)
    foot = ground.rotation @ turn(side * leg.turn_out, leg.toe, level)
    knee, ankle = _bend(hip, foothold, body.leg[..., None], foot[:, :, 2])
    sole = Frame(ankle, foot)
    heel = at(sole, 0.0, ANKLE_HEIGHT * body.foot, HEEL * body.foot)
    toe = at(sole, 0.0, ANKLE_HEIGHT * body.foot, TOE * body.foot)
    return {"hip": hip, "knee": knee, "ankle": ankle, "heel": heel, "toe": toe}


def _rise(tilt: Tensor) -> Tensor:
    """About sin(tilt) where it is positive, 0 elsewhere, without a corner between."""
    up = tilt.sin().clamp(min=0)
    return up * up / (up + 0.08)


def _bend(hip: Tensor, foothold: Tensor, length: Tensor, forward: Tensor) -> tuple[Tensor, Tensor]:
    """Knee and ankle, (N, 3) each, of a leg whose bones are *length* (N, 1) long. The knee gives way to where
    *forward* points. A foothold out of reach is not reached."""
    way = foothold - hip
    far = way.norm(dim=-1, keepdim=True).clamp(min=1e-6) / (2 * length)
    soft = 0.004
    reach = far - soft * torch.nn.functional.softplus((far - LONGEST) / soft)
    down = way / (2 * length * far)
    ahead = unit(forward - (forward * down).sum(-1, keepdim=True) * down)
    knee = hip + length * (reach * down + (1 - reach * reach).clamp(min=0).sqrt() * ahead)
    return knee, hip + 2 * length * reach * down
