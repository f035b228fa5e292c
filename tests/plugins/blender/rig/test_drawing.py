"""The skeleton that an artist sees beside the clip."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.blender.support.extension import load
from understudy_engine.preprocess import joints

drawing = load("rig.drawing")
points = load("rig.points")
SIZE = (64, 48)


def rows(**known: tuple[float, float, float]) -> list[tuple[float, float, float]]:
    found = [(0.0, 0.0, 0.0)] * points.POINTS
    for name, row in known.items():
        found[points.NUMBER[name]] = row
    return found


def test_limbs_joints_and_colours_are_those_of_the_engine() -> None:
    body = tuple((points.NUMBER[a], points.NUMBER[b]) for a, b in drawing._BODY)
    assert (body, drawing._LIMBS, drawing._COLOURS) == (joints.BODY, joints.LIMBS, joints.COLOURS)
    assert drawing._FINGER_BONES == joints.FINGER_BONES


def test_names_are_those_of_the_engine() -> None:
    from understudy_engine.preprocess.point_names import NAMES

    assert points.NAMES == NAMES


def test_a_limb_is_drawn_between_its_joints() -> None:
    drawn = drawing.draw(rows(left_hip=(10, 10, 1), left_knee=(10, 40, 1)), SIZE)
    assert drawn[25, 10, 3] == 255
    assert drawn[25, 30, 3] == 0


def test_nothing_is_drawn_for_a_joint_that_is_not_seen() -> None:
    drawn = drawing.draw(rows(left_hip=(10, 10, 0.3), left_knee=(10.5, 40.5, 1)), SIZE)
    assert drawn[25, 10, 3] == 0
    assert drawn[40, 10, 3] == 255


@pytest.mark.parametrize("place", [(-500.0, 20.0), (1e6, -1e6), (63.9, 47.9)])
def test_what_leaves_the_frame_is_cut(place: tuple[float, float]) -> None:
    drawn = drawing.draw(rows(left_hip=(32.5, 24.5, 1), left_knee=(*place, 1)), SIZE)
    assert drawn.shape == (48, 64, 4)
    assert drawn[24, 32, 3] == 255


def test_on_black_what_is_clear_is_black() -> None:
    drawn = drawing.on_black(drawing.draw(rows(nose=(5.5, 5.5, 1)), SIZE))
    assert np.array_equal(drawn[40, 60], (0, 0, 0))
    assert np.array_equal(drawn[5, 5], (255, 0, 0))
