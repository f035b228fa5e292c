"""understudy analyses: what a plugin had found and put right, as a folder for a swap."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.support.people import ALONE, plate_of, studio_clip
from tests.support.people import write_movie as write_lossless
from understudy_api.client import Client
from understudy_server.cli.specs import find_passes

from .conftest import Understudy


@pytest.fixture(scope="module")
def made(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An analysis with a corrected nose."""
    clip = write_lossless(
        tmp_path_factory.mktemp("plate") / "plate.mkv", plate_of(studio_clip(ALONE, 6, 64))[:2]
    )
    with Client.connect(folder=server_home) as client:
        name = client.create_analysis(client.hand_over(clip).name).name
        client.wait_for_analysis(name)
        client.correct(name, {(1, "nose"): (9.5, 8)})
        return client.wait_for_analysis(name).name


def test_analyses_are_listed_fetched_for_swaps_and_deleted(
    served: Understudy, made: str, tmp_path: Path
) -> None:
    listed = served("analyses", "list")
    assert (listed.code, made in listed.out, "plate.mkv  0:2" in listed.out) == (0, True, True), listed
    assert "succeeded  A" in listed.out
    short = made.partition("/")[2]
    said = served("analyses", "fetch", short, "-o", tmp_path / "passes", "--json")
    assert (said.code, len(said.json["files"])) == (0, 4), said
    assert set(find_passes(tmp_path / "passes")) == {"keypoints", "face_boxes", "matte"}
    keypoints = json.loads((tmp_path / "passes" / "keypoints.json").read_text())
    assert keypoints["frames"][1][0] == [9.5, 8, 1]
    assert cv2.imread(str(tmp_path / "passes" / "contact_sheet.jpg")) is not None
    again = served("analyses", "fetch", short, "-o", tmp_path / "passes")
    assert (again.code, "keypoints.json is there already" in again.err) == (2, True), again
    assert served("analyses", "delete", made).code == 0
    gone = served("analyses", "fetch", short, "-o", tmp_path / "gone")
    assert (gone.code, "There is no analysis" in gone.err) == (2, True), gone
    assert made not in served("analyses", "list").out
