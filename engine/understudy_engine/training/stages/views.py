"""Other clips out of one that is rendered: seen in a mirror, in other colours. Far cheaper than another render."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..nets.points import mirror_points
from ..nets.tasks import mirror_expression
from ..studio.clips import ClipBatch

TURN = 0.35  # radians that hues turn by, at most
TONE = 0.25  # how far exposure, saturation and each channel go, at most, as a logarithm


def another_view(clips: ClipBatch, luck: torch.Generator) -> ClipBatch:
    """The same clips mirrored, each in colours of its own: plate, character and truths alike.

    Of the fields those that a sample is made of; the rest stays as it is.
    """
    return recoloured(mirrored(clips), luck)


def mirrored(clips: ClipBatch) -> ClipBatch:
    width = clips.plate.shape[-1]
    flipped = {name: getattr(clips, name).flip(-1) for name in (*PICTURES, *MATTES)}
    return replace(
        clips,
        **flipped,
        keypoints=mirror_points(clips.keypoints, width),
        character_keypoints=mirror_points(clips.character_keypoints, width),
        expression=mirror_expression(clips.expression.flatten(0, 1)).view_as(clips.expression),
    )


def recoloured(clips: ClipBatch, luck: torch.Generator) -> ClipBatch:
    mix = colour_mixes(len(clips.plate), luck).to(clips.plate.device)
    changed: dict[str, Any] = {name: _mixed(getattr(clips, name), mix) for name in PICTURES}
    return replace(clips, **changed)


def colour_mixes(count: int, luck: torch.Generator) -> Tensor:
    """(count, 3, 3): hues turned around grey, saturation, exposure and white balance changed."""

    def within(reach: float, *shape: int) -> Tensor:
        return (torch.rand((count, *shape), generator=luck) * 2 - 1) * reach

    grey = torch.full((3, 3), 1 / 3)
    around = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / 3**0.5
    angle = within(TURN, 1, 1)
    saturation = within(TONE, 1, 1).exp()
    turned = grey + saturation * (angle.cos() * (torch.eye(3) - grey) + angle.sin() * around)
    gains = within(TONE, 1, 1).exp() * within(TONE / 2, 3, 1).exp()
    return gains * turned


def _mixed(pictures: Tensor, mix: Tensor) -> Tensor:
    """uint8 (B, [T,] 3, H, W)"""
    channels = pictures.ndim - 3
    values = pictures.float().movedim(channels, -1)
    own = mix.mT.view(len(mix), *[1] * (values.ndim - 3), 3, 3)
    return (values @ own).movedim(-1, channels).round().clamp(0, 255).to(torch.uint8)


PICTURES = ("plate", "character", "truth_replace", "truth_unlit", "truth_animate")
MATTES = ("matte", "truth_matte", "animate_matte", "truth_parts")
