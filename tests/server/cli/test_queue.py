"""jobs, takes, media and estimates on the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.support.waiting import PATIENCE_S
from understudy_api.v1 import job_pb2
from understudy_server.cli import estimates

from .conftest import FRAMES, SLOW, Shot, Understudy, called, needs_ctrl_c, write_png


@pytest.fixture
def swap(shot: Shot, tmp_path: Path) -> tuple[object, ...]:
    return ("replace", shot.clip, shot.character, "-o", tmp_path / "out.mkv", "--passes", shot.passes)


def test_an_estimate_tells_and_makes_nothing(served: Understudy, swap, tmp_path: Path) -> None:
    before = served("jobs", "list", "--json").json
    estimate = served(*swap, "--estimate", "--json").json["estimate"]
    assert int(estimate["plan"]["range"]["end"]) == FRAMES
    assert int(estimate["disk_needed_bytes"]) > 0
    assert served("jobs", "list", "--json").json == before
    assert list(tmp_path.iterdir()) == []
    told = served(*swap, "--estimate").out
    assert "Memory: about" in told
    assert "Time: " in told


def test_a_job_says_in_one_line_what_it_will_take(served: Understudy, swap) -> None:
    said = served(*swap)
    assert said.code == 0
    [line] = [line for line in said.err.splitlines() if line.startswith("Estimated ")]
    assert "of memory" in line
    assert "of disk" in line


def test_what_the_job_would_refuse_is_refused_before_it_is_handed_in(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    black = tmp_path / "black.png"
    write_png(black, np.zeros((64, 64), np.uint8))
    arguments = ("-o", tmp_path / "x.mkv", "--matte", black, "--estimate", "--json")
    said = served("replace", shot.clip, shot.character, *arguments)
    assert said.code == 2
    assert said.json["error"]["reason"] == "MATTE_EMPTY"


def test_an_estimate_without_passes_says_that_they_will_be_found(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    said = served("replace", shot.clip, shot.character, "-o", tmp_path / "x.mkv", "--estimate", "--json")
    assert said.code == 0
    assert "Without keypoints and a matte of yours" in " ".join(said.json["estimate"]["warnings"])


def test_jobs_are_labelled_steered_tried_again_and_deleted(served: Understudy, swap) -> None:
    handed_in = (*swap, *SLOW, "--detach", "--json", "--priority", "-5", "--label", "shot=a", "--keep", "all")
    job = served(*handed_in).json["job"]
    name = job["name"]
    assert (job["priority"], job["labels"], job["keep"]) == (-5, {"shot": "a"}, "KEEP_POLICY_ALL")
    assert served("jobs", "pause", name).code == 0
    assert served("jobs", "priority", name, "-7", "--json").json["job"]["priority"] == -7
    assert served("jobs", "label", name, "shot=b", "x=y", "--json").json["job"]["labels"] == {
        "shot": "b",
        "x": "y",
    }
    listed = served("jobs", "list", "--label", "shot=b", "--json").json["jobs"]
    assert [each["name"] for each in listed] == [name]
    assert "shot=b x=y" in served("jobs", "list").out
    assert "priority -7" in served("jobs", "show", name).out
    refused = served("jobs", "delete", name, "--json")
    assert (refused.code, refused.json["error"]["reason"]) == (2, "JOB_NOT_TERMINAL")
    assert served("jobs", "resume", name).code == 0
    served("jobs", "cancel", name)
    assert served("jobs", "watch", name).code == 1
    assert served("jobs", "retry", name).code == 0
    served("jobs", "cancel", name)
    served("jobs", "watch", name)
    assert served("jobs", "delete", name).out.strip() == f"{name}: deleted"
    assert served("jobs", "show", name, "--json").json["error"]["reason"] == "JOB_NOT_FOUND"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--label", "alone"), "shot=12"),
        (("--priority", "101"), "--priority"),
        (("--keep", "nothing"), "nothing"),
    ],
)
def test_a_wrong_place_in_the_queue_is_refused_by_name(served: Understudy, swap, arguments, words) -> None:
    said = served(*swap, *arguments)
    assert said.code == 2
    assert words in said.err


@needs_ctrl_c
def test_all_jobs_are_watched_as_lines_of_json(served: Understudy, server_home: Path, swap) -> None:
    watch = ("jobs", "list", "--watch", "--json", "--label", "w=1")
    with called(server_home, *watch) as process:
        assert process.stdout is not None
        name = served(*swap, *SLOW, "--detach", "--json", "--label", "w=1").json["job"]["name"]
        told = (json.loads(line)["job"] for line in process.stdout)
        assert next(told)["name"] == name
        served("jobs", "cancel", name)
        assert next(job for job in told if job["state"] == "JOB_STATE_CANCELLED")["name"] == name
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130


def test_takes_are_listed_compared_promoted_and_made_again_in_part(
    served: Understudy, swap, tmp_path: Path
) -> None:
    first = served(*swap, "--seed", "21", "--json").json["job"]["name"]
    second_file = tmp_path / "second.mkv"
    retake = ("takes", "retake", first, "4:7", "--seed", "22", "--blend", "0", "-o", second_file)
    assert "in 1 segment" in served(*retake, "--estimate").out
    second = served(*retake, "--json").json["job"]["name"]
    assert second_file.exists()
    frames = served("takes", "compare", first, second, "--json").json["frames"]
    same = [int(frame.get("frame", 0)) for frame in frames if frame.get("identical")]
    assert same == [0, 1, 2, 3, 7, 8, 9, 10, 11]
    assert "frames 4 to 6: differ" in served("takes", "compare", first, second).out
    assert "the chosen one" in served("takes", "promote", second).out
    shots = served("takes", "list", "--json").json["shots"]
    [takes] = [shot["takes"] for shot in shots if second in [take["name"] for take in shot["takes"]]]
    assert [take["name"] for take in takes if take.get("promoted")] == [second]
    assert "chosen" in served("takes", "list").out
    assert served("takes", "retake", first, "7:4").code == 2


def test_files_are_sent_listed_shown_and_forgotten(served: Understudy, shot: Shot) -> None:
    [asset] = served("media", "upload", shot.clip, "--json").json["media"]
    assert asset["sha256"]
    assert asset["name"] in served("media", "list").out
    assert asset["name"] in [each["name"] for each in served("media", "list", "--json").json["media"]]
    shown = served("media", "show", asset["name"]).out
    assert f"64x64, {FRAMES} frames, 24 fps" in shown
    assert served("media", "delete", asset["name"]).code == 0
    assert served("media", "show", asset["name"], "--json").json["error"]["reason"] == "MEDIA_NOT_FOUND"


def test_a_time_that_rests_on_no_job_says_so() -> None:
    estimate = job_pb2.EstimateJobResponse(seconds_low=60, seconds_high=180)
    assert "Estimated 60 s to 3 min (by this card's rates: no job has run yet)" in estimates.line(estimate)
    estimate.jobs_learned_from = 1
    assert "Estimated 60 s to 3 min, " in estimates.line(estimate)
    assert "time unknown until a first job has run" in estimates.line(job_pb2.EstimateJobResponse())
