"""A result lies over its clip, in sync to the frame, and nothing else of the timeline has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import PROFILES, breaches, snapshot
from tests.plugins.davinci.support.stage import (
    CUT,
    SWAPPED,
    Stage,
    choice,
    one_clip,
    seen,
    where_ends_count_otherwise,
)
from tests.plugins.davinci.support.timeline import names, on_track
from understudy_davinci.errors import Refusal
from understudy_davinci.shot import Mode

Clips = dict[str, Path]


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "free-21.1"])
def test_frame_k_of_the_result_shows_frame_k_of_the_clip(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str
) -> None:
    made = one_clip(seat(profile), clips, tmp_path)
    placed = made.chain.run(made.shot(), choice(handles=6))
    assert (placed.track, placed.version) == (2, 1)
    assert seen(made) == SWAPPED
    assert names(made.artist) == ["Video 1", "Understudy"]
    assert breaches(made.standin.log, made.standin.profile) == []


def test_the_handles_stay_in_the_file_beyond_the_cut(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.chain.run(made.shot(), choice(handles=6))
    (item,) = on_track(made.artist, 2)
    assert item.media is not None
    assert (item.media.frames, item.source_start, item.source_span) == (36, 6, 24)


def test_the_artists_own_clips_bins_marks_and_page_are_as_before(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = one_clip(seat(), clips, tmp_path)
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
    made = one_clip(seat(), clips, tmp_path)
    made.chain.run(made.shot(), choice(title="Shot 12"))
    (item,) = on_track(made.artist, 2)
    assert item.colour == "Teal"
    ((_, marker),) = item.markers.items()
    assert '"title":"Shot 12"' in marker["customData"]
    assert [folder.name for folder in made.standin.open.root.walk()] == ["Master", "Understudy", "a"]


def test_the_result_takes_the_clips_place_in_the_frame(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    on_track(made.artist, 1)[0].properties |= {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 20.0, "Opacity": 50.0}
    made.chain.run(made.shot(), choice())
    assert on_track(made.artist, 2)[0].properties == {"ZoomX": 1.5, "ZoomY": 1.5, "Pan": 20.0}


def test_what_was_rendered_with_it_does_not_take_it_twice(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    on_track(made.artist, 1)[0].properties |= {"ZoomX": 1.5}
    made.chain.run(made.shot(), choice(graded=True))
    assert on_track(made.artist, 2)[0].properties == {}


def test_an_animated_picture_has_a_frame_of_its_own(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
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
    made = one_clip(seat(), clips, tmp_path)
    made.standin.derives_reel_names = managed
    placed = made.chain.run(made.shot(), choice())
    assert any("reel name" in note for note in placed.notes) == managed


def test_a_managed_project_gets_the_colour_space_of_the_clip(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.standin.open.settings["colorScienceMode"] = "davinciYRGBColorManagedv2"
    source = on_track(made.artist, 1)[0].media
    assert source is not None
    source.properties["Input Color Space"] = "Rec.709 (Scene)"
    made.chain.run(made.shot(), choice())
    media = on_track(made.artist, 2)[0].media
    assert media is not None
    assert media.properties["Input Color Space"] == "Rec.709 (Scene)"


def test_a_transition_on_the_clip_is_told(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
    made.artist.places(made.artist.imports(clips["b"]), CUT.stop)
    assert not any("transition" in note for note in made.chain.run(made.shot(), choice()).notes)
    made.artist.places_title(CUT.stop - 6, frames=12, kind="transition")
    on_track(made.artist, 1).sort(key=lambda item: item.start)
    assert any("transition" in note for note in made.chain.run(made.shot(), choice()).notes)


def test_on_a_films_timeline_few_questions_are_asked(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    """Each is a trip to Resolve and back."""
    made = one_clip(seat("studio-21.1", video_tracks=2), clips, tmp_path)
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
    made = one_clip(seat(video_tracks=2), clips, tmp_path)
    title = made.artist.places_title(CUT.start + 12, track=2)
    made.chain.run(made.shot(), choice())
    assert names(made.artist) == ["Video 1", "Understudy", "Video 2"]
    assert on_track(made.artist, 3) == [title]


def test_a_free_track_of_ours_is_used_again(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
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
    made = one_clip(seat(video_tracks=2), clips, tmp_path)
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
    made = one_clip(seat(video_tracks=2), clips, tmp_path)
    made.artist.places_title(CUT.start + 100, track=2)
    made.standin.faults.answer("Timeline.AddTrack", True)  # answers yes, and does nothing itself
    made.standin.faults.do("Timeline.AddTrack", lambda: made.artist.inserts_track(3))
    assert made.chain.run(made.shot(), choice()).track == 3


def test_layers_lie_above_on_tracks_of_their_own_and_are_off(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = one_clip(seat(), clips, tmp_path)
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
    made = one_clip(seat(), clips, tmp_path)
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
    made = one_clip(seat(), clips, tmp_path)
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
    made = where_ends_count_otherwise(clips, tmp_path)
    made.chain.run(made.shot(), choice(handles=6))
    assert seen(made) == SWAPPED


def test_another_project_is_told_and_the_result_kept(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = one_clip(seat(), clips, tmp_path)
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
