"""Starting noise that depends on the seed and the segment alone, so that a segment can be made again by itself."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from ..types import LatentShape


def segment_seed(seed: int, segment: int) -> int:
    """A seed of 63 bits for one segment. The reference draws all segments from one stream instead."""
    digest = hashlib.sha256(f"understudy segment {seed} {segment}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def segment_noise(seed: int, shape: LatentShape) -> Tensor:
    """N(0, 1), float32, (C, L, h, w), drawn on the CPU: the same on every device."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed))
