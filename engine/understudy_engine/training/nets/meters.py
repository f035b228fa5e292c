"""The nets that measure results and never ship: where the 133 points are in a picture, what a face expresses.

They are built otherwise than the nets that ship (plain residual layers, group norms; coordinates as the mean of a
distribution, not the top of a map), so that a result cannot please both for the same wrong reason.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

POSE_SIZE = 192  # of the square crop around the person
FACE_SIZE = 96
POINTS = 133
MAP = 48
EXPRESSION = ("jaw", "smile", "pucker", "gaze_x", "gaze_y", "eyes", "brow_left", "brow_right")
RANGE = (1.0, 2.0, 1.0, 2.0, 2.0, 1.0, 2.0, 2.0)  # from the smallest to the largest value of each


class Residual(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False)
        self.norm = nn.GroupNorm(8, c_out)
        self.second = nn.Conv2d(c_out, c_out, 3, 1, 1, groups=groups, bias=False)
        self.last = nn.GroupNorm(8, c_out)
        plain = c_in == c_out and stride == 1
        self.beside = nn.Identity() if plain else nn.Conv2d(c_in, c_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.last(self.second(F.gelu(self.norm(self.first(x)))))
        return F.gelu(self.beside(x) + y)


class PoseMeter(nn.Module):
    """(B, 3, 192, 192) RGB in 0-1 -> (B, 133, 3): x, y in pixels of the crop, and the spread of the guess in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.down2 = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2), nn.GELU())
        self.down4 = nn.Sequential(Residual(24, 48, 2), Residual(48, 48))
        self.down8 = nn.Sequential(Residual(48, 64, 2), Residual(64, 64, groups=2))
        self.down16 = nn.Sequential(Residual(64, 96, 2, 4), Residual(96, 96, groups=4))
        self.down32 = nn.Sequential(
            Residual(96, 128, 2, 8), Residual(128, 128, groups=4), Residual(128, 128, groups=8)
        )
        self.up16, self.up8 = nn.Conv2d(128, 96, 1), nn.Conv2d(96, 64, 1)
        self.up4 = nn.Conv2d(64, 48, 1)
        self.join16, self.join8 = Residual(96, 96, groups=4), Residual(64, 64, groups=2)
        self.join4 = Residual(48, 48)
        self.maps = nn.Conv2d(48, POINTS, 1)

    def forward(self, crops: Tensor) -> Tensor:
        x4 = self.down4(self.down2(crops * 2 - 1))
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x = self.join16(x16 + _twice(self.up16(self.down32(x16))))
        x = self.join8(x8 + _twice(self.up8(x)))
        x = self.join4(x4 + _twice(self.up4(x)))
        return _mean_and_spread(self.maps(x).float())


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _mean_and_spread(maps: Tensor) -> Tensor:
    weights = maps.flatten(2).softmax(dim=-1).view_as(maps)
    cells = (torch.arange(MAP, device=maps.device) + 0.5) * (POSE_SIZE / MAP)
    across, down = weights.sum(dim=2), weights.sum(dim=3)  # (B, 133, 48)
    x, y = (across * cells).sum(-1), (down * cells).sum(-1)
    spread = (across * (cells - x[..., None]) ** 2 + down * (cells - y[..., None]) ** 2).sum(-1)
    return torch.stack([x, y, (spread + 1e-4).sqrt()], dim=-1)


def pose_meter_loss(found: Tensor, points: Tensor) -> Tensor:
    """Distance in pixels of the points that are in the crop, and a spread that tells it (Laplace's likelihood)."""
    there = (points[..., 2] > 0) & ((points[..., :2] >= 0) & (points[..., :2] < POSE_SIZE)).all(dim=-1)
    error = (found[..., :2] - points[..., :2]).abs().sum(dim=-1)
    spread = found[..., 2].clamp(min=0.5)
    each = error + error.detach() / spread + spread.log()
    return (each * there).sum() / there.sum().clamp(min=1)


class ExpressionMeter(nn.Module):
    """(B, 3, 96, 96) RGB faces in 0-1 -> (B, 8) parameters, in the order and ranges of EXPRESSION."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 24, 5, 2, 2), nn.GELU(),
            Residual(24, 32), Residual(32, 48, 2), Residual(48, 64, 2, 2), Residual(64, 96, 2, 4),
            Residual(96, 96, 1, 8),
        )  # fmt: skip
        self.read = nn.Sequential(
            nn.Flatten(), nn.Linear(96 * 36, 32), nn.GELU(), nn.Linear(32, len(EXPRESSION))
        )

    def forward(self, faces: Tensor) -> Tensor:
        parameters: Tensor = self.read(self.body(faces * 2 - 1))
        return parameters


def expression_loss(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute error in parts of each parameter's range; *weight* (B,) is 0 for faces that cannot be read."""
    error = F.smooth_l1_loss(found.float(), truth, reduction="none", beta=0.05) / truth.new_tensor(RANGE)
    return (error * weight[:, None]).sum() / (len(EXPRESSION) * weight.sum().clamp(min=1))
