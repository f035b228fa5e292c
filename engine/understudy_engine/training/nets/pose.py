"""The pose net that ships: (1, 3, 256, 192) of one person -> (1, 133, 64, 48) heat maps, ViTPose's contract.

Pictures are RGB, normalised as ImageNet's; a map is 1 where the point is, and 0 throughout where it cannot be seen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import ConvNorm, Hourglass, Mix

HEIGHT, WIDTH = 256, 192
POINTS = 133
HEAT_STRIDE = 4
HEAT_SIGMA = 2.0  # in cells of the map, as those who made the contract drew them
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FACE, HANDS = slice(23, 91), slice(91, 133)


class PoseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 32, 3, 2), Mix(32), ConvNorm(32, 64, 3, 2))
        self.body = Hourglass((64, 96, 128, 144), (3, 3, 4, 3))
        self.head = nn.Sequential(Mix(64), Mix(64), nn.Conv2d(64, POINTS, 1))

    def forward(self, crops: Tensor) -> Tensor:
        heat: Tensor = self.head(self.body(self.stem(crops)))
        return heat


def normalised(crops: Tensor) -> Tensor:
    """(B, 3, H, W) in 0-1 -> as the pose net reads them."""
    mean, std = (crops.new_tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (crops - mean) / std


def pose_loss(heat: Tensor, points: Tensor) -> Tensor:
    """Squared error of the maps, ten times as heavy where a point is.

    heat (B, 133, 64, 48); points (B, 133, 3): x, y in pixels of the crop, and a score above 0 where the point is
    in the picture. Others, and those outside the crop, have an empty map.
    """
    target = heat_maps(points, heat.shape[-2:])
    error: Tensor = ((heat.float() - target) ** 2) * (1 + 9 * target)
    return error.sum(dim=(-1, -2)).mean() / 10


def heat_maps(points: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """(B, 133, 3) -> (B, 133, *size): a bell at each point that is there."""
    height, width = size
    xy = points[..., :2] / HEAT_STRIDE  # decoders read cell i of the map as pixel 4 i of the crop, 0 its edge
    x = torch.arange(width, device=points.device) - xy[..., :1]
    y = torch.arange(height, device=points.device) - xy[..., 1:]
    bell = torch.exp(-(y[..., :, None] ** 2 + x[..., None, :] ** 2) / (2 * HEAT_SIGMA**2))
    inside = (xy >= 0) & (xy < xy.new_tensor([width, height]))
    there = (points[..., 2] > 0) & inside.all(dim=-1)
    return bell * there[..., None, None]
