import json

import numpy as np
import pytest

from tests.engine.preprocess.bodies import standing_person
from understudy_engine.errors import PassMismatch, UnsupportedMedia
from understudy_engine.preprocess.document_child import face_boxes_isolated
from understudy_engine.preprocess.face import Edges, crop_face, face_box
from understudy_engine.preprocess.face_boxes import read_face_boxes, write_face_boxes
from understudy_engine.preprocess.keypoints import FACE
from understudy_engine.preprocess.sizing import Box
from understudy_engine.types import FrameSize

SIZE = FrameSize(200, 200)


def test_the_crop_holds_the_face_with_more_above_than_below():
    box = face_box(standing_person(SIZE), SIZE)
    landmarks = standing_person(SIZE)[FACE, :2]
    assert box is not None
    assert box.x < landmarks[:, 0].min()
    assert box.x + box.width > landmarks[:, 0].max()
    above, below = landmarks[:, 1].min() - box.y, box.y + box.height - landmarks[:, 1].max()
    assert above > 2 * max(below, 0)


@pytest.mark.parametrize("shift", [(-500, 0), (0, 500), (150, -300)])
def test_a_face_outside_the_frame_is_absent(shift):
    points = standing_person(SIZE)
    points[:, :2] += shift
    assert face_box(points, SIZE) is None


def test_a_face_half_outside_is_cut_at_the_edge():
    points = standing_person(SIZE)
    points[:, 0] -= 100
    box = face_box(points, SIZE)
    assert box is not None
    assert box.x == 0


@pytest.mark.parametrize("score", [0.0, 0.1])
def test_landmarks_that_nobody_is_sure_of_are_no_face(score):
    points = standing_person(SIZE)
    points[FACE, 2] = score
    assert face_box(points, SIZE) is None


def test_landmarks_in_one_point_are_no_face():
    points = standing_person(SIZE)
    points[FACE, :2] = 50
    assert face_box(points, SIZE) is None


def test_points_that_were_not_found_do_not_stretch_the_box():
    points = standing_person(SIZE)
    whole = face_box(points, SIZE)
    points[FACE.start + 8] = 0
    assert face_box(points, SIZE) == whole


def test_a_crop_is_square_and_an_absent_face_black():
    frame = np.full((100, 100, 3), 90, np.uint8)
    assert (crop_face(frame, Box(10, 20, 30, 60), 64) == np.full((64, 64, 3), 90)).all()
    assert (crop_face(frame, None, 64) == np.zeros((64, 64, 3))).all()


def test_boxes_are_read_in_pixels_of_the_clip(tmp_path):
    path = tmp_path / "faces.json"
    document = {"format": "understudy.face_boxes", "version": 1, "width": 100, "height": 100}
    boxes = [[10, 20, 30, 40], None, [-50, 90, 50, 190], [300, 0, 400, 50]]
    path.write_text(json.dumps(document | {"boxes": boxes}))
    assert read_face_boxes(path, SIZE) == [Box(20, 40, 40, 40), None, Box(0, 180, 100, 20), None]
    path.write_text(json.dumps(boxes))
    assert read_face_boxes(path, SIZE)[0] == Box(10, 20, 20, 20)


def test_steadied_crops_come_back_to_the_bit_here_and_from_another_process(tmp_path):
    path, boxes = (
        tmp_path / "faces.json",
        [Edges(1 / 3, 2.7, 100 * 2**0.5, 199.99999), None, Edges(0, 0, 200, 200)],
    )
    write_face_boxes(path, boxes, SIZE)
    assert read_face_boxes(path, SIZE) == face_boxes_isolated(path, SIZE) == boxes
    assert all(box is None or isinstance(box, Edges) for box in face_boxes_isolated(path, SIZE))


@pytest.mark.parametrize("box", [[1, 2, 3], "here", [1, 2, 3, "x"], [1, 2, 3, float("nan")], {}])
def test_a_box_that_is_none_is_named_by_its_frame(tmp_path, box):
    path = tmp_path / "faces.json"
    path.write_text(json.dumps([[0, 0, 5, 5], box]))
    with pytest.raises(PassMismatch, match="face box of frame 1") as refusal:
        read_face_boxes(path, SIZE)
    assert refusal.value.facts == {"frame": 1}


@pytest.mark.parametrize(
    "document", [7, {}, {"boxes": []}, {"format": "understudy.face_boxes", "version": 1}]
)
def test_a_document_without_boxes_is_refused_by_name(tmp_path, document):
    path = tmp_path / "faces.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UnsupportedMedia, match=r"faces\.json"):
        read_face_boxes(path, SIZE)
