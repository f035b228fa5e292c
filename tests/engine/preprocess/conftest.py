"""The clip and its passes that tests of passes begin with."""

import pytest

from tests.engine.preprocess.bodies import walking
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.types import (
    Mode,
)

from .passes_on_disk import FRAMES, SIZE, matte_frames, movie, opened, plate_frames


@pytest.fixture
def clip_path(tmp_path):
    return movie(tmp_path / "clip.mkv", plate_frames())


@pytest.fixture
def matte_path(tmp_path):
    return movie(tmp_path / "matte.mkv", matte_frames())


@pytest.fixture
def keypoints_path(tmp_path):
    write_keypoints(tmp_path / "pose.json", walking(FRAMES, SIZE))
    return tmp_path / "pose.json"


@pytest.fixture
def replace(clip_path, matte_path, keypoints_path):
    """Opens Replace with keypoints and a matte; options and other files may be given."""

    def start(**options):
        files = {"matte": matte_path, "keypoints": keypoints_path} | options
        return opened(Mode.REPLACE, clip_path, **{k: v for k, v in files.items() if v is not None})

    return start
