"""Which clips are meant; what cannot be swapped is refused in one sentence with the next step."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import Artist
from tests.plugins.davinci.support.stage import host_of, refusal_of
from understudy_davinci.frames import Rate, RecordSpan
from understudy_davinci.selection import select
from understudy_davinci.shot import Kind

Clips = dict[str, Path]


def edit(seat: Seat, clips: Clips, profile: str = "studio-21.0.4") -> Artist:
    """Two clips on V1: frames 10 to 34 of "a" at 86400, "b" behind them."""
    artist = seat(profile)
    artist.places(artist.imports(clips["a"]), 86400, frames=(10, 34))
    artist.places(artist.imports(clips["b"]), 86424)
    artist.looks_at(86405)
    return artist


def test_the_clip_under_the_playhead_is_taken(seat: Seat, clips: Clips) -> None:
    (shot,) = select(host_of(edit(seat, clips, "studio-20.3.2")))
    assert (shot.name, shot.kind, shot.track) == ("a.mp4", Kind.FILE, 1)
    assert (shot.cut, shot.part, shot.left_offset) == (RecordSpan(86400, 86424), RecordSpan(86400, 86424), 10)
    assert (shot.rate, shot.media.rate, shot.media.frames) == (Rate(Fraction(24)), Rate(Fraction(24)), 48)
    assert shot.media.file == clips["a"]
    assert not shot.retimed


def test_selected_clips_come_before_the_playhead(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.selects(*artist.timeline.tracks["video"][0].items)
    assert [shot.name for shot in select(host_of(artist))] == ["a.mp4", "b.mp4"]


def test_in_and_out_leave_a_part(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.marks(86404, 86407)
    (shot,) = select(host_of(artist))
    assert (shot.cut, shot.part, shot.frames) == (RecordSpan(86400, 86424), RecordSpan(86404, 86408), 4)


@pytest.mark.parametrize(
    ("speed", "backwards"), [(Fraction(2), False), (Fraction(1, 2), False), (Fraction(-1), True)]
)
@pytest.mark.parametrize("profile", ["studio-20.3.2", "studio-21.1"])
def test_a_retimed_clip_is_known_with_and_without_its_speed(
    seat: Seat, clips: Clips, profile: str, speed: Fraction, backwards: bool
) -> None:
    artist = seat(profile)
    artist.places(artist.imports(clips["a"]), 86400, frames=(10, 34), speed=speed)
    artist.looks_at(86400)
    (shot,) = select(host_of(artist))
    assert shot.retimed
    assert shot.backwards == (backwards and profile == "studio-21.1")


def test_a_source_start_that_is_one_too_far_is_no_retime(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips, "studio-20.3.2")
    artist.timeline.tracks["video"][0].items[0].source_jitter = 1
    (shot,) = select(host_of(artist))
    assert (shot.retimed, shot.left_offset) == (False, 10)


def test_what_changes_the_picture_itself_is_known_where_resolve_tells_it(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    (item, _) = artist.timeline.tracks["video"][0].items
    assert select(host_of(artist))[0].effect == ""
    item.properties["Distortion"] = 0.2
    assert select(host_of(artist))[0].effect == "has a lens correction"
    item.kind = "fusion"
    assert select(host_of(artist))[0].effect == "has a Fusion composition"


@pytest.mark.parametrize(
    ("told", "found"), [("ARRI LogC3", "ARRI LogC3"), ("Project", "Rec.709 Gamma 2.4"), ("", "")]
)
def test_a_clip_may_go_by_the_projects_colour_space(seat: Seat, clips: Clips, told: str, found: str) -> None:
    artist = edit(seat, clips)
    artist.standin.open.settings["colorSpaceInput"] = "Rec.709 Gamma 2.4"
    media = artist.timeline.tracks["video"][0].items[0].media
    assert media is not None
    media.properties["Input Color Space"] = told
    assert select(host_of(artist))[0].media.colour_space == found


# ---- Refusals ------------------------------------------------------------------------------------------------


def test_nothing_selected(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.looks_at(90000)
    assert "Select a clip, or put the playhead on one" in refusal_of(artist)


def test_nothing_under_the_playhead_where_there_is_no_selection(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips, "studio-20.3.2")
    artist.goes_to("media")
    assert "Put the playhead on one on the Edit page" in refusal_of(artist)


def test_sound_alone(seat: Seat, clips: Clips) -> None:
    artist = seat("studio-21.0.4")
    media = artist.imports(clips["sound"])
    artist.selects(artist.adds_sound(media, artist.places(media, 86400)))
    assert "Only sound is selected" in refusal_of(artist)


@pytest.mark.parametrize("kind", ["title", "generator"])
def test_a_title_or_generator(seat: Seat, kind: str) -> None:
    artist = seat("studio-21.0.4")
    artist.places_title(86400, kind=kind)
    artist.looks_at(86400)
    assert "shows nobody" in refusal_of(artist)


def test_a_still_picture(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"], kind="Still"), 86400)
    artist.looks_at(86400)
    assert "still picture" in refusal_of(artist)


def test_offline_media(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    media = artist.imports(clips["a"])
    artist.places(media, 86400)
    artist.looks_at(86400)
    media.path = tmp_path / "moved.mp4"
    told = refusal_of(artist)
    assert "offline" in told
    assert str(tmp_path / "moved.mp4") in told
    assert "Relink" in told


def test_marks_that_leave_no_frame(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.marks(86430, 86440)
    assert "0 frames" in refusal_of(artist)


def test_no_timeline(seat: Seat) -> None:
    artist = seat()
    artist.standin.open.current_timeline = None
    assert "No timeline is open" in refusal_of(artist)


def test_no_project_library(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.standin.detach_database()
    assert "no project library" in refusal_of(artist)


def test_a_resolve_that_is_too_old(seat: Seat, clips: Clips) -> None:
    artist = edit(seat, clips)
    artist.standin.faults.answer("Resolve.GetVersion", [18, 6, 6, 7, ""])
    assert "19.0 or later; this is DaVinci Resolve Studio 18.6.6" in refusal_of(artist)
