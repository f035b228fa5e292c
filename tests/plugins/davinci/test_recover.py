"""A run that is killed at any step: the next one puts Resolve right, and takes up the job that the server has."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import PluginKilled, snapshot
from tests.plugins.davinci.resolve_standin.standin import CHANGES
from tests.plugins.davinci.support.stage import SWAPPED, Stage, choice
from tests.plugins.davinci.support.timeline import names, shown
from understudy_api.errors import DiskFull, JobFailed, ServerAway
from understudy_davinci.errors import Refusal
from understudy_davinci.journal import Journal
from understudy_davinci.shot import Choice, Way

Clips = dict[str, Path]
USUAL = choice(handles=4, layers=("matte",))
RENDERED = choice(source=Way.RENDER, handles=4)
AS_SEEN = choice(graded=True)


def stage(seat: Seat, clips: Clips, folder: Path) -> Stage:
    artist = seat("studio-20.3.2", video_tracks=2)
    artist.places(artist.imports(clips["a"]), 86400, frames=(10, 34))
    artist.places_title(86412, track=2)
    artist.looks_at(86405)
    artist.marks(86390, 86500)
    return Stage(artist, folder)


def changing_calls(seat: Seat, clips: Clips, folder: Path, wanted: Choice) -> list[int]:
    """Which calls of a whole run change something, counted from 1."""
    made = stage(seat, clips, folder)
    made.chain.run(made.shot(), wanted)
    symbols = made.standin.log.symbols()
    return [
        number for number, symbol in enumerate(symbols, 1) if symbol.partition(".")[2].startswith(CHANGES)
    ]


def as_it_was(made: Stage) -> dict[str, Any]:
    """All that is the artist's. Ours may stay in the media pool."""
    found = snapshot(made.standin)
    found["bins"]["bins"] = []
    return found


@pytest.mark.parametrize(("wanted", "after"), [(USUAL, True), (AS_SEEN, False)], ids=["layers", "as seen"])
def test_killed_at_calls_that_change_something_the_next_run_makes_it_good(
    seat: Seat, clips: Clips, tmp_path: Path, wanted: Choice, after: bool
) -> None:
    """Every third of them; test_killed.py goes through all of a plain swap."""
    calls = changing_calls(seat, clips, tmp_path / "whole", wanted)
    assert len(calls) > 10
    for number in calls[::3]:
        made = stage(seat, clips, tmp_path / f"run{number}")
        before = as_it_was(made)
        made.standin.faults.kill("*", nth=number, after=after)
        with pytest.raises(PluginKilled):
            made.chain.run(made.shot(), wanted)
        made.standin.faults.clear()
        next_run_makes_it_good(made.again(), before, wanted)


def next_run_makes_it_good(made: Stage, before: dict[str, Any], wanted: Choice) -> None:
    made.chain.clean()
    waiting = made.chain.waiting()
    if not waiting and "Understudy" not in names(made.artist):
        assert as_it_was(made) == before
        made.chain.run(made.shot(), wanted)
    for ticket in waiting:
        made.chain.finish(ticket)
    assert shown(made.artist, 86400, 86424) == SWAPPED[:12] + shown(made.artist, 86412, 86424)
    layers = [f"Understudy {layer}" for layer in wanted.layers]
    assert names(made.artist) == ["Video 1", "Understudy", *layers, "Video 2"]
    assert [len(track.items) for track in made.artist.timeline.tracks["video"]] == [1] * (3 + len(layers))
    after = as_it_was(made)
    timeline = after["timelines"]["Edit"]
    assert list(after["timelines"]) == ["Edit"]
    assert timeline["markers"] == {}
    assert timeline["tracks"]["video"][0] == before["timelines"]["Edit"]["tracks"]["video"][0]
    for key in (
        "current timeline",
        "current bin",
        "deliver page",
        "format and codec",
        "render presets",
        "render jobs",
    ):
        assert after[key] == before[key], key
    assert not list((made.folder / "journal").glob("*"))


def test_the_server_goes_away_and_the_next_run_takes_the_job_up(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    ticket = made.chain.submit(made.shot(), USUAL)
    made.jobs.error = ServerAway("The server does not answer.")
    with pytest.raises(ServerAway):
        made.chain.finish(ticket)
    made.jobs.error = None
    again = made.again()
    assert again.chain.waiting() == [ticket]
    again.chain.finish(ticket)
    assert shown(made.artist, 86400, 86412) == SWAPPED[:12]


def test_a_job_that_runs_is_marked_on_the_timeline(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.timeline.markers[0.0] = {
        "color": "Red",
        "duration": 1.0,
        "note": "",
        "name": "mine",
        "customData": "",
    }
    made.chain.submit(made.shot(), USUAL)
    assert list(made.artist.timeline.markers) == [0.0, 1.0]  # a frame holds one marker


def test_a_marker_alone_finds_the_job(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    ticket = made.chain.submit(made.shot(), USUAL)
    for path in (tmp_path / "journal").iterdir():
        path.unlink()
    again = made.again()
    assert again.chain.waiting() == [ticket]
    again.chain.finish(ticket)
    assert made.artist.timeline.markers == {}
    assert shown(made.artist, 86400, 86412) == SWAPPED[:12]


def test_a_job_that_the_server_does_not_know_is_forgotten(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    before = snapshot(made.standin)
    made.chain.submit(made.shot(), USUAL)
    made.jobs.orders.clear()
    assert made.again().chain.waiting() == []
    assert snapshot(made.standin) == before


def test_a_job_that_fails_leaves_the_timeline_as_before(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    before = snapshot(made.standin)
    ticket = made.chain.submit(made.shot(), USUAL)
    made.jobs.error = JobFailed("Nobody was found in any of the 24 frames.")
    with pytest.raises(JobFailed):
        made.chain.finish(ticket)
    assert snapshot(made.standin) == before
    assert made.again().chain.waiting() == []


def test_what_the_server_refuses_leaves_nothing(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    before = snapshot(made.standin)
    made.jobs.error = JobFailed("No.")
    with pytest.raises(JobFailed):
        made.chain.submit(made.shot(), USUAL)
    assert snapshot(made.standin) == before
    assert not list((tmp_path / "journal").glob("*"))


def test_a_result_that_could_not_be_placed_is_offered_again(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    before = as_it_was(made)
    made.standin.faults.answer("Timeline.AddTrack", False)
    with pytest.raises(Refusal, match="The result is in"):
        made.chain.run(made.shot(), USUAL)
    assert as_it_was(made) == before
    again = made.again()
    (ticket,) = again.chain.waiting()
    again.chain.finish(ticket)
    assert shown(made.artist, 86400, 86412) == SWAPPED[:12]


def test_a_result_whose_files_cannot_be_written_is_offered_again(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.jobs.delivery_error = DiskFull("The disk is full.")
    with pytest.raises(DiskFull):
        made.chain.run(made.shot(), USUAL)
    made.jobs.delivery_error = None
    again = made.again()
    (ticket,) = again.chain.waiting()
    again.chain.finish(ticket)
    assert shown(made.artist, 86400, 86412) == SWAPPED[:12]


def test_a_waiting_result_can_be_given_up(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    before = snapshot(made.standin)
    made.chain.submit(made.shot(), USUAL)
    again = made.again()
    (ticket,) = again.chain.waiting()
    again.chain.forget(ticket)
    assert snapshot(made.standin) == before
    assert again.chain.waiting() == []


def test_what_the_artist_did_after_a_kill_is_not_undone(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.faults.kill("Project.StartRendering", after=True)
    with pytest.raises(PluginKilled):
        made.chain.footage(made.shot(), RENDERED)
    made.standin.faults.clear()
    edit = next(each for each in made.standin.open.timelines if each.name == "Edit")
    made.artist.opens_timeline(edit)
    made.artist.goes_to("color")
    made.artist.looks_at(86410)
    made.standin.open.current_folder = made.standin.open.root
    said = made.again().chain.clean()
    assert any("interrupted render" in each for each in said)
    assert (made.standin.page, edit.playhead) == ("color", 86410)
    assert [each.name for each in made.standin.open.timelines] == ["Edit"]
    assert made.standin.queue.jobs == []


@pytest.mark.parametrize("after", [False, True])
def test_what_the_artist_renders_after_a_kill_is_not_stopped(
    seat: Seat, clips: Clips, tmp_path: Path, after: bool
) -> None:
    made = stage(seat, clips, tmp_path / "ours")
    made.standin.faults.kill("Project.StartRendering", after=after)
    with pytest.raises(PluginKilled):
        made.chain.footage(made.shot(), RENDERED)
    made.standin.faults.clear()
    queue = made.standin.queue
    queue.stop()
    (tmp_path / "theirs").mkdir()
    theirs = made.artist.queues_render(tmp_path / "theirs")
    queue.start([theirs])
    made.again().chain.clean()
    assert [job.id for job in queue.running] == [theirs]
    assert [job.id for job in queue.jobs] == [theirs]


def test_a_run_of_another_process_is_left_alone(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.submit(made.shot(), USUAL)
    (path,) = (tmp_path / "journal").iterdir()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["pid"] = os.getppid()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert made.again().chain.waiting() == []


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    journal = Journal.begin(tmp_path, "u", "p")
    journal.note("render", name="n")
    with journal.path.open("a") as file:
        file.write('{"step": "render_j')
    found = Journal.read(journal.path)
    assert (found.uid, found.project, found.last("render")) == ("u", "p", {"step": "render", "name": "n"})
