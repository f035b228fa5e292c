"""How a clip is filmed: where the studio falls in each picture, and how the camera moves meanwhile.

The studio is seen straight on, without perspective: a camera is a scale, a place and a roll. Everything is batched
over rows (N): one row is one picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHANNELS = 4  # right and down in parts of the picture, zoom as a logarithm, roll in radians
SINES = 4  # for each channel


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the studio's (x, y) fall in square pictures. Without roll: column = (x - left) * scale,
    row = (y - top) * scale. Roll turns the picture's contents clockwise about its middle."""

    scale: Tensor  # (N,) pixels a head
    left: Tensor  # (N,) heads
    top: Tensor  # (N,) heads
    roll: Tensor  # (N,) radians
    size: int  # pixels, of the square pictures

    @property
    def centre(self) -> Tensor:
        """Studio coordinates of the pictures' middles, (N, 2)."""
        half = 0.5 * self.size / self.scale
        return torch.stack([self.left + half, self.top + half], dim=-1)

    def at(self, rows: Tensor) -> View:
        """The rows whose numbers are *rows* (M,)."""
        return replace(
            self, scale=self.scale[rows], left=self.left[rows], top=self.top[rows], roll=self.roll[rows]
        )

    def finer(self, factor: int) -> View:
        """The same views with *factor* times the pixels each way."""
        return replace(self, scale=self.scale * factor, size=self.size * factor)

    def project(self, points: Tensor) -> Tensor:
        """(N, K, 3) in the studio -> (N, K, 2) x, y in pixels, where 0 is the picture's edge."""
        away = (points[..., :2] - self.centre[:, None]) * self.scale[:, None, None]
        c, s = self.roll.cos()[:, None], self.roll.sin()[:, None]
        x, y = away.unbind(-1)
        return torch.stack([c * x - s * y, s * x + c * y], dim=-1) + 0.5 * self.size

    def to_studio(self) -> Tensor:
        """(N, 2, 3): studio (x, y) of a picture's (column, row, 1), where whole numbers are pixels' edges."""
        c, s = self.roll.cos() / self.scale, self.roll.sin() / self.scale
        cx, cy = self.centre.unbind(-1)
        half = 0.5 * self.size
        across = torch.stack([c, s, cx - half * (c + s)], dim=-1)
        down = torch.stack([-s, c, cy - half * (c - s)], dim=-1)
        return torch.stack([across, down], dim=1)


def level_view(scale: Tensor, left: Tensor, top: Tensor, size: int) -> View:
    """Views (N,) that do not roll."""
    return View(scale=scale, left=left, top=top, roll=torch.zeros_like(scale), size=size)


@dataclass(frozen=True, slots=True)
class CameraMove:
    """What a camera does about its base view: a sum of sines of the time for each channel."""

    sines: NDArray[np.float32]  # (CHANNELS, SINES, 3): amplitude, cycles a second, phase in radians


def sample_camera(rng: np.random.Generator) -> CameraMove:
    """Two in five stand still; others pan, tilt, zoom and roll slowly, and may be held in a hand.

    At most 0.13 of the picture from the base each way, a zoom of 1.17 and 3.3 degrees. The first moments of a move
    do not depend on how long the clip is.
    """
    sines = np.zeros((CHANNELS, SINES, 3), np.float32)
    if rng.random() < 0.4:
        return CameraMove(sines)
    slow = rng.random(CHANNELS) < (0.6, 0.4, 0.5, 0.3)
    slow[int(rng.integers(3))] = True
    amplitude = np.array([0.10, 0.06, 0.14, math.radians(2.5)]) * rng.uniform(0.3, 1, CHANNELS)
    sines[:, 0, 0] = amplitude * slow
    sines[:, 0, 1] = rng.uniform(0.06, 0.22, CHANNELS)
    if rng.random() < 0.45:
        shake = np.array([0.012, 0.012, 0.008, math.radians(0.5)]) * rng.uniform(0.3, 1)
        sines[:, 1:, 1] = rng.uniform((0.4, 0.9, 1.8), (0.8, 1.6, 3.0), (CHANNELS, 3))
        sines[:, 1:, 0] = shake[:, None] * 0.6 / sines[:, 1:, 1]
    sines[..., 2] = rng.uniform(0, 2 * math.pi, (CHANNELS, SINES))
    return CameraMove(sines)


def views(moves: Sequence[CameraMove], base: View, clip_index: Tensor, seconds: Tensor) -> View:
    """What the cameras of clips *clip_index* (N,) see at *seconds* (N,). *base* has a row for each clip."""
    table = torch.from_numpy(np.stack([move.sines for move in moves])).to(seconds.device)
    amplitude, rate, phase = table[clip_index].unbind(-1)  # (N, CHANNELS, SINES)
    moved = (amplitude * torch.sin(2 * math.pi * rate * seconds[:, None, None] + phase)).sum(-1)
    right, down, zoom, roll = moved.unbind(-1)
    still = base.at(clip_index)
    scale = still.scale * zoom.exp()
    heads = base.size / still.scale
    left, top = (still.centre + torch.stack([right, down], dim=-1) * heads[:, None]).unbind(-1)
    half = 0.5 * base.size / scale
    return View(scale=scale, left=left - half, top=top - half, roll=still.roll + roll, size=base.size)
