"""Where a pose detector would find the figure: 133 whole-body points, exactly, and the face's box.

The layout is COCO-WholeBody's: 17 of the body, 6 of the feet, 68 of the face, 21 of the left hand, 21 of the
right. Left and right are the person's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .body import NOSE_TIP, SKULL, chin
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
from .figure import Expression, Limb, Skeleton
from .raster import Camera
from .solids import RoundCone

COUNT = 133
FACE = slice(23, 91)


def whole_body(skeleton: Skeleton, camera: Camera) -> Tensor:
    """(N, 133, 3): x and y in pixels (0 is the picture's edge), and score. Points outside the picture keep
    their place and score 0."""
    head, scale = skeleton.head, skeleton.proportions.head
    left, right = skeleton.left, skeleton.right
    features = [NOSE_TIP, (EYE_X, EYE_Y, 0.34), (-EYE_X, EYE_Y, 0.34), (0.42, 0.10, 0.0), (-0.42, 0.10, 0.0)]
    points = [head.point(*(scale * v for v in feature)) for feature in features]
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        points += [getattr(left, joint), getattr(right, joint)]
    points += [*_foot(left, 1.0), *_foot(right, -1.0)]
    body = torch.stack(points, dim=1)  # (N, 23, 3)
    local = face_landmarks(skeleton) * scale
    face = head.origin[:, None] + local @ head.rotation.mT
    xy = camera.project(torch.cat([body, face, left.hand, right.hand], dim=1))
    inside = ((xy >= 0) & (xy < camera.size)).all(dim=-1, keepdim=True)
    return torch.cat([xy, inside.to(xy.dtype)], dim=-1)


def _foot(limb: Limb, side: float) -> list[Tensor]:
    big, small, heel = ((side * -0.05, 0.0, 0.0), (side * 0.10, 0.0, -0.05), (0.0, 0.0, -0.45))
    return [limb.toe + limb.toe.new_tensor(offset) for offset in (big, small, heel)]


def face_landmarks(skeleton: Skeleton) -> Tensor:
    """The 68 landmarks in the head's axes, in parts of its size, (N, 68, 3)."""
    e = skeleton.expression
    xy = torch.cat([_jaw(skeleton), _brows(e), _nose(e), _eyes(e), _mouth(e)], dim=1)  # (N, 68, 2)
    middle = chin(skeleton)
    head = RoundCone(torch.zeros_like(middle), middle, SKULL, skeleton.proportions.jaw)
    z = head.hit(xy[:, None, :, 0], xy[:, None, :, 1]).z[:, 0]
    z = torch.where(z.isfinite(), z, 0.0)
    z[:, :17] = torch.linspace(0.0, 0.08, 9, device=z.device)[
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    ]  # the jaw's outline lies on the side of the head
    z[:, 27:31] = torch.linspace(0.40, 0.51, 4, device=z.device)
    z[:, 31:36] += 0.05
    return torch.cat([xy, z[..., None]], dim=-1)


def _jaw(skeleton: Skeleton) -> Tensor:
    """From the temple on the picture's left round the chin to the other: the outline of the head."""
    chin_y, radius = chin(skeleton)[:, 1, None, None], skeleton.proportions.jaw
    low = chin_y[..., 0] + radius
    down = low.new_tensor([0, 0.16, 0.32, 0.48, 0.63, 0.77, 0.89, 0.97, 1.0])
    y = 0.06 + (low - 0.06) * down  # (N, 9)
    t = torch.linspace(0, 1, 33, device=low.device)  # the balls that the head covers
    ball = SKULL + (radius - SKULL) * t
    x = (ball**2 - (y[..., None] - t * chin_y) ** 2).clamp(min=0).sqrt().amax(dim=-1)
    x[:, -1] = 0
    half = torch.stack([-x, y], dim=-1)
    return torch.cat([half, _mirrored(half[:, :-1].flip(1))], dim=1)


def _brows(e: Expression) -> Tensor:
    sides = []
    for side, raised in ((-1.0, e.brow_right), (1.0, e.brow_left)):
        out = torch.linspace(-1, 1, 5, device=raised.device) * -side  # both brows run to the right
        out = -out if side > 0 else out
        out = out.sort(descending=side < 0).values[None]
        y = brow_line(out, raised[:, None])
        x = side * (EYE_X + 0.008 + BROW_HALF_WIDTH * out)
        sides.append(torch.stack([x.expand_as(y), y], dim=-1))
    return torch.cat(sides, dim=1)


def _nose(e: Expression) -> Tensor:
    bridge = [(0.0, 0.06), (0.0, 0.12), (0.0, 0.18), (0.0, 0.24)]
    wings = [(-0.075, 0.275), (-0.04, 0.29), (0.0, 0.298), (0.04, 0.29), (0.075, 0.275)]
    return e.jaw.new_tensor(bridge + wings).expand(len(e.jaw), 9, 2)


def _eyes(e: Expression) -> Tensor:
    closed = LOWER_LID * 0.5
    upper = closed - (UPPER_LID + closed) * e.eyes
    thirds = 0.82 * EYE_HALF_WIDTH * 0.45
    sides = []
    for side in (-1.0, 1.0):
        x = e.jaw.new_tensor([-EYE_HALF_WIDTH, -thirds, thirds, EYE_HALF_WIDTH, thirds, -thirds])
        zero = torch.zeros_like(upper)
        bottom = torch.full_like(upper, 0.9 * LOWER_LID)
        y = torch.stack([zero, 0.9 * upper, 0.9 * upper, zero, bottom, bottom], dim=-1)
        sides.append(torch.stack([(x + side * EYE_X).expand_as(y), y + EYE_Y], dim=-1))
    return torch.cat(sides, dim=1)


def _mouth(e: Expression) -> Tensor:
    """Twelve points around the lips, then eight around the opening, each from the picture's left, clockwise."""
    width, _ = mouth_corner(e)

    def row(parts: list[float], edge: int) -> Tensor:
        x = width[:, None] * width.new_tensor(parts)
        each = Expression(**{name: getattr(e, name)[:, None] for name in Expression.__slots__})
        return torch.stack([x, mouth_edges(x, each)[edge]], dim=-1)

    fifths = [math.cos(math.pi * k / 6) for k in range(1, 6)]
    outer = [row([-1.0], 1), row([-c for c in fifths], 0), row([1.0], 1), row(fifths, 3)]
    inner = [row([-0.86], 1), row([-0.4, 0.0, 0.4], 1), row([0.86], 1), row([0.4, 0.0, -0.4], 2)]
    return torch.cat(outer + inner, dim=1)


def _mirrored(points: Tensor) -> Tensor:
    return points * points.new_tensor([-1.0, 1.0])


def face_boxes(keypoints: Tensor, size: int) -> Tensor:
    """(N, 4) x0 y0 x1 y1 in whole pixels, within the picture: the landmarks' box with 1.3 times its area, more of
    it above. It is the box that the reference implementation crops."""
    points = keypoints[:, FACE, :2]
    low, high = points.amin(dim=1), points.amax(dim=1)
    grow = (high - low) * (math.sqrt(1.3) - 1) / 2
    more, less = grow.new_tensor([1.0, 1.5]), grow.new_tensor([1.0, 0.5])
    return torch.cat([low - more * grow, high + less * grow], dim=1).clamp(0, size).trunc()
