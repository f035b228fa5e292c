from __future__ import annotations

import torch

from understudy_engine.preprocess.limbs import draw_limbs
from understudy_engine.training.nets.crops import crop_boxes, cut, into, out_of


def test_a_crop_holds_the_whole_person_and_has_the_nets_shape() -> None:
    boxes = torch.tensor([[10.0, 10, 50, 110], [10, 10, 110, 50]])
    crops = crop_boxes(boxes, 192 / 256)
    width, height = (crops[:, 2:] - crops[:, :2]).unbind(1)
    torch.testing.assert_close(width / height, torch.full((2,), 0.75))
    assert (crops[:, :2] < boxes[:, :2]).all()
    assert (crops[:, 2:] > boxes[:, 2:]).all()
    torch.testing.assert_close(height, torch.tensor([125.0, 100 / 0.75 * 1.25]))  # engine_spec 6.4


def test_a_crop_shows_what_lies_in_its_box() -> None:
    picture = torch.arange(64.0).expand(1, 3, 64, 64)  # each pixel tells its column
    crop = cut(picture, torch.tensor([[16.0, 16, 48, 48]]), 32, 32)
    torch.testing.assert_close(crop[0, 0, 0], torch.arange(16.0, 48.0))
    beyond = cut(picture + 1, torch.tensor([[-64.0, 0, 0, 64]]), 32, 32)
    assert beyond[..., :-1].abs().max() == 0


def test_points_find_their_way_back_out_of_a_crop() -> None:
    points, boxes = torch.rand(3, 133, 3) * 100, torch.tensor([[0.0, 0, 50, 80]] * 3)
    there = into(points, boxes, 256, 192)
    torch.testing.assert_close(out_of(there, boxes, 256, 192), points, rtol=1e-4, atol=1e-3)
    assert into(torch.tensor([[[50.0, 80, 1]]]), boxes[:1], 256, 192).tolist() == [[[192, 256, 1]]]


def test_limbs_are_drawn_between_the_points_that_are_there() -> None:
    points = torch.zeros(1, 133, 3)
    points[0, 5] = torch.tensor([20.0, 40, 1])  # left shoulder
    points[0, 7] = torch.tensor([100.0, 40, 1])  # left elbow
    points[0, 9] = torch.tensor([100.0, 120, 0])  # a wrist that is not there
    lines, dots = draw_limbs(points, 256, 192)[0]
    assert lines.shape == (64, 48)
    assert lines[10, 15] > 0.8
    assert lines[20, 25] < 0.01
    assert dots[10, 5] > 0.7
    assert dots[10, 15] < 0.01
