"""The stand-in's timelines: frame spaces, tracks, markers, playhead, items, takes (B5 to B9, B13 to B15, B20)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import PROFILES, Artist, ResolveStandIn
from tests.plugins.davinci.resolve_standin.markers import CLIP_COLOURS, MARKER_COLOURS
from tests.plugins.davinci.resolve_standin.timecode import frame_of, timecode_of

Clips = dict[str, Path]
DAY = {"24": 2073600, "29.97 DF": 2589408, "59.94 DF": 5178816, "25": 2160000, "23.976": 2073600}
"""Frames of 24 hours of timecode; drop frame leaves 2 (4) numbers out each minute but every tenth."""


def project(artist: Artist) -> Any:
    return artist.standin.resolve.GetProjectManager().GetCurrentProject()


def timeline(artist: Artist) -> Any:
    return project(artist).GetCurrentTimeline()


def first_item(artist: Artist, track: int = 1) -> Any:
    return timeline(artist).GetItemListInTrack("video", track)[0]


def test_b05_tracks_and_timelines_count_from_one(seat: Seat) -> None:
    current = timeline(seat())
    assert current.GetTrackName("video", 1) == "Video 1"
    assert current.GetTrackName("video", 0) is None
    assert current.GetTrackName("video", 2) is None
    assert current.GetItemListInTrack("video", 2) == []
    assert current.SetTrackName("video", 2, "Above") is False
    assert current.GetTrackCount("pictures") == 0


def test_b05_timelines_count_from_one(seat: Seat) -> None:
    opened = project(seat())
    assert opened.GetTimelineByIndex(1).GetName() == "Edit"
    assert [opened.GetTimelineByIndex(0), opened.GetTimelineByIndex(2)] == [None, None]


def test_b06_items_are_absolute_and_end_excluded_but_marks_and_markers_relative(
    seat: Seat, clips: Clips
) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), 86424)
    item = first_item(artist)
    assert [timeline(artist).GetStartFrame(), item.GetStart(), item.GetDuration(), item.GetEnd()] == [
        86400,
        86424,
        48,
        86472,
    ]
    artist.marks(86424, 86471)
    assert timeline(artist).GetMarkInOut()["video"] == {"in": 24, "out": 71}
    assert timeline(artist).AddMarker(24, "Cyan", "here", "", 1, "ours") is True
    assert list(timeline(artist).GetMarkers()) == [24.0]


@pytest.mark.parametrize(
    ("rate", "start"), [("24", 86400), ("25", 90000), ("29.97 DF", 107892), ("59.94 DF", 215784)]
)
def test_b06_one_hour_is_the_first_frame(seat: Seat, rate: str, start: int) -> None:
    assert timeline(seat(rate=rate)).GetStartFrame() == start


@given(st.sampled_from(sorted(DAY)), st.integers(0, 2_000_000))
def test_b06_timecode_and_frames_are_one_to_one(rate: str, frame: int) -> None:
    assert frame_of(timecode_of(frame, rate), rate) == frame


@pytest.mark.parametrize("rate", DAY)
def test_b06_a_day_of_timecode_has_its_frames(rate: str) -> None:
    assert timecode_of(DAY[rate], rate).startswith("24:00:00")


def test_b07_the_frame_rate_is_a_number_and_other_settings_text(seat: Seat) -> None:
    current = timeline(seat(rate="23.976"))
    assert current.GetSetting("timelineFrameRate") == 23.976
    assert timeline(seat(rate="29.97 DF")).GetSetting("timelineFrameRate") == "29.97 DF"
    assert current.GetSetting("timelineResolutionWidth") == "64"
    assert current.GetSetting("noSuchSetting") == ""
    assert current.GetSetting("")["timelineFrameRate"] == 23.976


def test_b07_a_timeline_takes_settings_of_its_own_only_after_it_was_told_to(seat: Seat) -> None:
    current = timeline(seat())
    assert current.SetSetting("timelineResolutionWidth", "128") is False
    assert current.SetSetting("useCustomSettings", "1") is True
    assert current.SetSetting("timelineResolutionWidth", "128") is True
    assert current.SetSetting("timelineFrameRate", "fast") is False


def test_b07_a_rate_is_fixed_by_the_first_timeline_and_the_first_clip(seat: Seat, clips: Clips) -> None:
    artist = seat()
    assert project(artist).SetSetting("timelineFrameRate", "25") is False
    current = timeline(artist)
    current.SetSetting("useCustomSettings", "1")
    assert current.SetSetting("timelineFrameRate", "25") is True
    artist.places(artist.imports(clips["a"]))
    assert current.SetSetting("timelineFrameRate", "24") is False


def test_b08_marker_keys_are_floats_one_a_frame_with_custom_data(seat: Seat) -> None:
    current = timeline(seat())
    assert current.AddMarker(7, "Mint", "first", "note", 2) is True
    assert current.AddMarker(7, "Mint", "second", "", 1) is False
    marker = {"color": "Mint", "duration": 2.0, "note": "note", "name": "first", "customData": ""}
    assert current.GetMarkers() == {7.0: marker}
    assert current.UpdateMarkerCustomData(7, "ours") is True
    assert current.GetMarkerByCustomData("ours")["name"] == "first"
    assert current.GetMarkerByCustomData("theirs") == {}
    assert current.DeleteMarkerByCustomData("ours") is True
    assert current.GetMarkers() == {}


def test_b08_clips_and_markers_share_five_colours(seat: Seat, clips: Clips) -> None:
    assert sorted(CLIP_COLOURS & MARKER_COLOURS) == ["Blue", "Green", "Pink", "Purple", "Yellow"]
    assert len(CLIP_COLOURS) == len(MARKER_COLOURS) == 16
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    assert first_item(artist).SetClipColor("Rose") is False
    assert first_item(artist).SetClipColor("Teal") is True
    assert first_item(artist).AddMarker(0, "Teal", "", "", 1) is False


def test_b08_a_colour_does_not_stick_to_a_generator_that_said_yes(seat: Seat) -> None:
    artist = seat()
    artist.places_title(kind="generator")
    assert first_item(artist).SetClipColor("Teal") is True
    assert first_item(artist).GetClipColor() == ""


def test_b09_the_playhead_finds_the_top_item_and_nothing_over_a_gap(seat: Seat, clips: Clips) -> None:
    artist = seat(video_tracks=2)
    below = artist.places(artist.imports(clips["a"]), 86400)
    above = artist.places(artist.imports(clips["b"]), 86410, track=2)
    for frame, found in ((86405, below.id), (86415, above.id)):
        artist.looks_at(frame)
        assert timeline(artist).GetCurrentVideoItem().GetUniqueId() == found
    artist.looks_at(90000)
    assert timeline(artist).GetCurrentVideoItem() is None


@pytest.mark.parametrize(
    ("page", "found"), [("edit", True), ("color", True), ("media", False), ("fusion", False)]
)
def test_b09_only_pages_with_a_playhead_have_a_current_item(
    seat: Seat, clips: Clips, page: str, found: bool
) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    artist.goes_to(page)
    assert (timeline(artist).GetCurrentVideoItem() is not None) is found
    assert (timeline(artist).GetCurrentTimecode() is not None) is found


def test_b09_the_playhead_does_not_go_before_the_start(seat: Seat) -> None:
    current = timeline(seat())
    assert current.SetCurrentTimecode("00:59:59:23") is False
    assert current.SetCurrentTimecode("01:00:02:00") is True
    assert current.GetCurrentTimecode() == "01:00:02:00"
    assert current.SetCurrentTimecode("nonsense") is False


def test_b13_a_track_comes_on_top_or_where_asked_and_indexes_shift(seat: Seat) -> None:
    current = timeline(seat())
    assert current.AddTrack("video") is True
    current.SetTrackName("video", 2, "Titles")
    assert current.AddTrack("video", {"index": 2}) is True
    assert [current.GetTrackName("video", n) for n in (1, 2, 3)] == ["Video 1", "Video 3", "Titles"]
    assert current.AddTrack("video", {"index": 9}) is True
    assert current.GetTrackCount("video") == 4
    assert current.DeleteTrack("video", 2) is True
    assert current.GetTrackName("video", 2) == "Titles"
    assert current.AddTrack("audio", "stereo") is True
    assert current.GetTrackSubType("audio", 2) == "stereo"
    assert current.AddTrack("film") is False


def test_b14_clips_are_deleted_on_the_edit_page_alone_and_their_sound_stays(seat: Seat, clips: Clips) -> None:
    artist = seat()
    media = artist.imports(clips["sound"])
    sound = artist.adds_sound(media, artist.places(media))
    item = first_item(artist)
    artist.goes_to("color")
    assert timeline(artist).DeleteClips([item]) is False
    artist.goes_to("edit")
    assert [each.GetUniqueId() for each in item.GetLinkedItems()] == [sound.id]
    assert timeline(artist).DeleteClips([item]) is True
    assert timeline(artist).GetItemListInTrack("video", 1) == []
    assert len(timeline(artist).GetItemListInTrack("audio", 1)) == 1


def test_b15_the_first_take_makes_a_selector_and_choosing_is_explicit(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), frames=(10, 34))
    other = artist.standin.media_handle(artist.imports(clips["b"]))
    item = first_item(artist)
    assert [item.GetTakesCount(), item.GetSelectedTakeIndex()] == [0, 0]
    assert item.AddTake(other, 8, 32) is True
    assert [item.GetTakesCount(), item.GetSelectedTakeIndex(), item.GetName()] == [2, 1, "a.mp4"]
    assert item.SelectTakeByIndex(2) is True
    assert [item.GetSelectedTakeIndex(), item.GetName(), item.GetLeftOffset(), item.GetDuration()] == [
        2,
        "b.mp4",
        8,
        24,
    ]
    take = item.GetTakeByIndex(1)
    assert sorted(take) == ["endFrame", "mediaPoolItem", "startFrame"]
    assert take["mediaPoolItem"].GetName() == "a.mp4"
    assert [item.SelectTakeByIndex(0), item.SelectTakeByIndex(3), item.GetTakeByIndex(3)] == [
        False,
        False,
        None,
    ]


def test_b15_take_getters_answer_on_the_current_timeline_alone(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    item = first_item(artist)
    artist.new_timeline("Other")
    assert [item.GetTakesCount(), item.GetSelectedTakeIndex()] == [None, None]


def test_b15_finalizing_keeps_the_chosen_take_alone(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    item = first_item(artist)
    assert item.FinalizeTake() is False
    item.AddTake(artist.standin.media_handle(artist.imports(clips["b"])))
    item.SelectTakeByIndex(2)
    assert item.DeleteTakeByIndex(2) is False
    assert item.FinalizeTake() is True
    assert [item.GetName(), item.GetTakesCount()] == ["b.mp4", 0]


def test_b20_left_offset_is_exact_and_source_start_may_be_one_off(seat: Seat, clips: Clips) -> None:
    artist = seat()
    placed = artist.places(artist.imports(clips["a"]), frames=(10, 34))
    placed.source_jitter = 1
    item = first_item(artist)
    assert [item.GetLeftOffset(), item.GetSourceStartFrame()] == [10, 11]
    assert isinstance(item.GetLeftOffset(True), float)


def test_b20_on_a_retimed_item_left_offset_is_warped(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), frames=(12, 36), speed=Fraction(2))
    item = first_item(artist)
    assert [item.GetDuration(), item.GetLeftOffset()] == [12, 6]
    assert item.GetSourceEndFrame() - item.GetSourceStartFrame() == 24


def test_b20_a_reversed_item_has_a_negative_span_and_an_unknown_one_none(seat: Seat, clips: Clips) -> None:
    artist = seat()
    placed = artist.places(artist.imports(clips["a"]), frames=(12, 36), speed=Fraction(-1))
    item = first_item(artist)
    assert item.GetSourceEndFrame() - item.GetSourceStartFrame() == -24
    placed.source_unknown = True
    assert [item.GetSourceStartFrame(), item.GetSourceEndFrame()] == [0, 0]


@pytest.mark.parametrize(("rate", "end"), [("24", 34), ("25", 33)])
def test_b20_source_end_is_excluded_only_where_rates_agree(
    seat: Seat, clips: Clips, rate: str, end: int
) -> None:
    artist = seat(rate=rate)
    artist.places(artist.imports(clips["a"]), frames=(10, 34))
    assert first_item(artist).GetSourceEndFrame() == end


def test_b20_source_time_counts_from_the_files_timecode(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["tc"]), frames=(24, 48))
    item = first_item(artist)
    assert [item.GetSourceStartTime(), item.GetSourceEndTime()] == [36001.0, 36002.0]


@pytest.mark.parametrize(("profile", "offset"), [("studio-19.1.3", 34), ("studio-20.3.2", 14)])
def test_b20_right_offset_changed_its_meaning_with_20(
    seat: Seat, clips: Clips, profile: str, offset: int
) -> None:
    artist = seat(profile)
    artist.places(artist.imports(clips["a"]), frames=(10, 34))
    assert first_item(artist).GetRightOffset() == offset


def test_b20_speed_is_told_from_21_1_on(seat: Seat, clips: Clips) -> None:
    artist = seat("studio-21.1")
    artist.places(artist.imports(clips["a"]), speed=Fraction(2))
    assert first_item(artist).GetSpeed()["Percentage"] == 200.0
    assert first_item(artist).GetType() == "video"
    assert "GetSpeed" not in dir(first_item(seat_with(artist, "studio-21.0.4")))


def seat_with(artist: Artist, profile: str) -> Artist:
    """The same edit before another Resolve."""
    artist.standin.profile = PROFILES[profile]
    return artist


def test_selected_clips_are_known_from_21_0_4_on(seat: Seat, clips: Clips) -> None:
    artist = seat("studio-21.0.4")
    item = artist.places(artist.imports(clips["a"]))
    artist.selects(item)
    assert [each.GetUniqueId() for each in timeline(artist).GetSelectedClips()] == [item.id]
    assert "GetSelectedClips" not in dir(timeline(seat("studio-20.3.2")))


def test_a_transition_lies_among_the_items_without_clip_or_properties(seat: Seat) -> None:
    artist = seat()
    artist.places_title(kind="transition")
    assert first_item(artist).GetMediaPoolItem() is None
    assert first_item(artist).GetProperty() == {}


def test_a_profile_may_be_ones_own() -> None:
    standin = ResolveStandIn(replace(PROFILES["studio-20.3.2"], external_scripting=False))
    assert standin.scriptapp("Resolve") is None


def test_a_duplicate_keeps_the_look_and_gets_ids_of_its_own(seat: Seat, clips: Clips) -> None:
    artist = seat()
    placed = artist.places(artist.imports(clips["a"]), frames=(4, 20), speed=Fraction(2))
    copy = timeline(artist).DuplicateTimeline("Understudy bake")
    (item,) = copy.GetItemListInTrack("video", 1)
    assert item.GetUniqueId() != placed.id
    assert [item.GetStart(), item.GetDuration()] == [placed.start, placed.duration]
    assert timeline(artist).GetName() == "Understudy bake"


def test_b02_items_of_another_timeline_may_be_dumb(seat: Seat, clips: Clips) -> None:
    """Stale handles after a switch of the timeline (research, 1.8)."""
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    item, edit = first_item(artist), artist.timeline
    artist.standin.other_timelines_are_dumb = True
    assert item.GetStart() == 86400
    artist.new_timeline("Other")
    assert item.GetStart() is None
    artist.opens_timeline(edit)
    assert item.GetStart() == 86400
