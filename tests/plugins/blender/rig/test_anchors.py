"""Where the points are that bones carry, and those that are estimated from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.plugins.blender.rig.skeletons import Bones, mixamo, rigify
from tests.plugins.blender.support.extension import load

anchors = load("rig.anchors")
bone_maps = load("rig.bone_maps")
points = load("rig.points")
BONES = rigify()


def rest_of(bones: Bones, roll: float = 0.0) -> dict[str, Any]:
    """Rest bones whose Y runs along them, rolled by *roll* as no name tells."""
    return {
        name: anchors.RestBone(*map(np.array, ends), _matrix(*ends, roll)) for name, ends in bones.items()
    }


def _matrix(head: tuple[float, ...], tail: tuple[float, ...], roll: float) -> np.ndarray:
    along = np.subtract(tail, head) / np.linalg.norm(np.subtract(tail, head))
    aside = np.cross(along, [0.3, 0.5, 0.8])
    aside /= np.linalg.norm(aside)
    other = np.cross(aside, along)
    matrix = np.eye(4)
    matrix[:3, 0] = np.cos(roll) * aside + np.sin(roll) * other
    matrix[:3, 1] = along
    matrix[:3, 2] = np.cross(matrix[:3, 0], along)
    matrix[:3, 3] = head
    return matrix


def places(bones: Bones, moved: np.ndarray | None = None, roll: float = 0.0) -> dict[str, np.ndarray]:
    """Points by name, of the rest pose or with all bones *moved*."""
    rest = rest_of(bones, roll)
    tied = anchors.anchors(bone_maps.match(bones), rest)
    posed = {name: (np.eye(4) if moved is None else moved) @ bone.matrix for name, bone in rest.items()}
    found = anchors.placed(tied, posed)
    return {name: found[number] for number, name in enumerate(points.NAMES) if number in tied}


@pytest.mark.parametrize("bones", [rigify(), mixamo()])
def test_joints_lie_where_their_bones_begin(bones: Bones) -> None:
    found = places(bones)
    assert found["left_elbow"] == pytest.approx([0.45, 0, 1.4])
    assert found["right_wrist"] == pytest.approx([-0.7, 0, 1.4])
    assert found["left_hand_root"] == pytest.approx([0.7, 0, 1.4])
    assert found["right_knee"] == pytest.approx([-0.1, 0, 0.5])
    assert found["left_forefinger2"] == pytest.approx([0.83, -0.02, 1.4])
    assert found["left_forefinger4"] == pytest.approx([0.89, -0.02, 1.4])  # where the last bone ends


def test_points_move_as_their_bones_do() -> None:
    moved = np.eye(4)
    moved[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    moved[:3, 3] = (1, 2, 3)
    for name, place in places(BONES).items():
        assert places(BONES, moved)[name] == pytest.approx(moved[:3, :3] @ place + moved[:3, 3]), name


def test_who_has_no_face_bones_looks_ahead_by_estimate() -> None:
    found = places(BONES)
    assert found["nose"][1] < found["left_eye"][1] < found["left_ear"][1] + 1e-9  # -Y is ahead
    assert found["left_eye"][0] > 0 > found["right_eye"][0]
    assert found["left_ear"][0] == pytest.approx(-found["right_ear"][0])
    assert 1.5 < found["nose"][2] < found["left_eye"][2] < 1.7
    assert not any(name.startswith("face_") for name in found)


def test_how_bones_are_rolled_does_not_matter() -> None:
    plain, rolled = places(BONES), places(BONES, roll=1.1)
    for name, place in plain.items():
        assert rolled[name] == pytest.approx(place), name


def test_toes_lie_on_both_sides_of_where_the_foot_ends() -> None:
    found = places(BONES)
    assert (found["left_big_toe"] + found["left_small_toe"]) / 2 == pytest.approx([0.1, -0.2, 0.02])
    assert found["left_big_toe"][0] < found["left_small_toe"][0]  # big toes are inside
    assert found["right_big_toe"][0] > found["right_small_toe"][0]
    assert found["left_heel"][1] > 0
    assert found["left_heel"][2] == pytest.approx(0.02)


def test_missing_bones_leave_their_points_out() -> None:
    found = places(
        {name: ends for name, ends in BONES.items() if "hand.L" not in name and "shin" not in name}
    )
    assert "left_wrist" not in found
    assert "left_knee" not in found
    assert "left_ankle" in found


def seen_from(eye: tuple[float, float, float]) -> set[str]:
    """Which points of the head are on its far side."""
    rest = rest_of(BONES)
    tied = anchors.anchors(bone_maps.match(BONES), rest)
    bones = {name: bone.matrix for name, bone in rest.items()}
    away = anchors.turned_away(tied, bones, anchors.placed(tied, bones), np.array(eye))
    return {points.NAMES[number] for number in away}


def test_from_ahead_the_whole_head_is_seen() -> None:
    assert seen_from((0, -5, 1.5)) == set()


def test_from_behind_ears_are_seen_alone() -> None:
    assert seen_from((0, 5, 1.5)) == {"nose", "left_eye", "right_eye"}


def test_in_profile_the_far_eye_and_ear_are_hidden() -> None:
    assert seen_from((5, 0, 1.5)) == {"right_eye", "right_ear"}
