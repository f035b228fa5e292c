"""A result lies over its clip, in sync to the frame, and nothing else of the timeline has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import PROFILES, Artist, ResolveStandIn, breaches, snapshot
from tests.plugins.davinci.support.jobs import MADE
from tests.plugins.davinci.support.stage import Stage, choice
from tests.plugins.davinci.support.timeline import names, on_track, shown
from understudy_davinci.errors import Refusal
from understudy_davinci.selection import ticket_of
from understudy_davinci.shot import Mode

Clips = dict[str, Path]
CUT = range(86400, 86424)
SWAPPED = [MADE + number for number in range(10, 34)]


def stage(seat: Seat, clips: Clips, folder: Path, profile: str = "studio-20.3.2", tracks: int = 1) -> Stage:
    """Frames 10 to 34 of "a" on V1 at 86400."""
    artist = seat(profile, video_tracks=tracks)
    artist.places(artist.imports(clips["a"]), CUT.start, frames=(10, 34))
    artist.looks_at(86405)
    return Stage(artist, folder)


def seen(stage: Stage) -> list[int]:
    return shown(stage.artist, CUT.start, CUT.stop)


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "free-21.1"])
def test_frame_k_of_the_result_shows_frame_k_of_the_clip(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str
) -> None:
    made = stage(seat, clips, tmp_path, profile)
    placed = made.chain.run(made.shot(), choice(handles=6))
    assert (placed.track, placed.version) == (2, 1)
    assert seen(made) == SWAPPED
    assert names(made.artist) == ["Video 1", "Understudy"]
    assert breaches(made.standin.log, made.standin.profile) == []


def test_the_handles_stay_in_the_file_beyond_the_cut(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice(handles=6))
    (item,) = on_track(made.artist, 2)
    assert item.media is not None
    assert (item.media.frames, item.source_start, item.source_span) == (36, 6, 24)


def test_the_artists_own_clips_bins_marks_and_page_are_as_before(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.marks(86402, 86420)
    made.artist.goes_to("color")
    before = snapshot(made.standin)
    made.chain.run(made.shot(), choice())
    after = snapshot(made.standin)
    now, then = after["timelines"]["Edit"], before["timelines"]["Edit"]
    assert now["tracks"]["video"][0] == then["tracks"]["video"][0]
    assert {key: now[key] for key in ("playhead", "marks", "markers")} == {
        key: then[key] for key in ("playhead", "marks", "markers")
    }
    assert after["bins"]["clips"] == before["bins"]["clips"]
    for key in ("page", "current bin", "current timeline", "deliver page", "render presets", "render jobs"):
        assert after[key] == before[key]


def test_a_result_has_a_colour_a_marker_and_a_bin_of_its_shot(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice(title="Shot 12"))
    (item,) = on_track(made.artist, 2)
    assert item.colour == "Teal"
    ((_, marker),) = item.markers.items()
    assert '"title":"Shot 12"' in marker["customData"]
    assert [folder.name for folder in made.standin.open.root.walk()] == ["Master", "Understudy", "a"]


def test_the_result_takes_the_clips_place_in_the_frame(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    on_track(made.artist, 1)[0].properties |= {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 20.0, "Opacity": 50.0}
    made.chain.run(made.shot(), choice())
    assert on_track(made.artist, 2)[0].properties == {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 20.0}


def test_what_was_rendered_with_it_does_not_take_it_twice(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    on_track(made.artist, 1)[0].properties |= {"ZoomX": 1.5}
    made.chain.run(made.shot(), choice(graded=True))
    assert on_track(made.artist, 2)[0].properties == {}


def test_an_animated_picture_has_a_frame_of_its_own(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    on_track(made.artist, 1)[0].properties |= {"ZoomX": 1.5}
    placed = made.chain.run(made.shot(), choice(mode=Mode.ANIMATE))
    assert on_track(made.artist, 2)[0].properties == {}
    assert not any("place in the frame" in note for note in placed.notes)


def test_timecode_is_the_clips(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    artist.places(artist.imports(clips["tc"]), CUT.start, frames=(10, 34))
    artist.looks_at(CUT.start)
    Stage(artist, tmp_path).chain.run(Stage(artist, tmp_path).shot(), choice(handles=4))
    media = on_track(artist, 2)[0].media
    assert media is not None
    assert media.properties["Start TC"] == "10:00:00:06"


@pytest.mark.parametrize("managed", [True, False])
def test_a_reel_name_that_does_not_stick_is_told(
    seat: Seat, clips: Clips, tmp_path: Path, managed: bool
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.derives_reel_names = managed
    placed = made.chain.run(made.shot(), choice())
    assert any("reel name" in note for note in placed.notes) == managed


def test_a_managed_project_gets_the_colour_space_of_the_clip(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.open.settings["colorScienceMode"] = "davinciYRGBColorManagedv2"
    source = on_track(made.artist, 1)[0].media
    assert source is not None
    source.properties["Input Color Space"] = "Rec.709 (Scene)"
    made.chain.run(made.shot(), choice())
    media = on_track(made.artist, 2)[0].media
    assert media is not None
    assert media.properties["Input Color Space"] == "Rec.709 (Scene)"


def test_a_transition_on_the_clip_is_told(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.places(made.artist.imports(clips["b"]), CUT.stop)
    assert not any("transition" in note for note in made.chain.run(made.shot(), choice()).notes)
    made.artist.places_title(CUT.stop - 6, frames=12, kind="transition")
    on_track(made.artist, 1).sort(key=lambda item: item.start)
    assert any("transition" in note for note in made.chain.run(made.shot(), choice()).notes)


def test_on_a_films_timeline_few_questions_are_asked(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    """Each is a trip to Resolve and back."""
    made = stage(seat, clips, tmp_path, "studio-21.1", tracks=2)
    media = made.artist.imports(clips["b"])
    for number in range(1, 1000):
        made.artist.places(media, CUT.start + 48 * number)
    made.chain.run(made.shot(), choice(layers=("matte",)))
    assert len(made.standin.log.calls) < 600
    assert seen(made) == SWAPPED


# ---- Tracks --------------------------------------------------------------------------------------------------


def test_a_new_track_comes_right_above_the_clip_and_below_its_titles(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path, tracks=2)
    title = made.artist.places_title(CUT.start + 12, track=2)
    made.chain.run(made.shot(), choice())
    assert names(made.artist) == ["Video 1", "Understudy", "Video 2"]
    assert on_track(made.artist, 3) == [title]


def test_a_free_track_of_ours_is_used_again(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.places(made.artist.imports(clips["b"]), 86500)
    made.chain.run(made.shot(), choice())
    made.artist.looks_at(86500)
    made.chain.run(made.shot(), choice())
    assert names(made.artist) == ["Video 1", "Understudy"]
    assert [item.start for item in on_track(made.artist, 2)] == [86400, 86500]


@pytest.mark.parametrize("why", ["locked", "occupied", "off"])
def test_a_track_that_cannot_take_it_is_left_alone(
    seat: Seat, clips: Clips, tmp_path: Path, why: str
) -> None:
    made = stage(seat, clips, tmp_path, tracks=2)
    track = made.artist.timeline.tracks["video"][1]
    track.name, track.locked, track.enabled = "Understudy", why == "locked", why != "off"
    if why == "occupied":
        made.artist.places_title(86410, track=2)
    placed = made.chain.run(made.shot(), choice())
    ours = [index for index, name in enumerate(names(made.artist), 1) if name == "Understudy"]
    assert len(ours) == 2
    assert placed.track in ours
    assert [item.start for item in on_track(made.artist, placed.track)] == [86400]
    assert seen(made) == SWAPPED


def test_a_track_that_comes_on_top_instead_is_used_there(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path, tracks=2)
    made.artist.places_title(CUT.start + 100, track=2)
    made.standin.faults.answer("Timeline.AddTrack", True)  # answers yes, and does nothing itself
    made.standin.faults.do("Timeline.AddTrack", lambda: made.artist.inserts_track(3))
    assert made.chain.run(made.shot(), choice()).track == 3


def test_layers_lie_above_on_tracks_of_their_own_and_are_off(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice(layers=("character", "matte"), handles=3))
    assert names(made.artist) == ["Video 1", "Understudy", "Understudy character", "Understudy matte"]
    for track in (3, 4):
        (item,) = on_track(made.artist, track)
        assert (item.start, item.duration, item.source_start, item.enabled) == (86400, 24, 3, False)
    assert seen(made) == SWAPPED


# ---- What Resolve says and does not do -----------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["dropped", "ghost", "slid"])
def test_a_place_that_is_taken_meanwhile_is_left_as_it_is(
    seat: Seat, clips: Clips, tmp_path: Path, outcome: str
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.occupied = outcome
    made.standin.faults.do("MediaPool.AppendToTimeline", lambda: made.artist.places_title(86410, track=2))
    before = snapshot(made.standin)["timelines"]["Edit"]
    with pytest.raises(Refusal, match=r"clear the place.*The result is in .*_result\.mov"):
        made.chain.run(made.shot(), choice())
    now = snapshot(made.standin)["timelines"]["Edit"]
    title = on_track(made.artist, 2).pop()
    assert title.kind == "title"
    assert on_track(made.artist, 2) == []
    assert now["tracks"]["video"][0] == before["tracks"]["video"][0]


@pytest.mark.parametrize(
    "symbol", ["MediaPool.AppendToTimeline", "TimelineItem.AddMarker", "Timeline.AddTrack"]
)
def test_a_call_that_does_nothing_leaves_the_timeline_as_before(
    seat: Seat, clips: Clips, tmp_path: Path, symbol: str
) -> None:
    made = stage(seat, clips, tmp_path)
    for nth in range(1, 4):
        made.standin.faults.answer(symbol, True, nth=nth)
    before = snapshot(made.standin)
    with pytest.raises(Refusal, match="The result is in"):
        made.chain.run(made.shot(), choice())
    after = snapshot(made.standin)
    assert after["timelines"] == before["timelines"]
    assert (after["page"], after["current bin"]) == (before["page"], before["current bin"])
    assert len(list(tmp_path.glob("results/*/*_result.mov"))) == 1


def test_an_end_that_counts_otherwise_is_corrected(clips: Clips, tmp_path: Path) -> None:
    profile = replace(PROFILES["studio-20.3.2"], append_end_inclusive=True)
    artist = Artist(ResolveStandIn(profile))
    artist.project()
    artist.new_timeline()
    artist.places(artist.imports(clips["a"]), CUT.start, frames=(10, 34))
    artist.looks_at(CUT.start)
    made = Stage(artist, tmp_path)
    made.chain.run(made.shot(), choice(handles=6))
    assert seen(made) == SWAPPED


def test_another_project_is_told_and_the_result_kept(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    film = made.standin.open
    made.jobs.meanwhile = lambda: made.artist.project("Other")
    with pytest.raises(Refusal, match="belongs to another project than the open one, “Other”"):
        made.chain.run(made.shot(), choice())
    made.standin.open_project(film)
    made.jobs.meanwhile = lambda: None
    again = made.again()
    (ticket,) = again.chain.waiting()
    again.chain.finish(ticket)
    assert seen(made) == SWAPPED


# ---- What the artist does meanwhile --------------------------------------------------------------------------


def meanwhile(made: Stage, act: Any) -> tuple[str, ...]:
    made.jobs.meanwhile = act
    return made.chain.run(made.shot(), choice(handles=6)).notes


def test_a_clip_that_was_moved_is_followed(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    meanwhile(made, lambda: made.artist.moves(on_track(made.artist, 1)[0], 90000))
    assert shown(made.artist, 90000, 90024) == SWAPPED


def test_a_clip_that_was_trimmed_is_covered_as_far_as_it_goes(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)

    def trim() -> None:
        item = on_track(made.artist, 1)[0]
        item.start, item.source_start, item.duration, item.source_span = 86404, 14, 10, 10

    notes = meanwhile(made, trim)
    assert shown(made.artist, 86404, 86414) == SWAPPED[4:14]
    assert any("trimmed meanwhile; the result shows the 10 frames" in note for note in notes)


@pytest.mark.parametrize("trimmed", [False, True])
def test_a_clip_of_another_rate_is_followed_where_it_goes_and_not_where_it_is_trimmed(
    seat: Seat, clips: Clips, tmp_path: Path, trimmed: bool
) -> None:
    artist = seat()
    item = artist.places(artist.imports(clips["ntsc"]), CUT.start)
    artist.looks_at(CUT.start)
    made = Stage(artist, tmp_path)

    def move() -> None:
        item.start, item.duration = 90000, item.duration - 5 * trimmed

    notes = meanwhile(made, move)
    (result,) = on_track(artist, 2)
    assert result.start == (CUT.start if trimmed else 90000)
    assert any("trimmed or retimed meanwhile" in note for note in notes) == trimmed


def test_the_result_of_a_clip_that_is_gone_lies_where_it_was(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    notes = meanwhile(made, lambda: made.artist.deletes(on_track(made.artist, 1)[0]))
    assert seen(made) == SWAPPED
    assert any("is gone" in note for note in notes)


def test_another_open_timeline_stays_open(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    edit = made.artist.timeline
    meanwhile(made, lambda: made.artist.new_timeline("Trailer"))
    assert made.artist.timeline.name == "Trailer"
    made.artist.opens_timeline(edit)
    assert seen(made) == SWAPPED


# ---- Versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["studio-19.1.3", "studio-20.3.2", "studio-21.1"])
def test_a_second_run_is_a_take_of_the_first(seat: Seat, clips: Clips, tmp_path: Path, profile: str) -> None:
    made = stage(seat, clips, tmp_path, profile)
    made.chain.run(made.shot(), choice(handles=6))
    second = made.chain.run(made.shot(), choice(handles=2, seed=1))
    (item,) = on_track(made.artist, 2)
    assert (second.track, second.version, len(item.takes), item.selected_take) == (2, 2, 2, 2)
    assert len(item.markers) == 1
    assert seen(made) == SWAPPED
    third = made.chain.run(made.shot(), choice(seed=2))
    assert (third.version, len(item.takes), item.selected_take) == (3, 3, 3)


def test_a_result_that_is_selected_means_its_clip(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path, "studio-21.0.4")
    made.chain.run(made.shot(), choice())
    made.artist.selects(on_track(made.artist, 2)[0])
    assert made.shot().name == "a.mp4"
    made.artist.selects(on_track(made.artist, 1)[0], on_track(made.artist, 2)[0])
    assert made.shot().name == "a.mp4"
    made.artist.selects(on_track(made.artist, 2)[0])
    made.artist.deletes(on_track(made.artist, 1)[0])
    with pytest.raises(Refusal, match=r"its clip “a\.mp4” is not on this timeline any more"):
        made.chain.select()


@pytest.mark.parametrize(
    ("symbol", "answer"),
    [
        ("TimelineItem.AddTake", False),
        ("TimelineItem.SelectTakeByIndex", False),
        ("TimelineItem.GetSelectedTakeIndex", 1),
    ],
)
def test_where_no_take_can_be_added_the_next_track_takes_it(
    seat: Seat, clips: Clips, tmp_path: Path, symbol: str, answer: object
) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.standin.faults.answer(symbol, answer, nth=2 if answer == 1 else 1)
    placed = made.chain.run(made.shot(), choice())
    assert (placed.track, placed.version) == (3, 2)
    assert on_track(made.artist, 2)[0].takes == []
    assert seen(made) == SWAPPED


def test_takes_whose_end_counts_otherwise_are_whole_too(clips: Clips, tmp_path: Path) -> None:
    """There the frame behind the last does not exist, and a take up to it is refused."""
    profile = replace(PROFILES["studio-20.3.2"], append_end_inclusive=True)
    artist = Artist(ResolveStandIn(profile))
    artist.project()
    artist.new_timeline()
    artist.places(artist.imports(clips["a"]), CUT.start, frames=(10, 34))
    artist.looks_at(CUT.start)
    made = Stage(artist, tmp_path)
    made.chain.run(made.shot(), choice())
    artist.standin.faults.answer("TimelineItem.AddTake", False)
    assert made.chain.run(made.shot(), choice()).track == 2
    assert seen(made) == SWAPPED
    assert on_track(artist, 2)[0].source_span == 24


def test_a_version_of_another_length_lies_above(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice())
    made.artist.marks(86404, 86409)
    placed = made.chain.run(made.shot(), choice())
    assert (placed.track, placed.version) == (3, 2)
    assert [item.duration for item in on_track(made.artist, 3)] == [6]


def test_what_lies_on_the_timeline_tells_its_job(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.run(made.shot(), choice())
    host = made.chain._host
    timeline = host.timeline()
    assert timeline is not None
    ticket = ticket_of(host, host.items(timeline, 2)[0])
    assert ticket is not None
    assert made.jobs.find(ticket.uid)
