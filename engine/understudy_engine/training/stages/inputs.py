"""From clips to exactly what the engine hands the model at inference: SegmentPixels, and the truth beside them.

The counterpart of shot.py and preprocess/passes.py, for clips that are on the device already and as large as
the model's canvas. A test holds that both give the same pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import torch
from torch import Tensor

from ...diffusion.conditioning import LATENT_STRIDE, SegmentPixels, carry_over, person_to_keep
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


def segment_pixels(
    clips: ClipBatch,
    mode: Mode,
    *,
    face_px: int,
    options: Sequence[MatteOptions],
    overlaps: Sequence[Tensor | None],
) -> list[SegmentPixels]:
    """One for each of B clips; *overlaps* are frames (3, r, H, W) in [-1, 1] of the segment before."""
    shape = clips.plate.shape[:2]
    height, width = clips.plate.shape[-2:]
    driver = clips.keypoints[:, 0].flatten(0, 1)  # (B·T, 133, 3)
    plate = clips.plate.flatten(0, 1)
    pose = to_signed(draw_skeletons(driver, height, width)).unflatten(0, shape)
    crops = crop_faces(plate, face_boxes(driver, height, width), face_px)
    faces = to_signed(crops).unflatten(0, shape)
    if mode is Mode.ANIMATE:
        known = torch.zeros_like(pose)
        keep = pose.new_zeros((*shape, height // LATENT_STRIDE, width // LATENT_STRIDE))
    else:
        hole = torch.cat([prepare(matte, how) for matte, how in zip(clips.matte, options, strict=True)])
        known = cut_out(to_signed(plate), hole).unflatten(0, shape)
        keep = person_to_keep(hole).unflatten(0, shape)
    segments = []
    for b, overlap in enumerate(overlaps):
        pixels, kept = known[b].transpose(0, 1), keep[b]
        if overlap is not None:
            pixels, kept = carry_over(pixels, kept, overlap)
        segments.append(SegmentPixels(pose=pose[b].transpose(0, 1), faces=faces[b], known=pixels, keep=kept))
    return segments


def to_signed(frames: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1], as the engine does it."""
    return frames.float().div(127.5).sub(1)
