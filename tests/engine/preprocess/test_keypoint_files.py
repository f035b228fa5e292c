import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.engine.preprocess.bodies import standing_person, walking
from understudy_engine.errors import (
    MediaError,
    MediaNotFound,
    MediaTooLarge,
    PassMismatch,
    RequestError,
    UnsupportedMedia,
)
from understudy_engine.preprocess import documents
from understudy_engine.preprocess.keypoint_files import parse_keypoints, read_keypoints, write_keypoints
from understudy_engine.preprocess.keypoint_layouts import COCO_17, OPENPOSE_18, OPENPOSE_25
from understudy_engine.preprocess.keypoints import FACE, LEFT_HAND, RIGHT_HAND
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 360)


def openpose_person(points: NDArray[Any], layout: tuple[int, ...]) -> dict[str, Any]:
    """A person as OpenPose writes one: flat lists, face with two pupils."""
    body = np.zeros((len(layout), 3))
    for row, place in enumerate(layout):
        if place >= 0:
            body[row] = points[place]
    face = np.concatenate([points[FACE], np.ones((2, 3))])
    return {
        "pose_keypoints_2d": body.ravel().tolist(),
        "face_keypoints_2d": face.ravel().tolist(),
        "hand_left_keypoints_2d": points[LEFT_HAND].ravel().tolist(),
        "hand_right_keypoints_2d": points[RIGHT_HAND].ravel().tolist(),
    }


def test_what_is_written_is_read_back_to_a_hundredth_of_a_pixel(tmp_path):
    keypoints = walking(3, SIZE)
    write_keypoints(tmp_path / "pose.json", keypoints, Fraction(24000, 1001))
    read = read_keypoints(tmp_path / "pose.json", FrameSize(1, 1))
    assert read.size == SIZE
    assert np.abs(read.points - keypoints.points).max() <= 0.006
    document = json.loads((tmp_path / "pose.json").read_text())
    assert (document["version"], document["rate"]) == (1, [24000, 1001])
    assert [path.name for path in tmp_path.iterdir()] == ["pose.json"]


def test_what_is_written_exactly_is_read_back_to_the_bit(tmp_path):
    keypoints = walking(3, SIZE)
    keypoints.points[1, 5] = [1 / 3, 1e-7, 16777217]
    write_keypoints(tmp_path / "pose.json", keypoints, exact=True)
    np.testing.assert_array_equal(read_keypoints(tmp_path / "pose.json", SIZE).points, keypoints.points)


def test_a_frame_without_a_person_is_null():
    person = standing_person(SIZE).tolist()
    document = {"format": "understudy.keypoints", "version": 1, "width": 640, "height": 360}
    read = parse_keypoints(document | {"frames": [person, None]}, SIZE, "pose.json")
    assert len(read) == 2
    assert not read.points[1].any()


@pytest.mark.parametrize("layout", [OPENPOSE_18, OPENPOSE_25], ids=["18", "25"])
def test_openpose_files_one_a_frame_become_whole_body_keypoints(tmp_path, layout):
    keypoints = walking(11, SIZE)
    for i, points in enumerate(keypoints.points):
        frame = {"version": 1.3, "people": [openpose_person(points, layout)]}
        (tmp_path / f"clip_{i}_keypoints.json").write_text(json.dumps(frame))
    read = read_keypoints(tmp_path, SIZE)
    has = [place for place in layout if place >= 0] + list(range(FACE.start, 133))
    assert np.allclose(read.points[:, has], keypoints.points[:, has])
    lacks = sorted(set(range(133)) - set(has))
    assert not read.points[:, lacks].any()
    assert len(lacks) == (6 if layout is OPENPOSE_18 else 0)


def test_controlnets_fractions_of_a_canvas_become_pixels():
    points = standing_person(SIZE)
    points[:, :2] /= SIZE
    frames = [{"people": [openpose_person(points, OPENPOSE_18)], "canvas_width": 640, "canvas_height": 360}]
    read = parse_keypoints(frames, FrameSize(1, 1), "pose.json")
    assert read.size == SIZE
    assert read.points[0, 9] == pytest.approx(standing_person(SIZE)[9], abs=1e-3)


def test_points_that_openpose_did_not_find_have_no_score():
    person = openpose_person(standing_person(SIZE), OPENPOSE_18) | {"hand_left_keypoints_2d": None}
    person["pose_keypoints_2d"][12:15] = [0, 0, 0.9]
    read = parse_keypoints([{"people": [person]}], SIZE, "pose.json")
    assert not read.points[0, 10].any()
    assert not read.points[0, LEFT_HAND].any()


def test_dwpose_dictionaries_become_whole_body_keypoints():
    points = standing_person(SIZE)
    points[:, :2] /= SIZE
    body = np.array([points[place] if place >= 0 else (0.5, 0.3, 1) for place in OPENPOSE_18])
    subset = list(range(18))
    subset[4] = -1  # the right wrist was not found
    frame = {
        "bodies": {"candidate": body[:, :2].tolist(), "subset": [subset]},
        "hands": [points[LEFT_HAND, :2].tolist(), points[RIGHT_HAND, :2].tolist()],
        "faces": [points[FACE, :2].tolist()],
        "faces_score": [[0.7] * 68],
    }
    read = parse_keypoints([frame], SIZE, "pose.json")
    expected = standing_person(SIZE)
    assert np.allclose(read.points[0, 91:], expected[91:], atol=1e-3)
    assert np.allclose(read.points[0, FACE, 2], 0.7)
    assert read.points[0, 10, 2] == 0
    assert read.points[0, 9] == pytest.approx(expected[9], abs=1e-3)


def test_coco_results_are_put_in_the_order_of_their_images():
    keypoints = walking(3, SIZE)
    results = [
        {
            "image_id": image,
            "keypoints": points[list(COCO_17)].ravel().tolist(),
            "foot_kpts": points[17:23].ravel().tolist(),
            "face_kpts": points[FACE].ravel().tolist(),
            "lefthand_kpts": points[LEFT_HAND].ravel().tolist(),
            "righthand_kpts": points[RIGHT_HAND].ravel().tolist(),
        }
        for image, points in zip([9, 7, 10], keypoints.points, strict=True)
    ]
    read = parse_keypoints(results, SIZE, "results.json")
    assert len(read) == 4
    assert np.allclose(read.points[[2, 0, 3]], keypoints.points)
    assert not read.points[1].any()  # image 8 had no person


def test_mmpose_instances_carry_their_scores_beside_them():
    points = standing_person(SIZE)
    instance = {"keypoints": points[:, :2].tolist(), "keypoint_scores": [0.6] * 133}
    document = {"instance_info": [{"frame_id": 1, "instances": [instance]}, {"frame_id": 2, "instances": []}]}
    read = parse_keypoints(document, SIZE, "results.json")
    assert np.allclose(read.points[0, :, :2], points[:, :2])
    assert np.allclose(read.points[0, :, 2], 0.6)
    assert not read.points[1].any()


def test_the_same_person_is_followed_among_several():
    star, other = standing_person(SIZE), standing_person(SIZE) * [1, 1, 0.9]
    other[:, 0] += 200
    frames = [
        {"people": [openpose_person(points, OPENPOSE_25) for points in people]}
        for people in ([other, star], [star, other], [other, star * [1, 1, 0.5]])
    ]
    read = parse_keypoints(frames, SIZE, "pose.json")
    assert np.allclose(read.points[:, 0, 0], star[0, 0])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([[0, 0, 1]] * 17, "Frame 1 of the keypoints has 17 points; whole-body keypoints have 133"),
        ([[0, 1]] * 133, "points of frame 1 .* not all x, y, score"),
        ([["a", 0, 1]] * 133, "points of frame 1 .* not all x, y, score"),
        ([[float("nan"), 0, 1]] * 133, "Point 0 of frame 1 .* is no number"),
        ("none", "Frame 1 of the keypoints has 1 points"),
    ],
)
def test_a_frame_that_is_no_body_is_named_with_its_number(frame, message):
    document = {"format": "understudy.keypoints", "version": 1, "width": 640, "height": 360}
    frames = [standing_person(SIZE).tolist(), frame]
    with pytest.raises(PassMismatch, match=message):
        parse_keypoints(document | {"frames": frames}, SIZE, "pose.json")


def test_a_body_of_another_count_is_refused_with_the_number():
    with pytest.raises(PassMismatch, match="has 20 body points; 17 or 18 or 25 or 133") as refusal:
        parse_keypoints([{"people": [{"pose_keypoints_2d": [1.0] * 60}]}], SIZE, "pose.json")
    assert refusal.value.facts == {"frame": 0, "points": 20}


@pytest.mark.parametrize(
    "document",
    [
        {}, [], 7, "text", {"people": 3}, [{"people": ["me"]}], [7],
        {"format": "understudy.keypoints", "version": 2, "width": 1, "height": 1, "frames": []},
        {"format": "understudy.keypoints", "version": 1, "frames": []},
        {"format": "understudy.keypoints", "version": 1, "width": "wide", "height": 1, "frames": []},
    ],
)  # fmt: skip
def test_a_document_without_keypoints_is_refused_by_name(document):
    with pytest.raises(UnsupportedMedia, match=r"pose\.json"):
        parse_keypoints(document, SIZE, "pose.json")


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "\x00\x01", "[" * 100_000, "9" * 10_000])
def test_a_file_that_is_not_json_is_refused(tmp_path, text):
    (tmp_path / "pose.json").write_text(text)
    with pytest.raises(UnsupportedMedia, match="is not"):
        read_keypoints(tmp_path / "pose.json", SIZE)


def test_a_movie_in_place_of_keypoints_is_refused(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(UnsupportedMedia, match=r"clip\.mp4 is not a JSON text"):
        read_keypoints(tmp_path / "clip.mp4", SIZE)


WORDS = [
    "people", "pose_keypoints_2d", "hand_left_keypoints_2d", "bodies", "candidate", "subset", "score", "hands",
    "hands_score", "faces", "keypoints", "keypoint_scores", "foot_kpts", "image_id", "instance_info",
    "instances", "frames", "width", "height", "canvas_width", "canvas_height", "format", "version",
]  # fmt: skip
leaves = st.none() | st.integers() | st.floats() | st.sampled_from(["understudy.keypoints", "x", True])
rows = st.lists(st.lists(st.floats(-1, 9), min_size=2, max_size=3), min_size=17, max_size=18)
documents_of_any_shape = st.recursive(
    leaves | rows,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100)
@given(documents_of_any_shape)
@example([{"keypoints": [], "image_id": [1]}])
@example({"bodies": {"candidate": 5}, "hands": 0})
@example({"bodies": {"candidate": [[1, 2]] * 18, "subset": 5}})
@example({"bodies": {"candidate": [[1, 2]] * 18}, "hands": 5})
@example([{"people": [{"pose_keypoints_2d": [1e300] * 54}]}])
def test_any_document_gives_keypoints_or_a_clear_refusal(document):
    try:
        frames = len(parse_keypoints(document, SIZE, "pose.json"))
    except (MediaError, RequestError):
        return
    assert frames > 0


def test_a_missing_file_and_an_empty_folder_are_told_apart(tmp_path):
    with pytest.raises(MediaNotFound, match="no file"):
        read_keypoints(tmp_path / "pose.json", SIZE)
    with pytest.raises(UnsupportedMedia, match=r"has no \.json file"):
        read_keypoints(tmp_path, SIZE)


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 1 << 20)
    (tmp_path / "pose.json").write_text(" " * (2 << 20))
    with pytest.raises(MediaTooLarge, match="has 2 MB; up to 1 MB"):
        read_keypoints(tmp_path / "pose.json", SIZE)
