"""Clips that no run has seen before, and what of a picture matters most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ...preprocess.joints import LEFT_HAND, RIGHT_HAND
from ..studio.clips import ClipBatch, Want
from ..studio.frozen import TRAIN_FROM

HELD_OUT_FROM = 500_000
CLIPS_AT_ONCE = 64  # as many as a GPU's renderer paints together

PERSON, FACE, HAND = 2, 5, 5  # weights of pixels; the rest has 1
HAND_REACH = 0.02  # of the picture's side around each point of a hand


class Render(Protocol):
    """``training.studio.clips.render_clips``, or a stand-in for it."""

    def __call__(
        self, seeds: Sequence[int], *, frames: int, size: int, device: torch.device, want: Want
    ) -> ClipBatch: ...


@dataclass(slots=True)
class Footage:
    """Fresh clips of one run, each seed once, in order."""

    render: Render
    device: torch.device
    size: int = 256
    next_seed: int = TRAIN_FROM
    begun: int = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.next_seed

    def clips(self, count: int, frames: int, want: Want) -> Iterator[ClipBatch]:
        """*count* clips in batches. Memory: 1.6 GB for a batch of 17 frames at 256 px, and the renderer's."""
        for start in range(0, count, CLIPS_AT_ONCE):
            seeds = range(self.next_seed, self.next_seed + min(CLIPS_AT_ONCE, count - start))
            self.next_seed = seeds.stop
            yield self.render(seeds, frames=frames, size=self.size, device=self.device, want=want)

    def held_out(self) -> Footage:
        """Clips to measure progress with: neither trained on nor those of the yardstick."""
        return Footage(self.render, self.device, self.size, HELD_OUT_FROM)

    def used(self) -> tuple[tuple[int, int], ...]:
        return ((self.begun, self.next_seed),) if self.next_seed > self.begun else ()


def following(seeds: tuple[tuple[int, int], ...]) -> int:
    """The first seed that none of the ranges holds."""
    return max([TRAIN_FROM, *(end for _, end in seeds)])


def importance(people: Tensor, face_boxes: Tensor, keypoints: Tensor) -> Tensor:
    """How much each pixel counts, (B, T, H, W) uint8.

    people (B, T, H, W) uint8 coverage, face_boxes (B, T, 4), keypoints (B, T, 133, 3) in pixels.
    """
    weight = torch.where(people > 0, PERSON, 1).to(torch.uint8)
    face = _in_boxes(face_boxes, *people.shape[2:]) & (people > 0)
    hands = torch.cat([keypoints[:, :, LEFT_HAND], keypoints[:, :, RIGHT_HAND]], dim=2)
    weight = weight.masked_fill(face, FACE)
    return weight.masked_fill(_around(hands, *people.shape[2:]), HAND)


def _in_boxes(boxes: Tensor, height: int, width: int) -> Tensor:
    y = torch.arange(height, device=boxes.device)[:, None]
    x = torch.arange(width, device=boxes.device)
    x0, y0, x1, y1 = (side[..., None, None] for side in boxes.unbind(dim=-1))
    return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)


def _around(points: Tensor, height: int, width: int) -> Tensor:
    """points (B, T, n, 3) -> (B, T, H, W) bool, True near a point that is seen."""
    x, y = points[..., 0].floor(), points[..., 1].floor()
    shown = (points[..., 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = torch.where(shown, y * width + x, 0.0).long()
    marks = torch.zeros((*points.shape[:2], height * width), device=points.device)
    marks.scatter_reduce_(2, place, shown.float(), "amax")
    reach = max(1, round(HAND_REACH * width))
    wide = F.max_pool2d(marks.view(-1, 1, height, width), 2 * reach + 1, stride=1, padding=reach)
    return wide.view(*points.shape[:2], height, width) > 0
