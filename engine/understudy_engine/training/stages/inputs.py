"""From clips to exactly what the engine hands the model at inference, the pixels of its SegmentPixels.

The counterpart of shot.py and preprocess/passes.py, for clips that are on the device already and as large as
the model's canvas. A test holds that both give the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import torch
from torch import Tensor

from ...diffusion.conditioning import LATENT_STRIDE, carry_over, person_to_keep
from ...types import MatteOptions, Mode
from ..studio.clips import ClipBatch
from .faces import crop_faces, face_boxes
from .mattes import cut_out, prepare
from .skeleton import draw_skeletons


class Aim(IntEnum):
    """What a segment is to become."""

    ANIMATE = 0
    UNLIT = 1  # Replace without the relighting LoRA: the character keeps its picture's light
    LIT = 2  # Replace with it: the plate's light

    @property
    def mode(self) -> Mode:
        return Mode.ANIMATE if self is Aim.ANIMATE else Mode.REPLACE

    @property
    def truth(self) -> str:
        return ("truth_animate", "truth_unlit", "truth_replace")[self]


def guides(clips: ClipBatch, face_px: int) -> tuple[Tensor, Tensor]:
    """What leads the model, whatever it is to make: skeletons (B, 3, T, H, W) and face crops (B, T, 3, S, S)."""
    shape = clips.plate.shape[:2]
    height, width = clips.plate.shape[-2:]
    driver = clips.keypoints[:, 0].flatten(0, 1)  # (B·T, 133, 3)
    pose = to_signed(draw_skeletons(driver, height, width)).unflatten(0, shape)
    crops = crop_faces(clips.plate.flatten(0, 1), face_boxes(driver, height, width), face_px)
    return pose.transpose(1, 2), to_signed(crops).unflatten(0, shape)


def character_skeleton(clips: ClipBatch) -> Tensor:
    """The character as it stands in its own picture, (B, 3, 1, H, W) in [-1, 1]."""
    height, width = clips.character.shape[-2:]
    return to_signed(draw_skeletons(clips.character_keypoints, height, width))[:, :, None]


def known_pixels(
    clips: ClipBatch,
    modes: Sequence[Mode],
    options: Sequence[MatteOptions],
    overlaps: Sequence[Tensor | None],
) -> tuple[Tensor, Tensor]:
    """Known frames (B, 3, T, H, W), and what of them is kept, (B, T, H/8, W/8).

    Each of B clips has a mode and options; *overlaps* are frames (3, r, H, W) in [-1, 1] of the segment before.
    """
    rows = []
    for plate, matte, mode, how, overlap in zip(
        clips.plate, clips.matte, modes, options, overlaps, strict=True
    ):
        known, keep = _nothing(plate) if mode is Mode.ANIMATE else _cut_plate(plate, prepare(matte, how))
        rows.append((known, keep) if overlap is None else carry_over(known, keep, overlap))
    knowns, keeps = zip(*rows, strict=True)
    return torch.stack(knowns), torch.stack(keeps)


def _nothing(plate: Tensor) -> tuple[Tensor, Tensor]:
    """Animate: grey, all of which is made."""
    frames, channels, height, width = plate.shape
    keep = plate.new_zeros((frames, height // LATENT_STRIDE, width // LATENT_STRIDE), dtype=torch.float32)
    return plate.new_zeros((channels, frames, height, width), dtype=torch.float32), keep


def _cut_plate(plate: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Replace: *plate* (T, 3, H, W) without what *hole* (T, H, W) says."""
    return cut_out(to_signed(plate), hole).transpose(0, 1), person_to_keep(hole)


def to_signed(frames: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1], as the engine does it."""
    return frames.float().div(127.5).sub(1)
