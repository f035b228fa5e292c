"""What the model learns to follow is what the engine draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.engine.preprocess.bodies import standing_person
from understudy_engine.preprocess.draw import draw_skeleton
from understudy_engine.preprocess.keypoints import skeleton_of
from understudy_engine.training.stages.skeleton import draw_skeletons
from understudy_engine.types import FrameSize


def people(size: FrameSize, count: int, seed: int = 0) -> np.ndarray:
    """Standing figures, bent, scaled and moved at random, some partly outside, some points unsure."""
    rng = np.random.default_rng(seed)
    base = standing_person(size)
    points = np.repeat(base[None], count, axis=0)
    points[..., :2] += rng.normal(0, 0.04, (count, 133, 2)) * size
    zoom = rng.uniform(0.6, 2.5, (count, 1, 1))
    points[..., :2] = (points[..., :2] - np.array(size) / 2) * zoom + np.array(size) / 2
    points[..., :2] += rng.uniform(-0.2, 0.2, (count, 1, 2)) * size
    points[..., 2] = rng.choice([1.0, 1.0, 1.0, 0.9, 0.3, 0.0], (count, 133))
    return points.astype(np.float32)


@pytest.mark.parametrize(("width", "height"), [(256, 256), (128, 96), (640, 416), (1280, 720)])
def test_many_skeletons_at_once_are_the_engines_own_pictures(width: int, height: int) -> None:
    size = FrameSize(width, height)
    points = people(size, 6)
    ours = draw_skeletons(torch.from_numpy(points), height, width).permute(0, 2, 3, 1).numpy().astype(int)
    theirs = np.stack([draw_skeleton(skeleton_of(p), size) for p in points]).astype(int)
    drawn = theirs.any(axis=-1)
    assert drawn.mean() > 0.005
    assert np.abs(ours - theirs).mean() < 0.3  # of 255
    assert (ours != theirs).any(axis=-1).sum() < 0.08 * drawn.sum()


def test_a_figure_without_sure_points_is_black() -> None:
    points = torch.rand(1, 133, 3) * 60
    points[..., 2] = 0.2
    assert draw_skeletons(points, 64, 64).max() == 0
