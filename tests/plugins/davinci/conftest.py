"""A stand-in for Resolve with a small edit on it, for the tests of the DaVinci plugin."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.engine.media.clips import counting_sound, make_clip
from tests.plugins.davinci.resolve_standin import Artist, ResolveStandIn
from tests.plugins.davinci.support.bench import Bench

Seat = Callable[..., Artist]
Laid = Callable[..., Bench]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Frame k of "a" shows k, of "b" 100 + k, of "ntsc" k at 29.97; "sound" is "a" with sound."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "a": make_clip(folder / "a.mp4", 48),
        "b": make_clip(folder / "b.mp4", range(100, 148)),
        "ntsc": make_clip(folder / "ntsc.mp4", 60, rate=Fraction(30000, 1001)),
        "tc": make_clip(folder / "tc.mov", 48, timecode="10:00:00:00"),
        "sound": make_clip(folder / "sound.mov", 48, sound=counting_sound(96_000)),
    }


@pytest.fixture
def seat() -> Seat:
    """An artist before a project with one empty timeline: `seat("free-21.0.3", rate="25").standin`."""

    def take_a_seat(profile: str = "studio-20.3.2", *, rate: str = "24", video_tracks: int = 1) -> Artist:
        artist = Artist(ResolveStandIn(profile))
        artist.project(rate=rate)
        artist.new_timeline(video_tracks=video_tracks)
        return artist

    return take_a_seat


@pytest.fixture
def bench(seat: Seat, tmp_path_factory: pytest.TempPathFactory, short_clips: dict[str, Path]) -> Laid:
    """`bench(RENDERED, "free-21.0.3")`: a swap of four frames, ready to run."""

    def lay(wanted: dict[str, Any], profile: str = "studio-21.0.4") -> Bench:
        return Bench(seat(profile, video_tracks=2), short_clips, tmp_path_factory.mktemp("data"), wanted)

    return lay


@pytest.fixture(scope="session")
def short_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("short")
    return {"a": make_clip(folder / "a.mp4", 8), "b": make_clip(folder / "b.mp4", range(100, 104))}
