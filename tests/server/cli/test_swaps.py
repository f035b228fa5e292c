"""Whole swaps from the command line, through a real server with a tiny model."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from tests.support.waiting import PATIENCE_S
from understudy_api.client import Client
from understudy_api.endpoint import read_endpoint
from understudy_api.errors import JobCancelled, ServerAway
from understudy_api.v1 import job_pb2
from understudy_engine.media.read import probe
from understudy_server.cli.asked import Swap
from understudy_server.cli.launch import start_server, stop_server
from understudy_server.cli.specs import find_passes, replace_spec

from .conftest import FRAMES, SLOW, SLOW_PX, Shot, Understudy, called, environment, needs_ctrl_c


def test_replace_delivers_every_frame_and_says_where(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    said = served("replace", shot.clip, shot.character, "-o", out, "--passes", shot.passes)
    assert said.code == 0, said
    assert f"Result: {out}" in said.out
    assert "Lossless master: " in said.out
    assert probe(out).frame_count == FRAMES


def test_replace_needs_no_passes(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    clip = write_movie(tmp_path / "person.mkv", plate_of(studio_clip(ALONE, 3, 64)))
    said = served("replace", clip, shot.character, "-o", tmp_path / "out.mp4")
    assert said.code == 0, said
    assert "Without keypoints and a matte of yours" in said.err
    assert probe(tmp_path / "out.mp4").frame_count == 3


def test_json_tells_the_outputs_with_sizes_and_hashes(served: Understudy, shot: Shot, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    said = served(
        "replace",
        *(shot.clip, shot.character, "-o", out, "--passes", shot.passes, "--range", "2:7", "--json"),
    )
    assert said.code == 0, said
    assert said.err == ""
    outputs = {output["kind"]: output for output in said.json["outputs"]}
    assert outputs["delivery"]["path"] == str(out)
    assert outputs["delivery"]["size_bytes"] == out.stat().st_size
    assert Path(outputs["master"]["path"]).is_file()
    assert said.json["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert probe(out).frame_count == 5


def test_animate_takes_a_skeleton_in_the_place_of_a_clip(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    said = served("animate", shot.character, "-o", out, "--pose", shot.clip)
    assert said.code == 0, said
    assert probe(out).frame_count == FRAMES


def test_a_detached_job_can_be_watched_listed_and_shown(
    served: Understudy, shot: Shot, tmp_path: Path
) -> None:
    swap = ("replace", shot.clip, shot.character, "-o", tmp_path / "out.mp4", "--passes", shot.passes)
    name = served(*swap, "--detach", "--json").json["job"]["name"]
    events = [json.loads(line) for line in served("jobs", "watch", name, "--json").out.splitlines()]
    assert [int(event["sequence"]) for event in events if "sequence" in event] == list(
        range(1, len(events) + 1)
    )
    assert events[-1]["state_changed"]["state"] == "JOB_STATE_SUCCEEDED"
    listed = served("jobs", "list", "--state", "succeeded", "--json").json["jobs"]
    assert name in [job["name"] for job in listed]
    assert "succeeded" in served("jobs", "show", name).out
    assert served("jobs", "cancel", name).out.strip() == f"{name}: succeeded"


@needs_ctrl_c
def test_ctrl_c_cancels_the_job_and_says_so(
    served: Understudy, server_home: Path, shot: Shot, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    swap = ("replace", shot.clip, shot.character, "-o", out, "--passes", shot.passes, *SLOW)
    with called(server_home, *swap) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Waiting" in line or "frames" in line:
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
        process.wait(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Cancelled" in said
    assert not out.exists()
    newest = served("jobs", "list", "--limit", 1, "--json").json["jobs"][0]
    assert newest["state"] == "JOB_STATE_CANCELLED"


def test_a_server_is_started_where_none_runs_and_ended_on_request(
    understudy: Understudy, home: Path, shot: Shot, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    said = understudy("replace", broken, shot.character, "-o", tmp_path / "out.mp4", "--stop-server")
    assert said.code == 2
    assert "starting one" in said.err
    assert "broken.mp4" in said.err
    with pytest.raises(ServerAway):
        read_endpoint(home)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes in its own way")
def test_a_watch_goes_on_over_a_server_that_is_killed_and_started_again(
    home: Path, shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    tiny = ["--engine-factory", "tests.server.cli.tiny_engine:load"]
    start_server(home, [], tiny)
    swap = Swap(
        clip=shot.clip,
        character=shot.character,
        output=tmp_path / "out.mkv",
        passes=find_passes(shot.passes),
        steps=60,
    )
    with Client.connect(folder=home) as client:
        job = client.create_job(replace_spec(client, swap))
        frames = client.frames(job.name)
        sequences, killed = [], False
        for event in client.watch(job.name):
            sequences.append(event.sequence)
            if event.HasField("segment_stored") and not killed:
                killed = True
                os.kill(read_endpoint(home).pid, signal.SIGKILL)
                start_server(home, [], tiny)
        assert killed
        assert sequences == list(range(1, len(sequences) + 1))
        assert client.job(job.name).state == job_pb2.JOB_STATE_SUCCEEDED
        assert [frame.index for frame in frames] == list(range(FRAMES))
        assert [segment.index for segment in client.segments(job.name)] == [0, 1]
        slow = replace(swap, output=tmp_path / "other.mkv", work_area_px=SLOW_PX)
        other = client.create_job(replace_spec(client, slow))
        client.cancel(other.name)
        with pytest.raises(JobCancelled):
            client.wait(other.name)
    stop_server(home)
