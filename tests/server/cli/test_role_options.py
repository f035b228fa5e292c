"""--role and its like from the command line, through a real server with a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.people import TWO, matte_of, plate_of, points_of, studio_clip, write_movie
from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2
from understudy_engine.media.read import probe
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import Keypoints
from understudy_engine.types import FrameSize
from understudy_server.cli.role_options import roles, with_first

from .conftest import Shot, Understudy, write_png

FRAMES = 3


def test_roles_become_the_people_and_pictures_that_they_name(tmp_path: Path) -> None:
    (tmp_path / "keypoints.json").write_text("{}")
    asked = roles(["A=a.png", "12,640,300=b.png", "C=c=d.png"], [f"C={tmp_path}"], ["C"], ["A"])
    assert [role.character for role in asked] == [Path("a.png"), Path("b.png"), Path("c=d.png")]
    depths = [job_pb2.DEPTH_BEHIND, job_pb2.DEPTH_UNSPECIFIED, job_pb2.DEPTH_FRONT]
    assert [role.depth for role in asked] == depths
    limbs = job_pb2.PoseOptions(limbs=job_pb2.LimbFactors(arms=2))
    first, second, third = (role.pose(limbs) for role in asked)
    assert first.person.names == ["A"]
    assert (second.person.at.frame, second.person.at.x, second.person.at.y) == (12, 640, 300)
    assert not third.HasField("person")  # its keypoints say whom
    assert all(pose.limbs.arms == 2 for pose in (first, second, third))


def test_without_a_character_the_first_role_is_in_its_place() -> None:
    named = roles(["A=a.png", "B=b.png"], None, None, None)
    assert with_first(None, named, None) == (named[0], [named[1]])
    assert with_first(Path("hero.png"), named, ["C"]) == (None, named)


@pytest.mark.parametrize(
    ("texts", "folders", "front", "words"),
    [
        (["A"], [], [], "--role A is no role"),
        (["=a.png"], [], [], "is no role"),
        (["A=a.png", "A=b.png"], [], [], "--role A is given twice"),
        (["A=a.png"], ["B=passes"], [], "--role-passes B: there is no role of that name; there are: A"),
        ([], [], ["B"], "--in-front B: there is no role of that name; there are: none"),
    ],
)
def test_roles_of_another_form_are_refused(
    texts: list[str], folders: list[str], front: list[str], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        roles(texts, folders, front, [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "CLIP CHARACTER, or --role A=alice.png"),
        (["--role", "A=hero.png", "--person", "B"], "--person says whom CHARACTER replaces"),
        (["--role", "A=gone.png"], "gone.png (character)"),
    ],
)
def test_what_can_be_refused_here_starts_nothing(
    understudy: Understudy, shot: Shot, tmp_path: Path, home: Path, arguments: list[str], words: str
) -> None:
    said = understudy("replace", shot.clip, "-o", tmp_path / "a.mp4", *arguments)
    assert said.code == 2
    assert words in said.err
    assert not home.exists()


def test_two_people_are_replaced_shown_and_replayed(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    clip = studio_clip(TWO, FRAMES, 64)
    plate = write_movie(tmp_path / "plate.mkv", plate_of(clip))
    for person, name in enumerate("BA"):
        folder = tmp_path / name
        folder.mkdir()
        write_movie(folder / "matte.mkv", np.repeat(matte_of(clip, person)[..., None], 3, axis=3))
        write_keypoints(folder / "keypoints.json", Keypoints(points_of(clip, person), FrameSize(64, 64)))
        write_png(tmp_path / f"{name}.png", np.full((64, 64, 3), 90 * person + 60, np.uint8))
    said = served(
        *("replace", plate, "-o", tmp_path / "out.mkv", "--json", "--in-front", "B"),
        *(word for name in "AB" for word in ("--role", f"{name}={tmp_path / name}.png")),
        *(word for name in "AB" for word in ("--role-passes", f"{name}={tmp_path / name}")),
    )
    assert said.code == 0, said
    name = said.json["job"]["name"]
    [manifest] = [each["path"] for each in said.json["outputs"] if each["kind"] == "manifest"]
    made = json.loads(Path(manifest).read_text())
    assert made["settings"]["roles"][0]["depth"] == "front"
    assert made["segments"][0]["order"] == [[0, FRAMES, [0, 1]]]
    exported = served("export", name, tmp_path / "matte.mkv", "--layer", "matte", "--role", 1, "--json")
    assert exported.code == 0, exported
    assert probe(tmp_path / "matte.mkv").frame_count == FRAMES
    again = served("replay", manifest, "--json")
    assert (again.code, again.json["same"]) == (0, True), again
