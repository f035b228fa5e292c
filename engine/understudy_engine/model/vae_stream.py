"""What the VAE's layers remember of a video between its chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .between import Between, go_on


@dataclass(frozen=True, slots=True)
class Level:
    """Stages that work at one size, in encoding: which they are, and what of a video one frame of theirs depends on."""

    stages: range
    lookback: int  # frames before the present one
    halves_frames: bool  # at last: from the last three frames, one is made

    @property
    def stride(self) -> int:
        return 2 if self.halves_frames else 1

    @property
    def settles_after(self) -> int:
        """Frames that have to be equal before the last one of what is made of them is what all later ones will be."""
        return self.lookback + (3 if self.halves_frames else 1)

    def still_after(self, frames: int) -> int:
        """How many of the last frames made are equal when the last *frames* of the input are."""
        return max(0, (frames - self.settles_after) // self.stride + 1)


class Stream:
    """What the layers remember of one video between its chunks: the last input frames of each.

    *begun* is False while the first chunk passes through, which holds the frame that stands alone. *between* is called
    after every stage. From frame *still_from* on all are equal: what a level makes of them is made until it is settled,
    and then said again.
    """

    def __init__(self, between: Between = go_on, still_from: int | None = None) -> None:
        self.between = between
        self.begun = False
        self._tails: dict[nn.Module, Tensor] = {}
        self._still_from = still_from
        self._frames = 0  # of video so far
        self._last_made: dict[Level, Tensor] = {}

    def still_at(self, frames: int) -> int:
        """How many frames of video are equal up to the end of the *frames* that come now."""
        self._frames += frames
        return 0 if self._still_from is None else max(0, self._frames - self._still_from)

    def through(self, level: Level, x: Tensor, still: int, make: Callable[[Tensor], Tensor]) -> Tensor:
        """make(x), or what it would be: the last *still* frames up to x's end are equal."""
        frames = x.shape[2]
        if still - frames >= level.settles_after:
            last = self._last_made[level].expand(-1, -1, frames // level.stride, -1, -1)
            return last.contiguous(memory_format=torch.channels_last_3d)
        made = make(x)
        if still:
            self._last_made[level] = made[:, :, -1:].clone()
        return made

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
