"""2D tracks of a rig's joints."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy_engine.errors import MediaError, MediaTooLarge, PassMismatch, RequestError, UnsupportedMedia
from understudy_engine.preprocess.keypoint_files import parse_keypoints, read_keypoints
from understudy_engine.preprocess.point_names import NAMES, point_of
from understudy_engine.types import FrameSize

SIZE = FrameSize(640, 360)
OWN = {"format": "understudy.joint_tracks", "version": 1, "width": 640, "height": 360}
ARMS = ("LeftArm", "LeftForeArm", "LeftHand", "RightArm", "RightForeArm", "RightHand")
COCO_ARMS = [5, 7, 9, 6, 8, 10]


def rig(*frames: int, **more: Any) -> dict[str, Any]:
    """Arms alone, at 10 * joint, frame."""
    tracks = {f"mixamorig:{joint}": [[f, 10.0 * i, f] for f in frames] for i, joint in enumerate(ARMS)}
    return OWN | {"tracks": tracks} | more


def test_a_rigs_bones_are_where_they_begin():
    points = parse_keypoints(rig(1001, 1002), SIZE, "rig").points
    assert points.shape == (2, 133, 3)
    assert points[0, COCO_ARMS].tolist() == [[10.0 * i, 1001, 1] for i in range(6)]
    assert points[..., 2].sum() == 12


def test_the_collar_bone_that_rigs_call_a_shoulder_is_left_out():
    document = rig(0)
    document["tracks"] |= {"LeftShoulder": [[0, 999, 999]], "Hips": [[0, 1, 1]]}
    assert parse_keypoints(document, SIZE, "rig").points[0, 5].tolist() == [0, 0, 1]


def test_every_point_has_a_name_of_its_own():
    assert [point_of(name) for name in NAMES] == list(range(133))
    assert point_of("Left Hand Index 1") == NAMES.index("left_forefinger1")


def test_a_stated_span_keeps_frames_that_show_nobody():
    points = parse_keypoints(rig(12, first_frame=10, frames=5), SIZE, "rig").points
    assert np.flatnonzero(points[:, 5, 2]).tolist() == [2]
    assert len(points) == 5


def test_y_can_be_counted_from_below():
    assert parse_keypoints(rig(100, y_up=True), SIZE, "rig").points[0, 7].tolist() == [10, 260, 1]


def test_a_table_says_the_same(tmp_path):
    path = tmp_path / "rig.csv"
    lines = [f"{frame},{joint},{10 * i},{frame}" for frame in (3, 4) for i, joint in enumerate(ARMS)]
    path.write_text("\n".join(["Frame, Joint, x, y", *lines, ""]))
    table = read_keypoints(path, SIZE)
    assert table.size == SIZE
    assert np.array_equal(table.points, parse_keypoints(rig(3, 4), SIZE, "rig").points)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (OWN | {"tracks": {"LeftArm": [[0, 1, 1]], "nose": []}}, "tracks of 1 body joints; at least 6 of 17"),
        (rig(0, tracks={"Tail": [[0, 1, 1]], "Wing": []}), r"2 joints of unknown names \(Tail, Wing\)"),
        (
            rig(0) | {"tracks": rig(0)["tracks"] | {"left_elbow": [[0, 1, 1]]}},
            "LeftForeArm twice, by two names",
        ),
        (rig(5, 5), "2 rows, from frame 5 to 5; each of the frames 5 to 5 may have one"),
        (rig(5, frames=2, first_frame=0), "1 rows, from frame 5 to 5; each of the frames 0 to 1"),
        (OWN | {"tracks": {"LeftArm": [[0.5, 1, 1]]}}, "row of LeftArm is not a whole frame"),
        (OWN | {"tracks": {"LeftArm": [[0, 1]]}}, "row of LeftArm is not a whole frame"),
        (OWN | {"tracks": {"LeftArm": "up"}}, "track of LeftArm is not a list"),
        (OWN | {"tracks": {}}, "no row in any of 0 tracks"),
    ],
)
def test_what_is_no_person_is_refused_with_numbers(document, message):
    with pytest.raises(PassMismatch, match=message):
        parse_keypoints(document, SIZE, "rig.json")


def test_more_frames_than_a_clip_may_have_are_refused_before_memory_is_taken():
    with pytest.raises(MediaTooLarge, match=r"rig\.json has more than 20,000 frames"):
        parse_keypoints(rig(0, 10**9), SIZE, "rig.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n", "does not begin with the line"), ("", "does not begin"),
     ("frame,joint,x,y\n1,nose,2\n", "Line 2 .* 3 columns"),
     ("frame,joint,x,y\n1,nose,2,here\n", "row of line 2 of rig.csv")],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_by_line(tmp_path, text, message):
    (tmp_path / "rig.csv").write_text(text)
    with pytest.raises((UnsupportedMedia, PassMismatch), match=message):
        read_keypoints(tmp_path / "rig.csv", SIZE)


def test_bytes_in_place_of_a_table_are_refused(tmp_path):
    (tmp_path / "rig.csv").write_bytes(bytes(range(256)))
    with pytest.raises(UnsupportedMedia, match=r"rig\.csv is not a CSV text"):
        read_keypoints(tmp_path / "rig.csv", SIZE)


rows = st.lists(
    st.lists(st.none() | st.integers() | st.floats() | st.text(max_size=2), max_size=4), max_size=3
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*ARMS, "nose", "x"]), rows, max_size=7),
    st.dictionaries(
        st.sampled_from(["first_frame", "frames", "y_up", "width"]), st.integers() | st.none(), max_size=3
    ),
)
def test_any_tracks_give_keypoints_or_a_clear_refusal(tracks, more):
    try:
        frames = len(
            parse_keypoints(json.loads(json.dumps(OWN | {"tracks": tracks} | more)), SIZE, "rig.json")
        )
    except (MediaError, RequestError):
        return
    assert frames > 0
