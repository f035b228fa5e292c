"""What the parts of the measurement share: the card, the model's widths, and what is written down."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ...attention import Backend
from ...model.configs import WAN_ANIMATE_14B, ModelSpec
from ...model.transformer import WanAnimateTransformer
from ...types import FrameSize
from .record import Record


class Shape(NamedTuple):
    """Of a segment."""

    frames: int
    size: FrameSize


SMALL = Shape(21, FrameSize(832, 480))  # for errors: float32 of more takes minutes


@dataclass(slots=True)
class Bench:
    record: Record
    device: torch.device
    sizes: Mapping[str, FrameSize]
    spec: ModelSpec = WAN_ANIMATE_14B
    frames: int = 77
    small: Shape = SMALL
    turns: int = 3
    turns_of_others: int = 1  # of what stands beside it: a quarter of the time on a card goes there
    velocities: dict[str, Tensor] = field(default_factory=dict)  # of the small segment, each way's
    transformer: WanAnimateTransformer | None = None  # in bf16, between two parts

    def let_go(self) -> None:
        self.transformer = None
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def look_by(net: WanAnimateTransformer, backend: Backend) -> None:
    """All self-attention of *net* goes by *backend* from here on."""
    for block in net.blocks:
        block.self_attention.backend = backend


def off(made: Tensor, expected: Tensor) -> float:
    """The relative error, over all values."""
    expected = expected.float()
    return float((made.float() - expected).norm() / expected.norm())
