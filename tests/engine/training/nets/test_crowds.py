from __future__ import annotations

import torch

from understudy_engine.training.nets.crowds import Crowd, elsewhere, laid_over

SIZE = 64
YES = torch.ones(1, dtype=torch.bool)


def one(x0: int, x1: int, colour: float, y0: int = 8, y1: int = 56) -> Crowd:
    """A picture with one person, in one colour."""
    matte = torch.zeros(1, 1, SIZE, SIZE)
    matte[..., y0:y1, x0:x1] = 1
    return Crowd(colour * matte.expand(1, 3, SIZE, SIZE), matte)


def test_who_is_behind_is_boxed_by_what_is_seen_of_them() -> None:
    crowd = laid_over(one(8, 40, 0.2), one(28, 60, 0.8), YES)
    assert crowd.boxes().tolist() == [[[8, 8, 28, 56], [28, 8, 60, 56]]]
    assert crowd.pictures[0, 0, 30, 20] == torch.tensor(0.2)
    assert crowd.pictures[0, 0, 30, 30] == torch.tensor(0.8)


def test_nobody_is_asked_for_of_whom_a_sliver_is_seen() -> None:
    crowd = laid_over(one(8, 40, 0.2), one(10, 60, 0.8), YES)
    assert crowd.boxes()[0, 0].tolist() == [0, 0, 0, 0]


def test_pictures_that_are_not_wanted_stay_as_they_are() -> None:
    behind = one(8, 40, 0.2)
    crowd = laid_over(behind, one(28, 60, 0.8), ~YES)
    assert torch.equal(crowd.pictures, behind.pictures)
    assert crowd.boxes()[0].tolist() == [[8, 8, 40, 56], [0, 0, 0, 0]]


def test_middles_lie_on_what_is_seen_of_each() -> None:
    """Of somebody seen to both sides of another one too, whose box has its middle on the other."""
    crowd = laid_over(one(4, 60, 0.2), one(20, 40, 0.8), YES)
    (behind, before) = crowd.middles()[0].long().tolist()
    assert crowd.mattes[0, 0, behind[1], behind[0]] == 1
    assert crowd.mattes[0, 1, before[1], before[0]] == 1


def test_elsewhere_picture_and_matte_move_together() -> None:
    moved = elsewhere(
        Crowd(*(torch.cat([part] * 8) for part in one(20, 44, 1.0))), torch.Generator().manual_seed(3)
    )
    assert len({tuple(box) for box in moved.boxes()[:, 0].tolist()}) > 4
    torch.testing.assert_close(moved.pictures[:, :1], moved.mattes)
