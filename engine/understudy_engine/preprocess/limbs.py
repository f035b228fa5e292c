"""What the matte net is told of whom it shall cut out: the person's limbs as soft lines, the joints as soft dots.

Training draws them by the thousand, with torch on any device. A person in a clip is drawn with numpy: torch would
take threads of its own for each frame, and frames are looked at side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .joints import POINT_PAIRS as LIMBS

STRIDE = 4  # pixels of the crop a cell
LINE_SIGMA = 1.0  # cells
DOTS = tuple(range(17))


def draw_limbs(points: Tensor, height: int, width: int) -> Tensor:
    """(B, 133, 3) in pixels of crops of *height* x *width* -> (B, 2, height / 4, width / 4) in 0-1: lines, dots.

    Points of score 0 are not drawn, nor lines to them. Memory: about 150 bytes times the map's cells a crop.
    """
    y, x = (torch.arange(n // STRIDE, device=points.device) + 0.5 for n in (height, width))
    cells = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).flatten(0, 1)  # (cells, 2)
    pairs = torch.tensor(LIMBS, device=points.device)
    a, b = points[:, pairs[:, 0]], points[:, pairs[:, 1]]
    lines = _near(cells, a[..., :2] / STRIDE, b[..., :2] / STRIDE, (a[..., 2] > 0) & (b[..., 2] > 0))
    dots = points[:, list(DOTS)]
    at = dots[..., :2] / STRIDE
    drawn = torch.stack([lines, _near(cells, at, at, dots[..., 2] > 0)], dim=1)
    return drawn.view(len(points), 2, height // STRIDE, width // STRIDE)


def _near(cells: Tensor, a: Tensor, b: Tensor, drawn: Tensor) -> Tensor:
    """How near each cell is to the nearest of the lines a-b (B, L, 2), (B, cells): 1 on it, 0 far away."""
    along = (b - a)[:, :, None]  # (B, L, 1, 2)
    to = cells - a[:, :, None]  # (B, L, cells, 2)
    part = ((to * along).sum(-1) / (along**2).sum(-1).clamp(min=1e-6)).clamp(0, 1)
    far = ((to - part[..., None] * along) ** 2).sum(-1)
    return (torch.exp(-far / (2 * LINE_SIGMA**2)) * drawn[..., None]).amax(dim=1)


def draw_limbs_of_one(points: NDArray[np.floating[Any]], height: int, width: int) -> NDArray[np.float32]:
    """`draw_limbs` of one crop's (133, 3), but for the last bits: (2, height / 4, width / 4)."""
    points = points.astype(np.float32)
    at, there = points[:, :2] / np.float32(STRIDE), points[:, 2] > 0
    lines = [(a, b) for a, b in LIMBS if there[a] and there[b]]
    dots = [(dot, dot) for dot in DOTS if there[dot]]
    y, x = (np.arange(n // STRIDE, dtype=np.float32) + np.float32(0.5) for n in (height, width))
    return np.stack([_near_one(y, x, at[np.array(pairs, int).reshape(-1, 2)]) for pairs in (lines, dots)])


def _near_one(y: NDArray[Any], x: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.float32]:
    """As `_near`, (h, w), of lines between *ends* (L, 2, 2)."""
    a, along = ends[:, 0, :, None, None], (ends[:, 1] - ends[:, 0])[..., None, None]  # (L, 2, 1, 1)
    to_x, to_y = x - a[:, 0], y[:, None] - a[:, 1]  # (L, 1, w), (L, h, 1)
    length = np.maximum((along**2).sum(axis=1), np.float32(1e-6))
    part = ((to_x * along[:, 0] + to_y * along[:, 1]) / length).clip(0, 1)  # (L, h, w)
    far = (to_x - part * along[:, 0]) ** 2 + (to_y - part * along[:, 1]) ** 2
    nearest = far.min(axis=0, initial=np.inf)
    return np.asarray(np.exp(-nearest / np.float32(2 * LINE_SIGMA**2)), np.float32)
