"""What cannot work is refused in one sentence, with an exit code, and without a traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from .conftest import FRAMES, Said, Shot, Understudy, write_movie


def assert_refused(said: Said, code: int, *words: str) -> None:
    assert said.code == code, said
    assert said.out == ""
    sentence = said.err.strip().splitlines()[-1]
    assert "Traceback" not in said.err
    for word in words:
        assert word in sentence


def test_without_a_server_jobs_say_how_to_start_one(understudy: Understudy) -> None:
    assert_refused(understudy("jobs", "list"), 3, "No Understudy server is running", "understudy serve")


def test_with_json_a_refusal_is_one_object_on_standard_output(understudy: Understudy) -> None:
    said = understudy("jobs", "list", "--json")
    assert said.code == 3
    assert said.err == ""
    assert said.json["error"]["reason"] == "SERVER_NOT_RUNNING"


def test_a_missing_clip_is_named_before_a_server_is_started(
    understudy: Understudy, shot: Shot, tmp_path: Path, home: Path
) -> None:
    said = understudy("replace", tmp_path / "gone.mov", shot.character, "-o", tmp_path / "out.mp4")
    assert_refused(said, 2, "gone.mov", "Check the path")
    assert not home.exists()


@pytest.mark.parametrize(
    ("output", "more", "words"),
    [
        ("out.xyz", (), ".xyz"),
        ("no/folder/out.mp4", (), "no folder"),
        ("out.mp4", ("--range", "10-20"), "10:50"),
        ("out.mp4", ("--passes", "/no/such/folder"), "/no/such/folder"),
    ],
)
def test_options_that_cannot_work_start_nothing(
    understudy: Understudy,
    shot: Shot,
    tmp_path: Path,
    home: Path,
    output: str,
    more: tuple[str, ...],
    words: str,
) -> None:
    said = understudy("replace", shot.clip, shot.character, "-o", tmp_path / output, *more)
    assert_refused(said, 2, words)
    assert not home.exists()


def test_a_result_that_is_there_is_not_replaced_unasked(
    understudy: Understudy, shot: Shot, tmp_path: Path
) -> None:
    there = tmp_path / "out.mp4"
    there.write_text("precious")
    assert_refused(understudy("replace", shot.clip, shot.character, "-o", there), 2, "--overwrite")
    assert there.read_text() == "precious"


def test_a_forgotten_output_is_bad_usage(understudy: Understudy, shot: Shot) -> None:
    said = understudy("replace", shot.clip, shot.character)
    assert said.code == 2
    assert "--output" in said.err


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"no film at all", "is no "), (None, "damaged or cut short")],
    ids=["empty", "text", "cut short"],
)
def test_a_clip_that_is_none_is_refused(
    served: Understudy, shot: Shot, tmp_path: Path, content: bytes | None, words: str
) -> None:
    clip = tmp_path / "broken.mp4"
    clip.write_bytes(shot.clip.read_bytes()[:2000] if content is None else content)
    said = served("replace", clip, shot.character, "-o", tmp_path / "out.mp4", "--passes", shot.passes)
    assert_refused(said, 2, "broken.mp4", words)
    assert not (tmp_path / "out.mp4").exists()


def test_a_character_that_is_no_picture_is_refused(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    said = served("replace", shot.clip, shot.clip, "-o", tmp_path / "out.mp4", "--passes", shot.passes)
    assert_refused(said, 2, "clip.mp4")


def test_a_file_outside_the_shared_folders_is_refused_with_the_way_out(
    served: Understudy, shot: Shot
) -> None:
    said = served("replace", shot.clip, shot.character, "-o", "/usr/out.mp4", "--passes", shot.passes)
    assert_refused(said, 2, "shared folders", "--root /usr")


def test_a_value_out_of_range_is_refused_with_the_limit(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    arguments = ("replace", shot.clip, shot.character, "-o", tmp_path / "out.mp4", "--passes", shot.passes)
    assert_refused(served(*arguments, "--steps", 900), 2, "900", "100")


def test_frames_that_the_clip_does_not_have_are_refused(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    arguments = ("replace", shot.clip, shot.character, "-o", tmp_path / "out.mp4", "--passes", shot.passes)
    assert_refused(served(*arguments, "--range", "10:50"), 2, "0 to 11")


def test_a_clip_without_anybody_is_told_with_the_next_step(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    write_movie(tmp_path / "dark.mp4", np.zeros((FRAMES, 64, 64, 3), np.uint8))
    said = served("replace", tmp_path / "dark.mp4", shot.character, "-o", tmp_path / "out.mp4", "--json")
    assert said.code == 1
    assert said.json["error"]["reason"] == "PASS_MISSING"
    assert "Nobody was found in any of the 12 frames" in said.json["error"]["message"]
    assert "supply" in said.json["error"]["message"]


def test_an_unknown_job_is_refused(served: Understudy) -> None:
    assert_refused(served("jobs", "show", "0123456789abcdef0123"), 2, "0123456789abcdef0123")


def test_a_port_in_use_is_told(understudy: Understudy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_refused(understudy("serve", "--port", port), 2, str(port), "taken")


def test_a_second_server_with_the_same_data_is_refused(served: Understudy) -> None:
    assert_refused(served("serve"), 2, "running already")


def test_a_root_that_is_no_folder_is_refused(understudy: Understudy) -> None:
    assert_refused(understudy("serve", "--root", "/no/such/folder"), 2, "/no/such/folder")
