"""The stand-in's media pool and the placing of clips: B10, B11, B12, B16, B22, B23."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from tests.engine.media.clips import make_clip, shown_number
from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import PROFILES, Artist, ResolveStandIn
from tests.plugins.davinci.resolve_standin.media_file import frame_at

Clips = dict[str, Path]


def project(artist: Artist) -> Any:
    return artist.standin.resolve.GetProjectManager().GetCurrentProject()


def pool(artist: Artist) -> Any:
    return project(artist).GetMediaPool()


def timeline(artist: Artist) -> Any:
    return project(artist).GetCurrentTimeline()


def on_track(artist: Artist, track: int = 1) -> list[tuple[int, int]]:
    return [
        (item.GetStart(), item.GetDuration()) for item in timeline(artist).GetItemListInTrack("video", track)
    ]


def append(artist: Artist, path: Path, **info: Any) -> Any:
    (media,) = pool(artist).ImportMedia([str(path)])
    return pool(artist).AppendToTimeline([{"mediaPoolItem": media, **info}])


# Import


def test_b10_media_come_into_the_current_bin_and_may_come_twice(seat: Seat, clips: Clips) -> None:
    artist = seat()
    root = pool(artist).GetRootFolder()
    bin_ = pool(artist).AddSubFolder(root, "Understudy")
    assert pool(artist).GetCurrentFolder().GetUniqueId() == bin_.GetUniqueId()
    pool(artist).SetCurrentFolder(bin_)
    pool(artist).ImportMedia([str(clips["a"])])
    pool(artist).ImportMedia([str(clips["a"])])
    assert [clip.GetName() for clip in bin_.GetClipList()] == ["a.mp4", "a.mp4"]
    assert pool(artist).AddSubFolder(root, "Understudy") is None


def test_b10_what_is_no_media_comes_back_as_nothing(seat: Seat, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    assert pool(seat()).ImportMedia([str(tmp_path / "notes.txt"), str(tmp_path / "missing.mov")]) == []


def test_b10_a_sequence_comes_as_a_pattern_and_two_numbers(seat: Seat, tmp_path: Path) -> None:
    for number in range(7, 12):
        make_clip(tmp_path / f"plate_{number:04d}.png", [number], codec="png", pix_fmt="rgb24")
    pattern = str(tmp_path / "plate_%04d.png")
    artist = seat()
    (media,) = pool(artist).ImportMedia([{"FilePath": pattern, "StartIndex": 7, "EndIndex": 11}])
    assert [media.GetClipProperty("Frames"), media.GetClipProperty("Start")] == ["5", "7"]
    assert media.GetClipProperty("File Path").endswith("plate_[7-11].png")


@pytest.mark.parametrize(("profile", "found"), [("studio-21.0.4", 0), ("studio-21.1", 1)])
def test_b10_a_plain_file_as_a_dict_is_a_form_of_21_1(
    seat: Seat, clips: Clips, profile: str, found: int
) -> None:
    assert len(pool(seat(profile)).ImportMedia([{"FilePath": str(clips["a"])}])) == found


def test_b10_properties_are_read_from_the_file(seat: Seat, clips: Clips) -> None:
    artist = seat()
    (media,) = pool(artist).ImportMedia([str(clips["tc"])])
    read = media.GetClipProperty()
    assert [read["FPS"], read["Frames"], read["Start TC"], read["Resolution"]] == [
        24.0,
        "48",
        "10:00:00:00",
        "64x48",
    ]
    (ntsc,) = pool(artist).ImportMedia([str(clips["ntsc"])])
    assert ntsc.GetClipProperty("FPS") == 29.97
    assert media.GetClipProperty("No such property") == ""
    (sound,) = pool(artist).ImportMedia([str(clips["sound"])])
    assert sound.GetClipProperty("Type") == "Video + Audio"


# Placement


def test_b11_the_end_frame_is_excluded_and_was_included_in_18(seat: Seat, clips: Clips) -> None:
    artist = seat()
    append(artist, clips["a"], startFrame=10, endFrame=34, trackIndex=1, recordFrame=86400)
    assert on_track(artist) == [(86400, 24)]
    old = Artist(ResolveStandIn(replace(PROFILES["studio-19.1.3"], append_end_inclusive=True)))
    old.project()
    old.new_timeline()
    append(old, clips["a"], startFrame=10, endFrame=34, trackIndex=1, recordFrame=86400)
    assert on_track(old) == [(86400, 25)]


@pytest.mark.parametrize("key", ["startFrame", "endFrame", "recordFrame"])
def test_b11_one_float_refuses_the_whole_batch(seat: Seat, clips: Clips, key: str) -> None:
    artist = seat()
    good = {"startFrame": 0, "endFrame": 10, "recordFrame": 86400}
    (media,) = pool(artist).ImportMedia([str(clips["a"])])
    batch = [{"mediaPoolItem": media, **good}, {"mediaPoolItem": media, **good, key: 20.0}]
    assert pool(artist).AppendToTimeline(batch) is None
    assert on_track(artist) == []


def test_b11_frames_are_the_sources_and_lengths_are_floored(seat: Seat, clips: Clips) -> None:
    artist = seat(rate="25")
    append(artist, clips["a"], startFrame=0, endFrame=24, recordFrame=90000)
    append(artist, clips["ntsc"], startFrame=0, endFrame=29, recordFrame=90100)
    assert on_track(artist) == [(90000, 25), (90100, 24)]  # 29 * 25 / 29.97 = 24.19


def test_b11_a_track_beyond_the_last_takes_nothing(seat: Seat, clips: Clips) -> None:
    assert append(seat(), clips["a"], trackIndex=2, recordFrame=86400) == []


@pytest.mark.parametrize("answers", [False, True])
def test_b11_a_locked_track_takes_nothing_whatever_it_answers(
    seat: Seat, clips: Clips, answers: bool
) -> None:
    artist = seat()
    artist.locks(1)
    artist.standin.locked_answers_items = answers
    found = append(artist, clips["a"], recordFrame=86400)
    assert len(found) == answers
    assert on_track(artist) == []


def test_b11_on_an_occupied_span_the_later_clip_is_dropped(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), 86400)
    assert append(artist, clips["b"], recordFrame=86410) == []
    assert on_track(artist) == [(86400, 48)]


def test_b11_or_it_is_a_ghost_whose_getters_are_none(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.standin.occupied = "ghost"
    artist.places(artist.imports(clips["a"]), 86400)
    (ghost,) = append(artist, clips["b"], recordFrame=86410)
    assert [ghost.GetName(), ghost.GetStart(), ghost.GetDuration(), ghost.GetUniqueId()] == [
        None,
        None,
        None,
        "",
    ]
    assert on_track(artist) == [(86400, 48)]


def test_b11_or_it_slides_to_the_next_free_frame(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.standin.occupied = "slid"
    artist.places(artist.imports(clips["a"]), 86400)
    (item,) = append(artist, clips["b"], recordFrame=86410)
    assert item.GetStart() == 86448


def test_b11_before_20_3_2_a_pool_clip_must_be_selected(seat: Seat, clips: Clips) -> None:
    artist = seat("studio-20.2")
    (media,) = pool(artist).ImportMedia([str(clips["a"])])
    assert pool(artist).AppendToTimeline([{"mediaPoolItem": media}]) is None
    assert pool(artist).SetSelectedClip(media) is True
    assert len(pool(artist).AppendToTimeline([{"mediaPoolItem": media}])) == 1


def test_b11_media_type_chooses_picture_or_sound(seat: Seat, clips: Clips) -> None:
    artist = seat()
    both = append(artist, clips["sound"], recordFrame=86400)
    assert sorted(item.GetTrackTypeAndIndex()[0] for item in both) == ["audio", "video"]
    (picture,) = append(artist, clips["sound"], recordFrame=86500, mediaType=1)
    assert picture.GetTrackTypeAndIndex() == ["video", 1]
    assert picture.GetLinkedItems() == []


def test_b11_without_a_timeline_nothing_is_placed(clips: Clips) -> None:
    artist = Artist(ResolveStandIn())
    artist.project()
    assert append(artist, clips["a"]) is None


def test_b11_a_still_ignores_its_end_frame(seat: Seat, tmp_path: Path) -> None:
    artist = seat()
    append(
        artist, make_clip(tmp_path / "one.png", [3], codec="png", pix_fmt="rgb24"), startFrame=0, endFrame=24
    )
    assert on_track(artist) == [(86400, 120)]


def test_b12_before_the_start_a_clip_reads_back_and_is_never_rendered(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    artist = seat()
    append(artist, clips["b"], startFrame=0, endFrame=24, recordFrame=24)
    assert on_track(artist) == [(24, 24)]
    artist.looks_at(30)
    assert project(artist).ExportCurrentFrameAsStill(str(tmp_path / "still.png")) is True
    picture = frame_at(tmp_path / "still.png", 0)
    assert picture is not None
    assert picture[..., :3].max() == 0


# Properties


def test_b16_input_colour_space_can_be_set_in_a_managed_project_alone(seat: Seat, clips: Clips) -> None:
    artist = seat()
    (media,) = pool(artist).ImportMedia([str(clips["a"])])
    assert media.SetClipProperty("Input Color Space", "sRGB") is False
    project(artist).SetSetting("colorScienceMode", "davinciYRGBColorManagedv2")
    assert media.SetClipProperty("Input Color Space", "sRGB") is True
    assert media.GetClipProperty("Input Color Space") == "sRGB"


def test_b16_a_reel_name_is_answered_with_yes_and_not_kept(seat: Seat, clips: Clips) -> None:
    artist = seat()
    (media,) = pool(artist).ImportMedia([str(clips["a"])])
    before = media.GetClipProperty("Reel Name")
    assert media.SetClipProperty("Reel Name", "A001") is True
    assert media.GetClipProperty("Reel Name") == before
    artist.standin.derives_reel_names = False
    media.SetClipProperty("Reel Name", "A001")
    assert media.GetClipProperty("Reel Name") == "A001"


def test_b16_replacing_a_clip_loses_its_metadata(seat: Seat, clips: Clips) -> None:
    artist = seat()
    (media,) = pool(artist).ImportMedia([str(clips["a"])])
    media.SetMetadata({"Scene": "12"})
    media.SetThirdPartyMetadata({"understudy": "job"})
    assert media.GetThirdPartyMetadata("understudy") == "job"
    assert media.ReplaceClip(str(clips["b"])) is True
    assert [media.GetMetadata(), media.GetThirdPartyMetadata()] == [{}, {}]


def test_a_compound_clip_has_no_file_and_an_offline_one_says_so(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    artist = seat()
    artist.imports(clips["a"], kind="Compound")
    artist.imports(make_clip(tmp_path / "gone.mp4", 2))
    (tmp_path / "gone.mp4").unlink()
    compound, offline = pool(artist).GetRootFolder().GetClipList()[1:]
    assert [compound.GetClipProperty("Type"), compound.GetClipProperty("File Path")] == ["Compound", ""]
    assert offline.GetClipProperty("Online Status") == "Offline"


# Stills and masks


def test_b22_a_still_is_the_frame_under_the_playhead(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    artist.places(artist.imports(clips["b"]))
    artist.looks_at(86407)
    assert project(artist).ExportCurrentFrameAsStill(str(tmp_path / "still")) is False
    assert project(artist).ExportCurrentFrameAsStill(str(tmp_path / "still.png")) is True
    with av.open(str(tmp_path / "still.png")) as container:
        assert shown_number(next(container.decode(video=0)).to_ndarray(format="rgb24")) == 107


def test_b22_the_gallery_and_the_thumbnail_are_no_help(seat: Seat, tmp_path: Path) -> None:
    artist = seat()
    album = project(artist).GetGallery().GetCurrentStillAlbum()
    assert album.ExportStills([], str(tmp_path), "still", "png") is False
    assert timeline(artist).GetCurrentClipThumbnailImage() is None


@pytest.mark.parametrize(
    ("profile", "clicks", "made"),
    [("studio-21.1", 1, True), ("studio-21.1", 0, False), ("free-21.0.3", 1, False)],
)
def test_b23_a_magic_mask_needs_the_artists_clicks_and_studio(
    seat: Seat, clips: Clips, profile: str, clicks: int, made: bool
) -> None:
    artist = seat(profile)
    artist.places(artist.imports(clips["a"])).mask_clicks = clicks
    (item,) = timeline(artist).GetItemListInTrack("video", 1)
    assert item.CreateMagicMask("BI") is made
    assert (artist.standin.modal is not None) is profile.startswith("free")
