"""Clips to test with: a coloured figure of few shapes on a plain ground, drawn in no time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from tests.engine.preprocess.bodies import standing_person
from understudy_engine.training.studio.clips import EVERYTHING, ClipBatch, Want
from understudy_engine.types import FrameSize


def draw_clips(
    seeds: Sequence[int],
    *,
    frames: int,
    size: int,
    device: torch.device | str = "cpu",
    want: Want = EVERYTHING,
) -> ClipBatch:
    """All renders, whatever *want* says. A figure is a block that moves to the right."""
    clips = [_clip(seed, frames, size) for seed in seeds]
    stacked: dict[str, Any] = {
        name: torch.from_numpy(np.stack([c[name] for c in clips])).to(device) for name in clips[0]
    }
    rest: dict[str, Any] = {field.name: None for field in fields(ClipBatch) if field.name not in stacked}
    return ClipBatch(**stacked, **rest)  # the light, say: no stage asks for it


def _clip(seed: int, frames: int, size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    colours = rng.integers(20, 235, (5, 3))
    light = rng.uniform(0.5, 1.0)
    ground = np.zeros((frames, 3, size, size), np.uint8) + colours[0, :, None, None].astype(np.uint8)
    points = np.repeat(standing_person(FrameSize(size, size))[None], frames, axis=0)
    points[..., 0] += np.arange(frames)[:, None] * size / 64 + rng.uniform(-size / 8, size / 8)
    points[..., 2] = ((points[..., :2] >= 0) & (points[..., :2] < size)).all(axis=-1)
    matte = np.zeros((frames, size, size), np.uint8)
    parts = np.zeros((frames, size, size), np.uint8)
    for t, figure in enumerate(points):
        x0, x1 = (int(np.clip(edge, 0, size)) for edge in (figure[:17, 0].min(), figure[:17, 0].max() + 1))
        y0, y1 = (int(np.clip(edge, 0, size)) for edge in (figure[:17, 1].min(), figure[:17, 1].max() + 1))
        matte[t, y0:y1, x0:x1] = 255
        parts[t, y0:y1, x0:x1] = 4
        parts[t, y0 : y0 + (y1 - y0) // 4, x0:x1] = 2

    def painted(under: np.ndarray, colour: np.ndarray, strength: float) -> np.ndarray:
        return np.where(matte[:, None] > 0, (colour * strength)[:, None, None], under).astype(np.uint8)

    paper = np.full_like(ground, 200)
    face = points[:, 23:91, :2]
    boxes = np.concatenate([face.min(axis=1), face.max(axis=1) + 1], axis=1).clip(0, size).astype(int)
    return {
        "plate": painted(ground, colours[1], light),
        "clean_plate": ground,
        "matte": matte,
        "people_mattes": matte[None],
        "keypoints": points[None].astype(np.float32),
        "expression": np.zeros((frames, 8), np.float32),
        "character_keypoints": points[0].astype(np.float32),
        "character_matte": matte[0],
        "framing": np.array(2, np.uint8),
        "face_boxes": boxes.astype(np.float32),
        "character": painted(paper, colours[2], 1.0)[0],
        "truth_replace": painted(ground, colours[2], light),
        "truth_unlit": painted(ground, colours[2], 1.0),
        "truth_animate": painted(paper, colours[2], 1.0),
        "truth_matte": matte,
        "animate_matte": matte,
        "truth_parts": parts,
    }
