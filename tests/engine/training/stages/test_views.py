"""Another view of a clip is a clip as the studio might have drawn it."""

from __future__ import annotations

import dataclasses

import torch

from tests.engine.training.stages.footage import draw_clips
from understudy_engine.training.stages.inputs import character_skeleton
from understudy_engine.training.stages.views import colour_mixes, mirrored, recoloured
from understudy_engine.training.studio.clips import render_clips

GREY = 128


def luck() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_twice_mirrored_is_as_before() -> None:
    clips = draw_clips(range(2), frames=3, size=64)
    again = mirrored(mirrored(clips))
    for name in ("plate", "character", "matte", "truth_replace", "keypoints", "expression"):
        torch.testing.assert_close(getattr(again, name), getattr(clips, name), msg=name)


def test_a_mirrored_skeleton_has_the_colours_of_the_other_side() -> None:
    clips = render_clips([1_000_000], frames=1, size=64)
    plain, turned = character_skeleton(clips), character_skeleton(mirrored(clips))
    away = (turned.flip(-1) - plain).abs().amax(dim=1)
    assert away.gt(0.5).any()  # left is not painted as right
    lit, mirrored_lit = plain.gt(-0.9).any(dim=1), turned.flip(-1).gt(-0.9).any(dim=1)
    assert (lit ^ mirrored_lit).sum() < 0.2 * lit.sum()  # but stands where it stood


def test_colours_change_alike_in_plate_character_and_truth() -> None:
    clips = draw_clips(range(3), frames=2, size=64)
    new = recoloured(dataclasses.replace(clips, truth_replace=clips.plate), luck())
    assert torch.equal(new.plate, new.truth_replace)
    assert not torch.equal(new.plate, clips.plate)
    assert torch.equal(new.matte, clips.matte)


def test_a_turn_of_hues_leaves_grey_to_exposure_and_white_balance() -> None:
    mixes = colour_mixes(200, luck())
    greys = (mixes @ torch.full((3, 1), float(GREY))).squeeze(-1)  # (n, 3)
    assert greys.min() > 0.6 * GREY
    assert greys.max() < 1.6 * GREY
    assert greys.mean() / GREY - 1 < 0.1
