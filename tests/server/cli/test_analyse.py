"""understudy analyse, without a server: what it writes, what it says, what it refuses; analyses of a server's."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from tests.support.people import ALONE, TWO, empty_plate_of, plate_of, studio_clip
from tests.support.people import write_movie as write_lossless
from understudy_api.client import Client
from understudy_server.cli.specs import find_passes

from .conftest import Shot, Understudy, call_here


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn people."""
    return write_lossless(tmp_path_factory.mktemp("plate") / "plate.mkv", plate_of(studio_clip(TWO, 5, 128)))


@pytest.fixture
def here(home: Path) -> Understudy:
    """Calls the command in this process, with a data folder of the test's own."""
    return lambda *arguments: call_here(home, *arguments)


def test_an_analysis_is_a_folder_that_a_swap_takes_and_the_next_one_reuses_what_it_can(
    understudy: Understudy, here: Understudy, home: Path, plate: Path, tmp_path: Path
) -> None:
    said = understudy("analyse", plate, "-o", tmp_path / "a")
    assert said.code == 0, said
    assert "People: A (chosen) in 5 frames, 0 to 4; B in 5 frames, 0 to 4" in said.out
    assert f"Passes: keypoints.json, face_boxes.json, matte.mkv in {tmp_path / 'a'}" in said.out
    assert f"Contact sheet: {tmp_path / 'a' / 'contact_sheet.png'}" in said.out
    assert "small nets find the person" in said.err
    assert set(find_passes(tmp_path / "a")) == {"keypoints", "face_boxes", "matte"}
    assert [path.name for path in home.iterdir()] == ["passes"]  # no server was started
    again = here("analyse", plate, "--out", tmp_path / "b", "--person", "b", "--json").json
    assert again["chosen"] == ["B"]
    assert again["reused"] == {"people": True, "points": False, "matte": False, "motion": False}
    assert all(Path(file).is_file() for file in (*again["passes"].values(), again["contact_sheet"]))
    assert json.loads((tmp_path / "b" / "people.json").read_text()).items() <= again.items()


def test_a_swap_takes_the_folder_and_looks_for_nobody(
    served: Understudy, shot: Shot, plate: Path, tmp_path: Path
) -> None:
    assert served("analyse", plate, "-o", tmp_path / "passes").code == 0
    out = tmp_path / "swapped.mkv"
    said = served("replace", plate, shot.character, "-o", out, "--passes", tmp_path / "passes", "--json")
    assert (said.code, out.exists()) == (0, True), said
    [manifest] = [Path(one["path"]) for one in said.json["outputs"] if one["kind"] == "manifest"]
    settings = json.loads(manifest.read_text())["settings"]
    assert settings["seed"] == 0
    assert "found" not in settings


def test_edges_and_the_followed_skeleton_are_movies_to_look_at(
    here: Understudy, plate: Path, tmp_path: Path
) -> None:
    hero = plate_of(studio_clip(ALONE, 1, 128))[0]
    cv2.imwrite(str(tmp_path / "hero.png"), hero[..., ::-1])
    first = here("analyse", plate, "-o", tmp_path / "a", "--range", ":2", "--limb", "arms=2", "--json").json
    moved = ("--character", tmp_path / "hero.png", "--proportions", "character", "--grow-hair", 30)
    second = here("analyse", plate, "-o", tmp_path / "b", "--range", ":2", *moved, "--json").json
    names = ["skeleton.mp4", "matte_view.mp4", "edge_band.mp4", "overlay.mp4"]
    for told in (first, second):
        assert [Path(file).name for file in told["movies"]] == names
        assert all(Path(file).is_file() for file in told["movies"])
    for name in ("edge_band.mp4", "overlay.mp4"):
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "b" / name).read_bytes()
    assert second["reused"] == {"people": True, "points": True, "matte": True, "motion": True}


def test_an_analysis_that_is_there_stays_unless_it_is_to_be_replaced(
    here: Understudy, plate: Path, tmp_path: Path
) -> None:
    first = ("analyse", plate, "-o", tmp_path / "a", "--range", ":1", "--no-matte")
    said = here(*first)
    assert (said.code, "People: A (chosen) in frame 0; B in frame 0" in said.out) == (0, True), said
    refused = here(*first)
    assert refused.code == 2
    assert "people.json is there already. Choose another folder, or give --overwrite." in refused.err
    again = here(*first, "--overwrite")
    assert again.code == 0
    assert "Reused: people, points, motion (found earlier)" in again.out


@pytest.mark.parametrize(
    ("options", "reason", "words"),
    [
        (["--range", "3:3"], "FRAME_RANGE_OUTSIDE", "Frames 3 to 3 (end not included)"),
        (["--range", "three"], "INVALID_FIELD", "--range three is no range"),
        (["--range", "2:9"], "FRAME_RANGE_OUTSIDE", "the clip has 5"),
        (
            ["--person", "Q", "--range", ":1"],
            "PASS_MISSING",
            "Nobody in the clip is named Q; found were: A, B.",
        ),
        (["--person", "A", "--person-at", "0,1,1"], "INVALID_FIELD", "both say who is meant"),
        (["--corrections", "nowhere.json"], "MEDIA_NOT_FOUND", "nowhere.json"),
        (["--grow", "257"], "INVALID_FIELD", "grow_px is 257"),
        (["--limb", "arms=5"], "INVALID_FIELD", "arms is 5.0"),
        (["--no-matte", "--grow-hair", "3"], "INVALID_FIELD", "Without a matte nothing grows"),
        (["--proportions", "character"], "INVALID_FIELD", "--character PICTURE --proportions character"),
        (["--character", "hero.png"], "INVALID_FIELD", "--character PICTURE --proportions character"),
        (
            ["--character", "none.png", "--proportions", "character"],
            "MEDIA_NOT_FOUND",
            "There is no file none.png",
        ),
    ],
)
def test_what_cannot_be_analysed_is_one_sentence_and_leaves_no_folder(
    here: Understudy, plate: Path, tmp_path: Path, options: list[str], reason: str, words: str
) -> None:
    said = here("analyse", plate, "-o", tmp_path / "out", "--json", *options)
    assert said.code == 2, said
    assert (said.json["error"]["reason"], words in said.json["error"]["message"]) == (reason, True), said.out
    assert not (tmp_path / "out").exists()


def test_files_that_show_nobody_or_are_no_clips_are_told(here: Understudy, tmp_path: Path) -> None:
    empty = write_lossless(tmp_path / "empty.mkv", empty_plate_of(studio_clip(ALONE, 2, 128)))
    (tmp_path / "words.txt").write_text("no clip")
    for clip, words in (
        (empty, "Nobody was found in any of the 2 frames"),
        (tmp_path / "words.txt", "words.txt is no MOV, MP4, MKV"),
        (tmp_path / "none.mov", "There is no file"),
    ):
        said = here("analyse", clip, "-o", tmp_path / "out")
        assert (said.code, words in said.err) == (2, True), said
    said = here("analyse", empty, "-o", tmp_path / "words.txt")
    assert (said.code, "words.txt is a file" in said.err) == (2, True)


# ---- Those of plugins


@pytest.fixture(scope="module")
def made(server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An analysis with a corrected nose."""
    clip = write_lossless(
        tmp_path_factory.mktemp("alone") / "plate.mkv", plate_of(studio_clip(ALONE, 6, 64))[:2]
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
