"""Where a pose detector would find the figure: 133 whole-body points, exactly, and the face's box.

The layout is COCO-WholeBody's: 17 of the body, 6 of the feet, 68 of the face, 21 of the left hand, 21 of the
right. Left and right are the person's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .body import NOSE_TIP, SKULL, chin
from .constants import constant
from .face import (
    BROW_HALF_WIDTH,
    EYE_HALF_WIDTH,
    EYE_X,
    EYE_Y,
    LOWER_LID,
    UPPER_LID,
    brow_line,
    mouth_corner,
    mouth_edges,
)
from .figure import Limb, Skeleton
from .geometry import Frame, unit
from .pose import Expression

COUNT = 133
FACE = slice(23, 91)
FEATURES = (NOSE_TIP, (EYE_X, EYE_Y, 0.34), (-EYE_X, EYE_Y, 0.34), (0.42, 0.10, 0.0), (-0.42, 0.10, 0.0))
JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
JAW_DOWN = (0.0, 0.16, 0.32, 0.48, 0.63, 0.77, 0.89, 0.97, 1.0)
BRIDGE = ((0.0, 0.06), (0.0, 0.12), (0.0, 0.18), (0.0, 0.24))
WINGS = ((-0.075, 0.275), (-0.04, 0.29), (0.0, 0.298), (0.04, 0.29), (0.075, 0.275))
BRIDGE_Z = tuple(0.40 + 0.11 * k / 3 for k in range(4))

Project = Callable[[Tensor], Tensor]
"""Points (N, K, 3) in the studio -> (N, K, 2) pixels, 0 the picture's edge, by each row's own camera."""


def whole_body(skeleton: Skeleton, project: Project, size: int) -> Tensor:
    """(N, 133, 3): x and y in pixels (0 is the picture's edge), and score, of pictures of *size* pixels square.
    Points outside the picture keep their place and score 0; all others score 1, hidden or not."""
    xy = project(whole_body_points(skeleton))
    inside = ((xy >= 0) & (xy < size)).all(dim=-1, keepdim=True)
    return torch.cat([xy, inside.to(xy.dtype)], dim=-1)


def whole_body_points(skeleton: Skeleton) -> Tensor:
    """The 133 points in the studio, (N, 133, 3)."""
    left, right, head = skeleton.left, skeleton.right, skeleton.head
    face = _in_studio(head, face_landmarks(skeleton) * skeleton.proportions.head[..., None, None])
    features = constant(FEATURES, head.origin) * skeleton.proportions.head[..., None, None]
    features = _in_studio(head, features.expand(len(head.origin), -1, -1))
    joints = [getattr(limb, joint) for joint in JOINTS for limb in (left, right)]
    feet = [*_foot(skeleton, left, 1.0), *_foot(skeleton, right, -1.0)]
    body = torch.cat([features, torch.stack(joints + feet, dim=1)], dim=1)
    return torch.cat([body, face, left.hand, right.hand], dim=1)


def _in_studio(frame: Frame, local: Tensor) -> Tensor:
    """Local points (N, K, 3) in the studio."""
    return frame.origin[:, None] + local @ frame.rotation.mT


def _foot(skeleton: Skeleton, limb: Limb, side: float) -> list[Tensor]:
    """Big toe, small toe and heel."""
    length = skeleton.proportions.foot[..., None]
    forward = unit(limb.toe - limb.heel)
    up = limb.ankle - limb.heel
    up = unit(up - (up * forward).sum(-1, keepdim=True) * forward)
    outward = side * torch.linalg.cross(forward, up)
    big = limb.toe + length * (0.08 * up - 0.05 * outward)
    small = limb.toe + length * (0.06 * up - 0.10 * forward + 0.14 * outward)
    return [big, small, limb.heel + 0.08 * length * up]


def face_landmarks(skeleton: Skeleton) -> Tensor:
    """The 68 landmarks in the head's axes, in parts of its size, (N, 68, 3)."""
    e = skeleton.expression
    jaw = _jaw(skeleton)
    down = torch.linspace(0.0, 0.08, 9, device=jaw.device, dtype=jaw.dtype)
    sides = torch.cat([down, down[:-1].flip(0)]).expand(
        len(jaw), 17
    )  # the outline lies on the side of the head
    brows, nose, rest = _brows(e), _nose(e), torch.cat([_eyes(e), _mouth(e)], dim=1)
    bridge = constant(BRIDGE_Z, jaw).expand(len(jaw), 4)
    wings = _head_surface(skeleton, nose[:, 4:]) + 0.05
    z = [sides, _head_surface(skeleton, brows), bridge, wings, _head_surface(skeleton, rest)]
    xy = torch.cat([jaw, brows, nose, rest], dim=1)  # (N, 68, 2)
    return torch.cat([xy, torch.cat(z, dim=1)[..., None]], dim=-1)


def _head_surface(skeleton: Skeleton, xy: Tensor) -> Tensor:
    """Height z (N, K) of the head's front at points (N, K, 2), 0 beside it: the highest of the balls from skull to
    chin, as ``solids`` has it in closed form."""
    x, y = xy.unbind(-1)
    middle = chin(skeleton)  # (N, 3)
    dy, dz = middle[:, 1, None], middle[:, 2, None]
    grow = skeleton.proportions.jaw[..., None] - SKULL
    a, b, c = grow * grow - dy * dy, SKULL * grow + y * dy, SKULL * SKULL - x * x - y * y
    inside = b * b - a * c
    slope = dz / (dy * dy + dz * dz - grow * grow).clamp(min=1e-9).sqrt()
    t = ((-slope * inside.clamp(min=0).sqrt() - b) / a).clamp(0, 1)
    t = torch.where(inside < 0, 1.0, t)
    up = (a * t + 2 * b) * t + c
    return torch.where(up > 0, dz * t + up.clamp(min=0).sqrt(), 0.0)


def _jaw(skeleton: Skeleton) -> Tensor:
    """From the temple on the picture's left round the chin to the other: the outline of the head."""
    chin_y, radius = chin(skeleton)[:, 1, None], skeleton.proportions.jaw[..., None]
    y = 0.06 + (chin_y + radius - 0.06) * constant(JAW_DOWN, chin_y)  # (N, 9)
    t = torch.linspace(0, 1, 33, device=y.device, dtype=y.dtype)  # the balls that the head covers
    ball = SKULL + (radius[..., None] - SKULL) * t
    x = (ball**2 - (y[..., None] - t * chin_y[..., None]) ** 2).clamp(min=0).sqrt().amax(dim=-1)
    x = torch.cat([x[:, :-1], torch.zeros_like(x[:, -1:])], dim=1)
    outline = torch.cat([-x, x[:, :-1].flip(1)], dim=1)
    return torch.stack([outline, torch.cat([y, y[:, :-1].flip(1)], dim=1)], dim=-1)


def _brows(e: Expression) -> Tensor:
    """Five points a brow, both from the picture's left to its right."""
    run = torch.linspace(-1, 1, 5, device=e.jaw.device, dtype=e.jaw.dtype)[None]
    sides = []
    for side, raised in ((-1.0, e.brow_right), (1.0, e.brow_left)):
        out = side * run
        y = brow_line(out, raised[:, None])
        x = side * (EYE_X + 0.008) + BROW_HALF_WIDTH * run
        sides.append(torch.stack([x.expand_as(y), y], dim=-1))
    return torch.cat(sides, dim=1)


def _nose(e: Expression) -> Tensor:
    return constant(BRIDGE + WINGS, e.jaw).expand(len(e.jaw), 9, 2)


def _eyes(e: Expression) -> Tensor:
    closed = LOWER_LID * 0.5
    upper = closed - (UPPER_LID + closed) * e.eyes
    thirds = 0.82 * EYE_HALF_WIDTH * 0.45
    sides = []
    for side in (-1.0, 1.0):
        x = constant((-EYE_HALF_WIDTH, -thirds, thirds, EYE_HALF_WIDTH, thirds, -thirds), e.jaw)
        zero = torch.zeros_like(upper)
        bottom = torch.full_like(upper, 0.9 * LOWER_LID)
        y = torch.stack([zero, 0.9 * upper, 0.9 * upper, zero, bottom, bottom], dim=-1)
        sides.append(torch.stack([(x + side * EYE_X).expand_as(y), y + EYE_Y], dim=-1))
    return torch.cat(sides, dim=1)


def _mouth(e: Expression) -> Tensor:
    """Twelve points around the lips, then eight around the opening, each from the picture's left, clockwise."""
    width, _ = mouth_corner(e)

    def row(parts: list[float], edge: int) -> Tensor:
        x = width[:, None] * constant(tuple(parts), width)
        each = Expression(**{name: getattr(e, name)[:, None] for name in Expression.__slots__})
        return torch.stack([x, mouth_edges(x, each)[edge]], dim=-1)

    fifths = [math.cos(math.pi * k / 6) for k in range(1, 6)]
    outer = [row([-1.0], 1), row([-c for c in fifths], 0), row([1.0], 1), row(fifths, 3)]
    inner = [row([-0.86], 1), row([-0.4, 0.0, 0.4], 1), row([0.86], 1), row([0.4, 0.0, -0.4], 2)]
    return torch.cat(outer + inner, dim=1)


def face_boxes(keypoints: Tensor, size: int) -> Tensor:
    """(N, 4) x0 y0 x1 y1 in whole pixels, within the picture: the landmarks' box with 1.3 times its area, more of
    it above. It is the box that the reference implementation crops."""
    points = keypoints[:, FACE, :2]
    low, high = points.amin(dim=1), points.amax(dim=1)
    grow = (high - low) * (math.sqrt(1.3) - 1) / 2
    above, below = constant((1.0, 1.5), grow), constant((1.0, 0.5), grow)
    return torch.cat([low - above * grow, high + below * grow], dim=1).clamp(0, size).trunc()
