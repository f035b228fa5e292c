from __future__ import annotations

import torch

from tests.engine.training.nets.footage import face_points
from understudy_engine.training.nets.points import (
    MIRRORED,
    face_crop_boxes,
    matte_boxes,
    mirror_points,
    readable_faces,
    visible,
)


def test_the_mirror_of_a_mirror_image_is_the_picture() -> None:
    points = torch.rand(2, 133, 3)
    assert sorted(MIRRORED) == list(range(133))
    torch.testing.assert_close(mirror_points(mirror_points(points, 64.0), 64.0), points)


def test_in_a_mirror_the_left_hand_is_the_right_one() -> None:
    points = torch.zeros(133, 3)
    points[91:112, 0] = 10  # the left hand
    points[9, 0], points[23, 0], points[39, 0] = 10, 3, 61  # left wrist, the jaw's two ends
    seen = mirror_points(points, 64.0)
    assert (seen[112:133, 0] == 54).all()
    assert seen[10, 0] == 54
    assert seen[23, 0] == 3
    assert seen[39, 0] == 61


def test_a_box_holds_all_that_is_covered_and_nothing_else() -> None:
    mattes = torch.zeros(2, 20, 30, dtype=torch.uint8)
    mattes[0, 4:9, 7:21] = 255
    assert matte_boxes(mattes).tolist() == [[7, 4, 21, 9], [0, 0, 0, 0]]


def test_a_point_behind_something_is_not_seen() -> None:
    matte = torch.zeros(1, 64, 64, dtype=torch.uint8)
    matte[0, :, :32] = 255
    points = torch.tensor([[[10.0, 10, 1], [33, 10, 1], [50, 10, 1], [10, 10, 0]]])
    assert visible(points, matte).tolist() == [[True, True, False, False]]


def test_a_face_is_read_from_the_front_uncovered_and_large_enough() -> None:
    front = face_points(10, 10, 60, 60)[None]
    seen = torch.ones(1, 133, dtype=torch.bool)
    assert readable_faces(front, seen, 40).item()
    assert not readable_faces(front, seen, 80).item()
    assert not readable_faces(front, seen & (torch.arange(133) < 60), 40).item()
    away = mirror_points(front, 80.0)
    away[:, [3, 4]] = away[:, [4, 3]]  # the left ear on the picture's left: the back of a head
    assert not readable_faces(away, seen, 40).item()
    profile = front.clone()
    profile[:, [3, 4], 0] = profile[:, 0:1, 0] + torch.tensor([-20.0, -22.0])
    assert not readable_faces(profile, seen, 40).item()


def test_a_face_crop_has_room_above_the_brows() -> None:
    points = face_points(20, 20, 30, 30)[None]
    face = points[0, 23:91, :2]
    x0, y0, x1, y1 = face_crop_boxes(points, 100.0)[0].tolist()
    top, bottom = float(face[:, 1].min()), float(face[:, 1].max())
    assert top - y0 > y1 - bottom > 0
    larger = (x1 - x0) * (y1 - y0) / float((face.amax(0) - face.amin(0)).prod())
    assert abs(larger - 1.3) < 1e-3
