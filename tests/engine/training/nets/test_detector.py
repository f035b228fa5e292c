from __future__ import annotations

import torch

from understudy_engine.training.nets.detector import CELLS, SIZE, Detector, cell_middles, detector_loss, giou

PEOPLE = torch.tensor([[[100.0, 60, 300, 600], [350, 100, 620, 640], [0, 0, 0, 0]]])
MIDDLES = (PEOPLE[..., :2] + PEOPLE[..., 2:]) / 2


def perfect_maps() -> tuple[torch.Tensor, torch.Tensor]:
    logits, boxes = torch.full((1, 1, CELLS, CELLS), -9.0), torch.zeros(1, 4, CELLS, CELLS)
    for x0, y0, x1, y1 in PEOPLE[0, :2].tolist():
        column, row = int((x0 + x1) / 32), int((y0 + y1) / 32)
        logits[0, 0, row, column] = 9
        reach = slice(max(0, row - 6), row + 7), slice(max(0, column - 6), column + 7)
        boxes[0, :, *reach] = torch.tensor([x0, y0, x1, y1]).view(4, 1, 1)
    return logits, boxes


def test_the_loss_is_least_where_middles_and_boxes_are_right() -> None:
    logits, boxes = perfect_maps()
    right = detector_loss(logits, boxes, PEOPLE, MIDDLES)
    assert right < 0.1
    assert detector_loss(logits, boxes + 40, PEOPLE, MIDDLES) > right + 0.1
    assert detector_loss(logits.roll(5, -1), boxes, PEOPLE, MIDDLES) > right + 1
    assert detector_loss(logits, boxes, PEOPLE, MIDDLES + 80) > right + 1
    assert detector_loss(logits, boxes, torch.zeros_like(PEOPLE), MIDDLES) > right  # somebody where nobody is


def test_one_person_is_found_once_and_best_comes_first() -> None:
    net = Detector().eval()
    logits, boxes = perfect_maps()
    logits[0, 0, 20, 13] = 5  # a lesser peak beside the first person's
    net.maps = lambda pictures: (logits, boxes)  # type: ignore[method-assign]
    found = net(torch.zeros(1, 3, SIZE, SIZE))
    assert found.shape == (1, 300, 6)
    assert (found[0, :, 4] > 0.3).sum() == 2
    assert {tuple(box) for box in found[0, :2, :4].tolist()} == {tuple(box) for box in PEOPLE[0, :2].tolist()}
    assert (found[0, :, 4].diff() <= 0).all()
    assert (found[0, :, 5] == 0).all()


def test_cells_lie_in_a_grid_over_the_picture() -> None:
    cells = cell_middles()
    assert cells[0, :, 0, 0].tolist() == [8, 8, 8, 8]
    assert cells[0, :, 1, 39].tolist() == [632, 24, 632, 24]


def test_overlap_of_equal_boxes_is_one_and_of_far_ones_negative() -> None:
    box = torch.tensor([0.0, 0, 10, 10])
    assert giou(box, box) == 1
    torch.testing.assert_close(giou(box, box + 5), torch.tensor(25 / 175 - (225 - 175) / 225))
    assert giou(box, box + 100) < -0.9
