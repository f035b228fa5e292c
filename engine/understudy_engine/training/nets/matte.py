"""The matte net that ships: a person's crop and limbs -> how much of each pixel the person covers.

It looks at the same crop as the pose net. The limbs (``draw_limbs``) say whom of several people is meant.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import ConvNorm, Hourglass, Mix

HEIGHT, WIDTH = 256, 192


class MatteNet(nn.Module):
    """(B, 3, 256, 192) RGB in 0-1 and (B, 2, 64, 48) limbs -> (B, 1, 256, 192) in 0-1."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(ConvNorm(3, 16, 3, 2), Mix(16))
        self.stem = ConvNorm(16, 46, 3, 2)
        self.body = Hourglass((48, 64, 80, 96), (2, 2, 2, 2))
        self.up = ConvNorm(48, 16)
        self.out = nn.Sequential(Mix(16), ConvNorm(16, 16, 3), nn.Conv2d(16, 4, 1))

    def logits(self, crops: Tensor, limbs: Tensor) -> Tensor:
        near = self.near(crops)
        x = self.body(torch.cat([self.stem(near), limbs], dim=1))
        x = near + F.interpolate(self.up(x), scale_factor=2.0, mode="nearest")
        fine: Tensor = F.pixel_shuffle(self.out(x), 2)
        return fine

    def forward(self, crops: Tensor, limbs: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(crops, limbs))


def matte_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy, overlap (Dice) and mean absolute error of (B, 1, H, W); truth in 0-1."""
    logits = logits.float()
    matte = torch.sigmoid(logits)
    both, all_of = (matte * truth).sum(dim=(1, 2, 3)), (matte + truth).sum(dim=(1, 2, 3))
    dice = 1 - (2 * both + 1) / (all_of + 1)
    return F.binary_cross_entropy_with_logits(logits, truth) + dice.mean() + (matte - truth).abs().mean()
