"""The character's picture comes from the media pool, from a file, or from under the playhead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.media.clips import shown_number
from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin.media_file import frame_at
from tests.plugins.davinci.support.stage import host_of
from understudy_davinci.character import at_playhead, from_file, pool
from understudy_davinci.errors import Refusal

Clips = dict[str, Path]


def test_the_frame_under_the_playhead_becomes_a_picture(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), 86400)
    artist.looks_at(86407)
    host = host_of(artist)
    first, second = at_playhead(host, tmp_path / "stills"), at_playhead(host, tmp_path / "stills")
    assert first != second
    picture = frame_at(first, 0, None)
    assert picture is not None
    assert shown_number(picture[..., :3], maximum=1) == 7


def test_a_yes_without_a_file_is_told(seat: Seat, tmp_path: Path) -> None:
    artist = seat()
    artist.standin.faults.answer("Project.ExportCurrentFrameAsStill", True)
    with pytest.raises(Refusal, match="Put the playhead on a frame"):
        at_playhead(host_of(artist), tmp_path)


def test_the_media_pools_stills_and_movies_are_offered_the_selected_first(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    artist = seat()
    artist.imports(clips["a"])
    host = host_of(artist)
    artist.places(artist.imports(clips["a"]), 86400)
    stills = [at_playhead(host, tmp_path), at_playhead(host, tmp_path)]
    media = [artist.imports(path, kind="Still") for path in stills]
    artist.standin.open.selected_clips = [media[1]]
    found = pool(host)
    assert [path for _, path in found.pictures] == [stills[1], stills[0]]
    assert [path for _, path in found.movies] == [clips["a"]]


def test_a_file_has_to_be_a_picture(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"is no picture\. Choose a PNG"):
        from_file(clips["a"])
    with pytest.raises(Refusal, match="There is no picture"):
        from_file(tmp_path / "gone.png")
    picture = tmp_path / "hero.PNG"
    picture.touch()
    assert from_file(picture) == picture
