"""What the VAE's layers remember of a video between its chunks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .between import Between, go_on


class Stream:
    """What the layers remember of one video between its chunks: the last input frames of each.

    *begun* is False while the first chunk passes through, which holds the frame that stands alone. *between* is called
    after every stage.
    """

    def __init__(self, between: Between = go_on) -> None:
        self.between = between
        self.begun = False
        self._tails: dict[nn.Module, Tensor] = {}

    def extend(self, layer: nn.Module, x: Tensor, frames: int) -> Tensor:
        """x (B, C, T, H, W) with the last *frames* that *layer* saw before it in front, if there were any."""
        tail = self._tails.get(layer)
        if tail is not None:
            x = torch.cat([tail, x], dim=2)
        self._tails[layer] = x[:, :, -frames:].clone()  # a view would keep the whole chunk alive
        return x

    # A video that is worked on in stripes (vae_stripes.py) has margins of rows that differ from a whole one's.

    def bordered(self, layer: nn.Module, x: Tensor, rows: int) -> tuple[Tensor, int]:
        """x as a convolution by *rows* to both sides needs it, and how many rows of zeros that shall add itself."""
        return x, rows

    def to_halve(self, layer: nn.Module, x: Tensor) -> Tensor:
        """x as a convolution by 3x3, 2 apart, needs it."""
        return F.pad(x, (0, 1, 0, 1))

    def beside(self, layer: nn.Module, x: Tensor, rows: int) -> Tensor:
        """x where two convolutions by *rows* together have come to."""
        return x
