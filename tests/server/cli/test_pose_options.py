"""--person, --corrections, --limb and their like from the command line, through a real server with a tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2
from understudy_server.cli.pose_options import ProportionsName, pose_options

from .conftest import SIZE, Shot, Understudy

NOTHING: dict[str, Any] = {
    "person": None,
    "person_at": None,
    "limb": None,
    "steady_faces": False,
    "reference_bgr": False,
}


def asked(**options: Any) -> job_pb2.PoseOptions | None:
    return pose_options(**(NOTHING | options))


def test_nothing_asked_for_is_no_message() -> None:
    assert asked() is None


def test_options_become_the_message_that_they_mean() -> None:
    assert asked(person=["B", "c"]) == job_pb2.PoseOptions(person=job_pb2.PersonChoice(names=["B", "c"]))
    place = job_pb2.PersonAt(frame=12, x=640, y=300.5)
    assert asked(person_at="12,640,300.5") == job_pb2.PoseOptions(person=job_pb2.PersonChoice(at=place))
    assert asked(person_at="0,0,0") is not None
    limbs = job_pb2.LimbFactors(arms=1.1, hands=0.5)
    assert asked(limb=["arms=1.1", "hands=.5"]) == job_pb2.PoseOptions(limbs=limbs)
    rest = asked(proportions=ProportionsName.CHARACTER, steady_faces=True, reference_bgr=True)
    assert rest == job_pb2.PoseOptions(
        proportions=job_pb2.PROPORTIONS_CHARACTER, steady_faces=True, reference_bgr=True
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"person": ["A"], "person_at": "1,2,3"}, "Leave out one of the two"),
        ({"person_at": "12,640"}, "--person-at 12,640 is no place"),
        ({"person_at": "1.5,2,3"}, "is no place"),
        ({"limb": ["arms"]}, "--limb arms is no factor"),
        ({"limb": ["tail=2"]}, "arms, legs, torso, head, hands"),
        ({"limb": ["arms=long"]}, "is no factor"),
        ({"limb": ["arms=1", "arms=2"]}, "once"),
    ],
)
def test_options_of_another_form_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        asked(**options)


def test_a_refused_option_starts_nothing(
    understudy: Understudy, shot: Shot, tmp_path: Path, home: Path
) -> None:
    said = understudy("animate", shot.clip, shot.character, "-o", tmp_path / "a.mp4", "--limb", "tail=2")
    assert said.code == 2
    assert "--limb tail=2 is no factor" in said.err
    assert not home.exists()


def test_a_missing_file_of_corrections_is_named(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    files = (shot.clip, shot.character, "-o", tmp_path / "a.mp4", "--passes", shot.passes)
    said = served("replace", *files, "--corrections", tmp_path / "gone.json")
    assert said.code == 2
    assert "gone.json (corrections)" in said.err


def test_a_swap_with_factors_and_corrections_can_be_replayed(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    corrections = tmp_path / "corrections.json"
    document = {"format": "understudy.pose_corrections", "version": 1}
    items = [{"frame": 3, "point": "left_wrist", "x": 5, "y": 60}]
    size = {"width": SIZE.width, "height": SIZE.height}
    corrections.write_text(json.dumps(document | size | {"corrections": items}))
    said = served(
        "replace",
        *(shot.clip, shot.character, "-o", tmp_path / "out.mkv", "--passes", shot.passes),
        *("--corrections", corrections, "--limb", "arms=1.2", "--steady-faces", "--json"),
    )
    assert said.code == 0, said
    [manifest] = [each["path"] for each in said.json["outputs"] if each["kind"] == "manifest"]
    settings = json.loads(Path(manifest).read_text())["settings"]
    assert settings["limbs"]["arms"] == 1.2
    assert settings["steady_faces"] is True
    again = served("replay", manifest, "--json")
    assert (again.code, again.json["same"]) == (0, True), again
