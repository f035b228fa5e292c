"""The 133 whole-body points as the small nets use them: mirrored, boxed, judged for what can be seen of them."""

from __future__ import annotations

import torch
from torch import Tensor

COUNT = 133
FACE = slice(23, 91)
LEFT_EAR, RIGHT_EAR, NOSE = 3, 4, 0


def _mirror_order() -> list[int]:
    body = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    feet = [20, 21, 22, 17, 18, 19]
    runs = [(0, 17), (17, 27), (27, 28), (28, 29), (29, 30), (30, 31), (31, 36)]
    face = [k for first, end in runs for k in reversed(range(first, end))]
    face += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    face += [
        k for first, end in ((48, 55), (55, 60), (60, 65), (65, 68)) for k in reversed(range(first, end))
    ]
    return body + feet + [23 + k for k in face] + list(range(112, 133)) + list(range(91, 112))


MIRRORED = tuple(_mirror_order())  # which point lies where point k lay, in a picture seen in a mirror


def mirror_points(points: Tensor, width: float) -> Tensor:
    """(..., 133, 3) in a picture *width* pixels wide, as they are in its mirror image."""
    swapped = points[..., list(MIRRORED), :].clone()
    swapped[..., 0] = width - swapped[..., 0]
    return swapped


def matte_boxes(mattes: Tensor) -> Tensor:
    """(..., H, W) -> (..., 4) x0 y0 x1 y1 of what is covered by half or more, whole pixels; zeros where nothing is."""
    seen = mattes >= 128
    x0, x1 = _ends(seen.any(dim=-2))
    y0, y1 = _ends(seen.any(dim=-1))
    return torch.stack([x0, y0, x1, y1], dim=-1).float()


def _ends(line: Tensor) -> tuple[Tensor, Tensor]:
    """First, and one after the last, of the True in (..., n); 0 and 0 if there is none."""
    first = line.to(torch.uint8).argmax(dim=-1)
    end = line.shape[-1] - line.flip(-1).to(torch.uint8).argmax(dim=-1)
    return first, torch.where(line.any(dim=-1), end, 0)


def visible(points: Tensor, mattes: Tensor) -> Tensor:
    """Which of (N, 133, 3) lie on what is seen of their person, (N, 133) bool; mattes (N, H, W) uint8.

    A point counts as seen within two pixels of the matte: landmarks lie on the outline too.
    """
    height, width = mattes.shape[-2:]
    near = torch.nn.functional.max_pool2d((mattes >= 128).float()[:, None], 5, 1, 2)[:, 0]
    x = points[..., 0].long().clamp(0, width - 1)
    y = points[..., 1].long().clamp(0, height - 1)
    on = near.flatten(1).gather(1, y * width + x) > 0
    return on & (points[..., 2] > 0)


def face_crop_boxes(points: Tensor, size: float) -> Tensor:
    """(N, 4) around the 68 landmarks of (N, 133, 3): their box with 1.3 times its area, three quarters of the extra
    height above it (engine_spec 6.7), within a square picture of *size* pixels."""
    face = points[:, FACE, :2]
    low, high = face.amin(dim=1), face.amax(dim=1)
    grow = (high - low) * ((1.3**0.5 - 1) / 2)
    box = torch.cat([low - grow * grow.new_tensor([1, 1.5]), high + grow * grow.new_tensor([1, 0.5])], dim=1)
    return box.clamp(0, size)


def readable_faces(points: Tensor, seen: Tensor, smallest_px: float) -> Tensor:
    """(N,) bool: the face looks within 60 degrees of the viewer, four fifths of it are seen, and its landmarks span
    *smallest_px* in height or more. points (N, 133, 3); seen (N, 133) as ``visible`` gives it."""
    ears = points[:, LEFT_EAR, :2] - points[:, RIGHT_EAR, :2]
    middle = (points[:, LEFT_EAR, :2] + points[:, RIGHT_EAR, :2]) / 2
    span = ears.norm(dim=-1).clamp(min=1e-3)
    aside = ((points[:, NOSE, :2] - middle) * ears).sum(-1).abs() / span
    face = points[:, FACE, :2]
    tall = (face.amax(dim=1) - face.amin(dim=1))[:, 1] >= smallest_px
    frontal: Tensor = (ears[:, 0] > 0) & (span > aside)  # the person's left ear is on the picture's right
    return frontal & tall & (seen[:, FACE].float().mean(dim=1) >= 0.8)
