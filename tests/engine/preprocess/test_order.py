"""Who stands in front of whom, by mattes and time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy_engine.errors import PassMismatch
from understudy_engine.media.arrays import ArraySource
from understudy_engine.preprocess.keypoints import POINTS
from understudy_engine.preprocess.order import Order, decided
from understudy_engine.preprocess.plate import PlateMatte
from understudy_engine.preprocess.sizing import Box, Fit
from understudy_engine.types import Depth, FrameRange, FrameSize, MatteOptions

SIZE = FrameSize(64, 48)
FIT = Fit(SIZE, SIZE, Box(0, 0, *SIZE))
SEEN = Depth.SEEN

Block = tuple[int, int, int, int]  # x0, y0, x1, y1


def matte(blocks: Sequence[Block | None], grow_px: int = 0) -> PlateMatte:
    """One block a frame."""
    frames = np.zeros((len(blocks), SIZE.height, SIZE.width, 3), np.uint8)
    for frame, block in zip(frames, blocks, strict=True):
        if block is not None:
            frame[block[1] : block[3], block[0] : block[2]] = 255
    return PlateMatte(ArraySource(frames), Box(0, 0, *SIZE), FIT, MatteOptions(grow_px=grow_px))


def order_of(
    *people: Sequence[Block | None], stated: Sequence[Depth] = (), rate: int = 24, grow: int = 0
) -> Order:
    order = Order(Fraction(rate), stated or [SEEN] * len(people))
    for blocks in people:
        order.add(matte(blocks, grow), None)
    return order


def votes(text: str) -> list[float | None]:
    """ "+" the first is in front, "-" the second, "(" and ")" the same as guesses, "0" who knows, "." apart."""
    weights = {"+": 1.0, "-": -1.0, "(": 0.25, ")": -0.25, "0": 0.0, ".": None}
    return [weights[letter] for letter in text]


def fronts(order: Order, role: int) -> int:
    """How many stand before *role*."""
    return sum(other.is_in_front for other in order.touching(role, 0))


def told(signs: NDArray[np.int8]) -> str:
    return "".join("+" if sign > 0 else "-" for sign in signs)


def points(joints: Sequence[tuple[float, float]] = (), face_px: float = 0) -> NDArray[np.float32]:
    """One frame of them, (1, 133, 3)."""
    found = np.zeros((1, POINTS, 3), np.float32)
    for joint, place in enumerate(joints):
        found[0, joint] = (*place, 1)
    if face_px:
        found[0, 23:91] = [(0, row, 1) for row in np.linspace(0, face_px, 68)]
    return found


def of_two(blocks: Sequence[Block], known: Sequence[NDArray[np.float32]]) -> Order:
    order = Order(Fraction(24), [SEEN, SEEN])
    for block, each in zip(blocks, known, strict=True):
        order.add(matte([block]), each)
    return order


def test_whose_joints_the_others_matte_hides_is_behind_whatever_else_speaks() -> None:
    """Outstretched arms hold fewer of the pixels around them than whom they hide."""
    blocks: list[Block] = [(10, 5, 34, 36), (30, 5, 50, 44)]
    once_hidden = points([(40, 20), (20, 20), (60, 20)], face_px=9)
    assert of_two(blocks, [points(face_px=5), once_hidden]).back_to_front(0) == (1, 0)
    twice_hidden = points([(12, 20), (40, 9), (45, 20)], face_px=5)
    assert of_two(blocks, [twice_hidden, once_hidden]).back_to_front(0) == (0, 1)


def test_a_joint_under_both_mattes_hides_nobody() -> None:
    order = of_two([(10, 5, 34, 40), (30, 5, 50, 44)], [points([(32, 20)]), points([(32, 20)])])
    assert order.back_to_front(0) == (0, 1)  # by the feet


def test_where_no_joint_is_hidden_the_larger_face_is_nearer() -> None:
    blocks: list[Block] = [(10, 5, 34, 40), (30, 5, 50, 44)]
    assert of_two(blocks, [points(face_px=9), points(face_px=5)]).back_to_front(0) == (1, 0)
    assert of_two(blocks, [points(face_px=9), points(face_px=8.9)]).back_to_front(0) == (0, 1)


def test_without_points_the_nearer_feet_are_in_front() -> None:
    order = order_of([(10, 5, 30, 40)], [(20, 5, 40, 44)])
    assert order.back_to_front(0) == (0, 1)
    assert fronts(order, 0) == 1
    assert fronts(order, 1) == 0


def test_those_apart_are_in_nobodys_way() -> None:
    order = order_of([(2, 5, 12, 40)], [(40, 5, 60, 44)])
    assert order.touching(0, 0) == order.touching(1, 0) == []


def test_margins_that_meet_count_as_touching() -> None:
    people = [[(2, 5, 20, 40)], [(24, 5, 40, 44)]]
    assert order_of(*people).touching(0, 0) == []
    assert len(order_of(*people, grow=3).touching(0, 0)) == 1


def test_nobody_is_painted_over_by_anothers_margin_and_who_is_in_front_has_what_both_cover() -> None:
    order = Order(Fraction(24), [SEEN, SEEN])
    blocks: list[Block] = [(10, 5, 32, 40), (30, 5, 50, 44)]
    behind, front = (
        PlateMatte(*_parts([block]), MatteOptions(grow_px=4), partial(order.touching, role))
        for role, block in enumerate(blocks)
    )
    order.add(behind, None)
    order.add(front, None)
    assert behind.plate(0)[20].nonzero()[0].tolist() == list(range(6, 30))
    assert front.plate(0)[20].nonzero()[0].tolist() == list(range(30, 54))
    assert behind.plate(0)[2].nonzero()[0].tolist() == list(range(6, 36))  # above their heads
    assert front.plate(0)[2].nonzero()[0].tolist() == list(range(26, 54))
    assert behind.grown(0)[20].nonzero()[0].tolist() == list(range(6, 36))


def _parts(blocks: Sequence[Block]) -> tuple[ArraySource, Box, Fit]:
    frames = np.zeros((len(blocks), SIZE.height, SIZE.width, 3), np.uint8)
    for frame, (x0, y0, x1, y1) in zip(frames, blocks, strict=True):
        frame[y0:y1, x0:x1] = 255
    return ArraySource(frames), Box(0, 0, *SIZE), FIT


def test_three_stand_in_a_row_or_as_they_state() -> None:
    row: list[list[Block | None]] = [[(10, 5, 30, 44)], [(20, 5, 40, 40)], [(30, 5, 50, 36)]]
    assert order_of(*row).back_to_front(0) == (2, 1, 0)
    assert order_of(*row, stated=[Depth.BEHIND, SEEN, Depth.FRONT]).back_to_front(0) == (0, 1, 2)


def test_three_who_go_in_a_circle_still_have_an_order() -> None:
    order = Order(Fraction(24), [SEEN, SEEN, SEEN])
    blocks: list[Block] = [(0, 0, 20, 20), (18, 0, 38, 20), (10, 18, 30, 38)]
    middles = [(10.0, 10.0), (28.0, 10.0), (20.0, 28.0)]
    for number, block in enumerate(blocks):
        order.add(matte([block]), points([middles[number - 1]]))  # each is hidden by the one before
    assert [fronts(order, role) for role in range(3)] == [1, 1, 1]
    assert sorted(order.back_to_front(0)) == [0, 1, 2]


def test_two_mattes_of_one_person_are_refused() -> None:
    one: list[Block | None] = [(10, 5, 30, 40)] * 3
    with pytest.raises(PassMismatch, match="Roles 0 and 1"):
        list(order_of(one, [(10, 6, 30, 40)] * 3).look())
    assert list(order_of(one, [(16, 6, 36, 40)] * 3).look()) == [1, 2, 3]


def test_frames_that_stand_alike_are_told_as_one_span() -> None:
    first: list[Block | None] = [(10, 5, 30, 44), (10, 5, 30, 44), None, (10, 5, 30, 36)]
    order = order_of(first, [(20, 5, 40, 40)] * 4)
    told = [(span.frames, span.back_to_front) for span in order.spans(FrameRange(1, 4))]
    assert told == [(FrameRange(1, 3), (1, 0)), (FrameRange(3, 4), (0, 1))]


@pytest.mark.parametrize(
    ("cast", "then"),
    [
        ("++-++", "+++++"),  # one time of touching has one order
        ("++.--", "+++--"),  # it changes while the two stand apart
        ("..--.", "-----"),
        ("00+0", "++++"),
        ("....", "----"),
        ("+++---", "+++---"),  # sure for a second on both sides
        ("+++0--", "++++++"),  # not sure
        ("++--++", "++++++"),  # too short
        ("(((---", "------"),  # guesses change nothing
        ("(((-.", "-----"),  # and do not outweigh a hidden joint
        ("+++---+++", "+++---+++"),
    ],
)
def test_an_order_holds_while_two_touch_unless_it_changes_for_sure(cast: str, then: str) -> None:
    assert told(decided(votes(cast), change_frames=3)) == then
