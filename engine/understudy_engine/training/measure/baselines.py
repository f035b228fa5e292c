"""Results that need no model: what a row of figures is compared with."""

from __future__ import annotations

import torch
from torch import Tensor

from ...model.vae import WanVae
from ..nets.crops import cut
from ..nets.points import matte_boxes
from ..studio.clips import ClipBatch
from .figures import Truth
from .likeness import person_region


def copy_paste(clips: ClipBatch, index: int) -> Tensor:
    """The character cut out of its picture and stretched over the driver's box, frame by frame, (T, 3, H, W) in 0-1.

    It is laid on the clean plate, which no real one has. Frames without the driver are the plate's.
    """
    plate, clean = clips.plate[index].float() / 255, clips.clean_plate[index].float() / 255
    frames, _, height, width = plate.shape
    matte = clips.character_matte[index]
    layers = torch.cat([clips.character[index].float() / 255, matte[None].float() / 255])
    source, boxes = matte_boxes(matte), matte_boxes(clips.matte[index])
    there = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    extent = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1)
    scale = (source[2:] - source[:2]) / extent  # (T, 2)
    low = source[:2] - boxes[:, :2] * scale
    views = torch.cat([low, low + scale * scale.new_tensor([width, height])], dim=1)
    warped = cut(layers.expand(frames, -1, -1, -1), views, height, width)
    alpha = warped[:, 3:]
    return torch.where(there[:, None, None, None], clean * (1 - alpha) + warped[:, :3] * alpha, plate)


@torch.no_grad()
def vae_round_trip(vae: WanVae, truth: Truth) -> Tensor:
    """The truth encoded and decoded, within the character's region; outside it the plate's pixels, as in a result."""
    frames = len(truth.result)
    padded = truth.result[[min(t, frames - 1) for t in range(-(-(frames - 1) // 4) * 4 + 1)]]
    video = padded.transpose(0, 1)[None] * 2 - 1  # (1, 3, T, H, W)
    made = vae.decode(vae.encode(video))[0].transpose(0, 1)[:frames].clamp(-1, 1).add(1).div(2)
    return torch.where(person_region(truth.matte)[:, None], made.float(), truth.result)
