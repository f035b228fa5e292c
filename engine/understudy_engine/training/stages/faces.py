"""The engine's face crops for many frames at once, on any device: a twin of preprocess/face.py.

A crop and its scaling to a square are two matrices, one for rows and one for columns, whose entries are those
of cv2's area and linear interpolation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...preprocess.joints import FACE

AREA_SCALE = 1.3  # the three of preprocess/face.py, which needs cv2; a test holds them equal
MIN_LANDMARKS = 17
MIN_MEAN_SCORE = 0.2
FACES_AT_ONCE = 1024


def face_boxes(keypoints: Tensor, height: int, width: int) -> Tensor:
    """keypoints (N, 133, 3) -> (N, 4) x0 y0 x1 y1, whole pixels, end excluded; all 0 where no face is to be seen."""
    face = keypoints[:, FACE]
    known = face[..., 2] > 0
    seen = (known.sum(dim=1) >= MIN_LANDMARKS) & (face[..., 2].mean(dim=1) >= MIN_MEAN_SCORE)
    away = torch.where(known[..., None], face[..., :2].double(), math.inf)
    low = away.amin(dim=1)
    high = torch.where(known[..., None], face[..., :2].double(), -math.inf).amax(dim=1)
    growth = math.sqrt(AREA_SCALE) - 1
    aside, up = (high - low)[:, 0] * growth / 2, (high - low)[:, 1] * growth / 4
    x0, x1 = (low[:, 0] - aside).clamp_min(0), (high[:, 0] + aside).clamp_max(width)
    y0, y1 = (low[:, 1] - 3 * up).clamp_min(0), (high[:, 1] + up).clamp_max(height)
    boxes = torch.stack([x0, y0, x1, y1], dim=1).nan_to_num(0, 0, 0).trunc().long()
    seen = seen & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return boxes * seen[:, None]


def crop_faces(frames: Tensor, boxes: Tensor, size_px: int) -> Tensor:
    """frames (N, 3, H, W) uint8, boxes (N, 4) -> (N, 3, size_px, size_px) uint8; black without a box."""
    parts = zip(frames.split(FACES_AT_ONCE), boxes.split(FACES_AT_ONCE), strict=True)
    return torch.cat([_crop(some, where, size_px) for some, where in parts])


def _crop(frames: Tensor, boxes: Tensor, size_px: int) -> Tensor:
    height, width = frames.shape[2:]
    x0, y0, x1, y1 = boxes.unbind(dim=1)
    columns, rows = x1 - x0, y1 - y0
    shrinks = columns * rows > size_px * size_px
    averages = shrinks & (columns >= size_px) & (rows >= size_px)  # cv2's rule for a true average
    along = _matrix(y0, rows, height, size_px, shrinks, averages)
    across = _matrix(x0, columns, width, size_px, shrinks, averages)
    scaled = along[:, None] @ frames.float() @ across[:, None].transpose(2, 3)
    black = (boxes[:, 2] <= boxes[:, 0])[:, None, None, None]
    return scaled.round().clamp(0, 255).masked_fill(black, 0).to(torch.uint8)


def _matrix(
    start: Tensor, length: Tensor, source: int, size: int, shrinks: Tensor, averages: Tensor
) -> Tensor:
    """(N, size, source): how much of each source pixel goes into each pixel of the result."""
    scale = (length.double() / size)[:, None]  # source pixels a result pixel
    here = torch.arange(size, device=start.device, dtype=torch.float64)
    pixel = (
        torch.arange(source, device=start.device, dtype=torch.float64) - start.double()[:, None]
    )  # (N, source)
    place = pixel[:, None]  # (N, 1, source)
    edges = (here * scale)[..., None]
    overlap = torch.minimum(edges + scale[..., None], place + 1) - torch.maximum(edges, place)
    average = overlap.clamp_min(0) / scale[..., None]

    last = (length - 1).double()[:, None]
    plain = (here + 0.5) * scale - 0.5
    whole = (here * scale).floor()
    part = (here + 1) - (whole + 1) / scale  # cv2's linear weights where only one side shrinks
    mixed = whole + torch.where(part <= 0, 0.0, part - part.floor())
    centre = torch.where(shrinks[:, None], mixed, plain).clamp_min(0).minimum(last)
    linear = (1 - (centre[..., None] - place).abs()).clamp_min(0)
    inside = (place >= 0) & (place < length.double()[:, None, None])
    return (torch.where(averages[:, None, None], average, linear) * inside).nan_to_num(0, 0, 0).float()
