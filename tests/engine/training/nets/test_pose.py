from __future__ import annotations

import torch

from understudy_engine.training.nets.meters import (
    MAP,
    POSE_SIZE,
    PoseMeter,
    _mean_and_spread,
    pose_meter_loss,
)
from understudy_engine.training.nets.pose import heat_maps, pose_loss


def test_a_map_is_highest_at_its_point_and_empty_for_one_that_is_not_there() -> None:
    points = torch.zeros(1, 133, 3)
    points[0, :3] = torch.tensor([[80.0, 120, 1], [80, 120, 0], [400, 120, 1]])
    maps = heat_maps(points, (64, 48))
    assert maps[0, 0].argmax() == 30 * 48 + 20
    assert maps[0, 0].max() == 1
    assert maps[0, 1:3].abs().max() == 0


def test_the_pose_loss_is_nothing_for_the_maps_it_wants() -> None:
    points = torch.rand(2, 133, 3) * 190
    heat = heat_maps(points, (64, 48))
    assert pose_loss(heat, points) == 0
    assert pose_loss(heat.roll(2, -1), points) > pose_loss(heat.roll(1, -1), points) > 0


def test_the_meter_reads_a_point_where_its_map_has_its_weight() -> None:
    maps = torch.full((1, 133, MAP, MAP), -20.0)
    maps[0, :, 10, 30] = 20
    x, y, spread = _mean_and_spread(maps)[0, 0].tolist()
    assert (round(x), round(y)) == (122, 42)  # the middle of a cell of 4 pixels
    assert spread < 0.1


def test_points_outside_the_crop_teach_the_meter_nothing() -> None:
    found = PoseMeter()(torch.rand(1, 3, POSE_SIZE, POSE_SIZE))
    points = torch.full((1, 133, 3), -5.0)
    points[..., 2] = 1
    assert pose_meter_loss(found, points) == 0
    points[0, 0] = torch.tensor([found[0, 0, 0].item(), found[0, 0, 1].item(), 1])
    near = pose_meter_loss(found, points)
    points[0, 0, 0] += 9
    assert pose_meter_loss(found, points) > near
