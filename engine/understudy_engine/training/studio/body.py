"""A figure's body: the solids that stand around its skeleton."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .figure import Limb, Proportions, Skeleton
from .geometry import Frame, bone
from .look import Hair, Look
from .raster import Material, Part
from .solids import Ellipsoid, RoundCone, Trunk

SKULL = 0.40  # radius, heads
BRIDGE, NOSE_TIP = (0.0, 0.09, 0.375), (0.0, 0.235, 0.455)  # in the head's axes
EAR = 0.395
HEM = 0.62  # where a short sleeve ends on the upper arm
JAW_DROP = 0.085  # heads the chin goes down when the mouth opens fully


def body_parts(skeleton: Skeleton, look: Look) -> list[Part]:
    """Every part of the figure that the camera may see."""
    return [
        *_torso(skeleton),
        *_arm(skeleton.left, skeleton.proportions, look),
        *_arm(skeleton.right, skeleton.proportions, look),
        *_head(skeleton),
        *_hair(skeleton.head, skeleton.proportions.head, look),
    ]


def chin(skeleton: Skeleton) -> Tensor:
    """Middle of the chin's ball in the head's axes, (N, 3)."""
    jaw = skeleton.expression.jaw
    y = skeleton.proportions.face_length + JAW_DROP * jaw
    return torch.stack([torch.zeros_like(y), y, torch.full_like(y, 0.08)], dim=-1)


def skull_and_jaw(head: Frame, skeleton: Skeleton) -> RoundCone:
    body = skeleton.proportions
    return RoundCone(
        head.origin, head.place(body.head * chin(skeleton)), SKULL * body.head, body.jaw * body.head
    )


def _head(skeleton: Skeleton) -> Iterator[Part]:
    head, body = skeleton.head, skeleton.proportions
    yield Part(skull_and_jaw(head, skeleton), Material.FACE, head)
    nose = _between(head, body.head, BRIDGE, NOSE_TIP, 0.035, 0.062)
    yield Part(nose, Material.FACE, head)
    for side in (-1.0, 1.0):
        wing = _ball(head, body.head, (side * 0.050, 0.25, 0.400), 0.040)
        yield Part(wing, Material.FACE, head)
        ear = _between(head, body.head, (side * EAR, 0.04, -0.02), (side * 0.375, 0.19, -0.01), 0.075, 0.05)
        yield Part(ear, Material.SKIN, head)


def _torso(skeleton: Skeleton) -> Iterator[Part]:
    body, torso = skeleton.proportions, skeleton.torso
    wide, waist = body.shoulders, body.waist
    profile = (
        (-0.13, 0.19, 0.18),
        (-0.05, 0.25, 0.22),
        (0.04, 0.42, 0.26),
        (0.12, wide + 0.01, 0.29),
        (0.28, wide + 0.09, 0.35),
        (0.70, wide + 0.03, 0.41),
        (1.30, waist, 0.38),
        (1.70, waist + 0.03, 0.38),
        (2.40, waist + 0.12, 0.42),
    )
    yaw = torch.atan2(torso.rotation[:, 0, 2], torso.rotation[:, 2, 2])
    roll = torch.atan2(-torso.rotation[:, 0, 1], torso.rotation[:, 1, 1])
    yield Part(Trunk(torso.origin, yaw, roll, profile), Material.SHIRT, torso)
    nape = skeleton.head.point(0.0, 0.22 * body.head, -0.21 * body.head)
    neck = RoundCone(torso.point(0.0, 0.10, -0.08), nape, body.neck_radius * 1.12, body.neck_radius)
    yield Part(neck, Material.SKIN, torso)


def _arm(limb: Limb, body: Proportions, look: Look) -> Iterator[Part]:
    thick = body.arm_radius
    upper, lower = bone(limb.shoulder, limb.elbow), bone(limb.elbow, limb.wrist)
    if look.long_sleeves:
        yield Part(RoundCone(limb.shoulder, limb.elbow, thick * 1.22, thick * 1.02), Material.SLEEVE, upper)
        cuff = torch.lerp(limb.elbow, limb.wrist, 0.9)
        yield Part(RoundCone(limb.elbow, cuff, thick * 1.02, thick * 0.84), Material.SLEEVE, lower)
        band = torch.lerp(limb.elbow, limb.wrist, 0.82)
        yield Part(RoundCone(band, cuff, thick * 0.88, thick * 0.88), Material.CUFF, lower)
    else:
        hem = torch.lerp(limb.shoulder, limb.elbow, HEM)
        sleeve = RoundCone(limb.shoulder, hem, thick * 1.22, thick * 1.24)
        yield Part(sleeve, Material.SLEEVE, upper, lambda x, y, z: y < HEM * body.upper_arm)
        yield Part(RoundCone(limb.shoulder, limb.elbow, thick * 1.1, thick * 0.86), Material.SKIN, upper)
    middle = torch.lerp(limb.elbow, limb.wrist, 0.3)
    yield Part(RoundCone(limb.elbow, middle, thick * 0.84, thick * 0.86), Material.SKIN, lower)
    yield Part(RoundCone(middle, limb.wrist, thick * 0.86, thick * 0.55), Material.SKIN, lower)
    yield from _hand(limb, body.hand)


def _hand(limb: Limb, length: float) -> Iterator[Part]:
    points = limb.hand.unbind(1)
    axes = bone(points[0], points[9])
    for knuckle in (5, 9, 13, 17):  # the palm: four rays from the wrist to the fingers
        start = torch.lerp(points[0], points[knuckle], 0.12)
        yield Part(RoundCone(start, points[knuckle], length * 0.10, length * 0.088), Material.SKIN, axes)
    ball = torch.lerp(points[0], points[1], 0.45)
    yield Part(RoundCone(ball, points[1], length * 0.10, length * 0.085), Material.SKIN, axes)
    yield Part(RoundCone(points[1], points[5], length * 0.07, length * 0.08), Material.SKIN, axes)
    for first, thick in ((1, 0.092), (5, 0.085), (9, 0.088), (13, 0.083), (17, 0.074)):
        radii = [length * thick * taper for taper in (1.0, 0.92, 0.86, 0.76)]
        for k in range(3):
            segment = RoundCone(points[first + k], points[first + k + 1], radii[k], radii[k + 1])
            yield Part(segment, Material.SKIN, axes)


def _hair(head: Frame, scale: float, look: Look) -> Iterator[Part]:
    def hairline(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """The cap ends above the brows in front, before the ears at the sides, at the nape behind."""
        x, y, z = x / scale, y / scale, z / scale
        fringe = (
            -0.19 + 0.10 * (x - 0.25 * look.parting).abs() - 0.05 * torch.cos(9 * (x - 0.2 * look.parting))
        )
        front = fringe + (x.abs() - 0.22).clamp(min=0) * 1.3
        return (y < front) | (z < -0.02 - 0.25 * (0.1 - y).clamp(min=0))

    def cap(grow: float, flat: float) -> Ellipsoid:
        radii = (SKULL * grow * scale, SKULL * grow * 1.03 * scale, SKULL * flat * scale)
        return Ellipsoid(head.point(0.0, -0.035 * scale, -0.035 * scale), head.rotation, radii)

    full = look.hairstyle in (Hair.BOB, Hair.LONG)
    yield Part(cap(1.14 if full else 1.09, 1.12), Material.HAIR, head, hairline)
    if look.hairstyle is Hair.BUN:
        yield Part(_ball(head, scale, (0.0, -0.45, -0.14), 0.17), Material.HAIR, head)
    if look.hairstyle is Hair.CURLS:
        yield from _curls(head, scale)
    if full:
        end = 0.40 if look.hairstyle is Hair.BOB else 0.80
        back = _between(head, scale, (0.0, -0.02, -0.20), (0.0, end, -0.30), 0.43, 0.34)
        yield Part(back, Material.HAIR, head)
        for side in (-1.0, 1.0):
            lock = _between(head, scale, (side * 0.37, -0.02, -0.01), (side * 0.38, end, 0.0), 0.10, 0.085)
            yield Part(lock, Material.HAIR, head)


def _curls(head: Frame, scale: float) -> Iterator[Part]:
    """Small balls all over the cap, evenly, as seeds sit in a sunflower."""
    count = 90
    for k in range(count):
        y = -1 + 2 * (k + 0.5) / count
        angle = k * math.pi * (3 - math.sqrt(5))
        ring = math.sqrt(1 - y * y)
        x, z = ring * math.cos(angle), ring * math.sin(angle)
        if y > 0.35 or (z > 0.25 and y > -0.58):
            continue  # neither on the neck nor before the face
        at = (0.45 * x, 0.45 * y - 0.05, 0.45 * z - 0.05)
        yield Part(_ball(head, scale, at, 0.098 + 0.02 * math.cos(7 * k)), Material.HAIR, head)


def _ball(head: Frame, scale: float, at: tuple[float, float, float], radius: float) -> RoundCone:
    return _between(head, scale, at, (at[0], at[1], at[2] - 1e-3), radius, radius)


def _between(
    head: Frame,
    scale: float,
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    start_radius: float,
    end_radius: float,
) -> RoundCone:
    a, b = (head.point(*(scale * v for v in point)) for point in (start, end))
    return RoundCone(a, b, start_radius * scale, end_radius * scale)
