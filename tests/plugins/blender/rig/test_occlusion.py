"""What hides a joint from the camera."""

from __future__ import annotations

import numpy as np

from tests.plugins.blender.support.extension import load

occlusion = load("rig.occlusion")
EYE, JOINT, TORSO = np.zeros(3), np.array([10.0, 0, 0]), 0.5
BODY, THING = occlusion.Hidden.BY_BODY, occlusion.Hidden.BY_THING


def hider(*walls: tuple[float, bool, bool]) -> object:
    """What hides the joint, 10 away, behind walls at a distance: of its own body or not, seen or not."""

    def cast(start: np.ndarray, direction: np.ndarray, far: float) -> object:
        ahead = [wall for wall in sorted(walls) if start[0] < wall[0] <= start[0] + far]
        return occlusion.Hit(np.array([ahead[0][0], 0, 0]), *ahead[0][1:]) if ahead else None

    return occlusion.hider(cast, EYE, JOINT, TORSO)


def test_nothing_in_between_hides_nothing() -> None:
    assert hider() is None
    assert hider((10.5, False, True)) is None


def test_a_wall_hides_it() -> None:
    assert hider((4, False, True)) is THING


def test_its_own_skin_does_not() -> None:
    assert hider((9.9, True, True)) is None


def test_another_part_of_its_body_does() -> None:
    assert hider((9.5, True, True)) is BODY


def test_what_lies_on_the_joint_does_not() -> None:
    assert hider((9.99, False, True)) is None


def test_what_the_camera_does_not_see_hides_nothing() -> None:
    assert hider((4, False, False)) is None
    assert hider((4, False, False), (6, False, True)) is THING
    assert hider(*((place, False, False) for place in range(1, 9))) is None


def test_what_is_nearer_counts() -> None:
    assert hider((4, False, True), (9.9, True, True)) is THING
    assert hider((4, True, True), (6, False, True)) is BODY
