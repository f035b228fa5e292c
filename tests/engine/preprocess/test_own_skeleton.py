"""The character's own skeleton stands where the character stands in its picture."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.own_skeleton import own_skeleton
from understudy_engine.training.stages.inputs import character_skeleton
from understudy_engine.training.studio.clips import render_clips

SIZE, NEAR_PX = 256, 3


def test_its_lines_are_where_training_drew_them_from_the_true_points() -> None:
    clip = render_clips([500_020], frames=1, size=SIZE)
    found = own_skeleton(clip.character[0].permute(1, 2, 0).numpy(), NetFolder())
    assert found.shape == (1, SIZE, SIZE, 3)
    drawn = torch.from_numpy(found[0]).permute(2, 0, 1).float().div(127.5).sub(1)
    true = character_skeleton(clip)[0, :, 0]
    for one, other in ((drawn, true), (true, drawn)):
        lines, around = lit(one), F.max_pool2d(lit(other).float()[None], 2 * NEAR_PX + 1, 1, NEAR_PX)[0] > 0
        assert lines.float().mean() > 0.005
        assert (lines & around).sum() > 0.9 * lines.sum()


def lit(picture: Tensor) -> Tensor:
    """(3, H, W) in [-1, 1] -> (H, W) bool, True where something is drawn."""
    return (picture > -0.9).any(dim=0)


def test_a_picture_that_shows_nobody_has_a_black_one() -> None:
    assert not own_skeleton(np.full((SIZE, SIZE, 3), 90, np.uint8), NetFolder()).any()
