from __future__ import annotations

import math

import numpy as np
import torch

from understudy_engine.training.studio.camera import View, level_view, sample_camera, views

SIZE = 256


def base(clips: int) -> View:
    heads = torch.linspace(1.5, 7, clips)
    return level_view(SIZE / heads, -heads / 2, torch.linspace(-2, -1, clips), SIZE)


def moved(seeds: list[int], seconds: torch.Tensor) -> View:
    moves = [sample_camera(np.random.default_rng(seed)) for seed in seeds]
    clip_index = torch.arange(len(seeds)).repeat_interleave(len(seconds))
    return views(moves, base(len(seeds)), clip_index, seconds.repeat(len(seeds)))


def test_a_level_view_puts_the_studio_where_its_scale_and_corner_say() -> None:
    view = level_view(torch.tensor([100.0]), torch.tensor([-1.0]), torch.tensor([-2.0]), SIZE)
    assert torch.allclose(view.project(torch.tensor([[[0.5, 0.0, 9.0]]])), torch.tensor([[[150.0, 200.0]]]))


def test_a_point_seen_at_a_sample_lies_where_the_sample_says() -> None:
    view = moved(list(range(20)), torch.tensor([0.0, 1.7]))
    samples = torch.rand(len(view.scale), 7, 2) * SIZE
    ones = torch.ones(*samples.shape[:2], 1)
    points = torch.cat([samples, ones], dim=-1) @ view.to_studio().mT
    back = view.project(torch.cat([points, ones], dim=-1))
    assert torch.allclose(back, samples, atol=1e-2)


def test_roll_turns_the_picture_clockwise_about_its_middle() -> None:
    level = base(1)
    view = View(
        scale=level.scale, left=level.left, top=level.top, roll=torch.tensor([math.pi / 2]), size=SIZE
    )
    centre = level.centre[0]
    above = torch.stack([centre[0], centre[1] - 10 / level.scale[0], centre[0] * 0])
    assert torch.allclose(
        view.project(above[None, None]), torch.tensor([[[SIZE / 2 + 10, SIZE / 2]]]), atol=1e-3
    )


def test_a_finer_view_sees_the_same_with_more_pixels() -> None:
    view = moved([3, 4, 5], torch.tensor([0.4]))
    points = torch.randn(3, 5, 3)
    assert torch.allclose(view.finer(2).project(points), 2 * view.project(points), atol=1e-3)


def test_about_two_cameras_in_five_stand_still() -> None:
    still = [not sample_camera(np.random.default_rng(seed)).sines.any() for seed in range(400)]
    assert 0.33 < np.mean(still) < 0.47


def test_a_camera_moves_little_and_smoothly() -> None:
    seconds = torch.arange(0, 8, 1 / 24)
    seeds = list(range(60))
    view = moved(seeds, seconds)
    still = base(len(seeds)).at(torch.arange(60).repeat_interleave(len(seconds)))
    heads = SIZE / still.scale
    away = (view.centre - still.centre) / heads[:, None]
    assert 0.05 < away.abs().max() < 0.13
    zoom = view.scale / still.scale
    assert 1.05 < zoom.max() < 1.17
    assert view.roll.abs().max() < math.radians(3.3)
    steps = away.view(60, -1, 2).diff(dim=1)
    assert steps.abs().max() < 0.012  # of the picture from one frame to the next
    assert steps.diff(dim=1).abs().max() < 0.004


def test_another_clip_in_the_batch_changes_nothing() -> None:
    seconds = torch.tensor([0.0, 0.5, 2.0])
    moves = [sample_camera(np.random.default_rng(seed)) for seed in (7, 8)]
    both = views(moves, base(2), torch.tensor([1, 1, 1]), seconds)
    alone = views(moves[1:], base(2).at(torch.tensor([1])), torch.tensor([0, 0, 0]), seconds)
    assert torch.equal(both.left, alone.left)
    assert torch.equal(both.scale, alone.scale)
