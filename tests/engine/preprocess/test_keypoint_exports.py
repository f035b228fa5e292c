"""What is written for other tools is read back the same."""

import csv
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.preprocess.bodies import walking
from understudy_engine.errors import PassMismatch
from understudy_engine.preprocess.document_child import keypoints_isolated
from understudy_engine.preprocess.keypoint_exports import KeypointForm, export_keypoints
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.preprocess.keypoints import POINTS, Keypoints
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 360)
FEET = slice(17, 23)


@st.composite
def people(draw):
    """A person through 1 to 4 frames, some points of whom, or who altogether, are not seen now and then."""
    frames = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = np.empty((frames, POINTS, 3), np.float32)
    points[..., :2] = random.uniform(3, [640, 360], (frames, POINTS, 2)).round(2)
    points[..., 2] = random.uniform(0.01, 1, (frames, POINTS)).round(3)
    points[random.random((frames, POINTS)) < draw(st.sampled_from([0, 0.3]))] = 0
    points[[draw(st.booleans()) and frame > 0 for frame in range(frames)]] = 0
    points[0, :6] = [5, 5, 1]  # there is somebody
    return Keypoints(points, SIZE)


def name_of(form: KeypointForm) -> str:
    return "clip" if form is KeypointForm.OPENPOSE else "clip.json"


@pytest.mark.parametrize("form", list(KeypointForm))
@settings(max_examples=12, deadline=None)
@given(keypoints=people())
def test_every_form_gives_back_the_points_that_it_has_room_for(tmp_path_factory, form, keypoints):
    path = tmp_path_factory.mktemp("export") / name_of(form)
    export_keypoints(path, keypoints, form, Fraction(24))
    read = read_keypoints(path, SIZE)
    expected = keypoints.points.copy()
    if form is KeypointForm.DWPOSE:
        expected[:, FEET] = 0
    assert read.size == SIZE
    assert read.points == pytest.approx(expected, abs=2e-3)


def test_a_process_of_its_own_reads_them_all(tmp_path):
    for form in KeypointForm:
        path = tmp_path / f"{form}_{name_of(form)}"
        export_keypoints(path, walking(2, SIZE), form)
        assert np.array_equal(keypoints_isolated(path, SIZE).points, read_keypoints(path, SIZE).points)


def test_openposes_neck_lies_between_the_shoulders_and_is_absent_without_one(tmp_path):
    keypoints = walking(2, SIZE)
    keypoints.points[1, 5, 2] = 0
    export_keypoints(tmp_path / "clip", keypoints, KeypointForm.OPENPOSE)
    documents = [json.loads(path.read_text()) for path in sorted((tmp_path / "clip").iterdir())]
    necks = [document["people"][0]["pose_keypoints_2d"][3:6] for document in documents]
    assert necks[0] == pytest.approx([*keypoints.points[0, [5, 6], :2].mean(axis=0).tolist(), 1], abs=1e-2)
    assert necks[1] == [0, 0, 0]


def test_a_frame_without_anybody_has_no_people(tmp_path):
    keypoints = walking(2, SIZE)
    keypoints.points[1] = 0
    export_keypoints(tmp_path / "clip.json", keypoints, KeypointForm.DWPOSE)
    assert [len(frame["people"]) for frame in json.loads((tmp_path / "clip.json").read_text())] == [1, 0]


def test_an_older_export_is_not_mixed_with_a_new_one(tmp_path):
    export_keypoints(tmp_path / "clip", walking(3, SIZE), KeypointForm.OPENPOSE)
    with pytest.raises(PassMismatch, match=r"folder clip holds 3 \.json files already"):
        export_keypoints(tmp_path / "clip", walking(2, SIZE), KeypointForm.OPENPOSE)


def test_tracks_become_a_table_where_the_name_says_csv(tmp_path):
    path = tmp_path / "rig.csv"
    export_keypoints(path, walking(2, SIZE), KeypointForm.TRACKS)
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["frame", "joint", "x", "y", "score"]
    assert len(lines) == 1 + 2 * POINTS
    assert read_keypoints(path, SIZE).points == pytest.approx(walking(2, SIZE).points, abs=1e-2)
