"""Resolve renders what a file does not show: the right frames, and afterwards all is as before."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import breaches, snapshot
from tests.plugins.davinci.support.jobs import numbers_in
from tests.plugins.davinci.support.stage import Stage, choice
from understudy_davinci.errors import Cancelled, Refusal
from understudy_davinci.shot import Choice, Footage, Way

Clips = dict[str, Path]
RENDER = choice(source=Way.RENDER)


def stage(seat: Seat, clips: Clips, folder: Path, profile: str = "studio-20.3.2", **placing: Any) -> Stage:
    """Frames 10 to 34 of "a" between others on V1, a title and "b" over it."""
    artist = seat(profile, video_tracks=2)
    media, other = artist.imports(clips["a"]), artist.imports(clips["b"])
    artist.places(other, 86376, frames=(0, 24))
    artist.places(media, 86400, **({"frames": (10, 34)} | placing))
    artist.places(other, artist.timeline.end)
    artist.places(other, 86500, track=2)
    artist.looks_at(86405)
    artist.marks(86376, 86480)
    return Stage(artist, folder)


def baked(stage: Stage, wanted: Choice) -> tuple[Footage, list[int]]:
    before = snapshot(stage.standin)
    footage = stage.chain.footage(stage.shot(), wanted)
    assert artists(stage, before) == before
    assert breaches(stage.standin.log, stage.standin.profile) == []
    return footage, numbers_in(footage.path)


def artists(stage: Stage, before: dict[str, Any]) -> dict[str, Any]:
    """What is there now. Before 20.3.2 a pool clip has to be selected; where none was, nothing can take that back."""
    now = snapshot(stage.standin)
    if stage.standin.profile.version < (20, 3, 2) and not before["selected clips"]:
        now["selected clips"] = []
    return now


@pytest.mark.parametrize(
    "profile", ["studio-19.1.3", "studio-20.2", "studio-21.0.4", "studio-21.1", "free-21.0.3"]
)
def test_a_clip_is_rendered_alone_with_its_handles(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str
) -> None:
    footage, numbers = baked(stage(seat, clips, tmp_path, profile), choice(source=Way.RENDER, handles=6))
    assert numbers == list(range(4, 40))
    assert (footage.before, footage.behind, footage.as_seen) == (6, 6, False)
    assert footage.why == "is rendered as you asked"


def test_handles_end_where_the_media_ends(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    footage, numbers = baked(stage(seat, clips, tmp_path), choice(source=Way.RENDER, handles=20))
    assert numbers == list(range(48))
    assert (footage.before, footage.behind) == (10, 14)


@pytest.mark.parametrize(
    ("speed", "numbers"),
    [(Fraction(2), list(range(10, 34, 2))), (Fraction(-1), list(range(33, 9, -1)))],
)
@pytest.mark.parametrize("profile", ["studio-20.3.2", "studio-21.1"])
def test_a_retimed_clip_is_rendered_as_it_plays(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str, speed: Fraction, numbers: list[int]
) -> None:
    footage, found = baked(stage(seat, clips, tmp_path, profile, speed=speed), choice(handles=6))
    assert found == numbers
    assert (footage.before, footage.behind, footage.as_seen) == (0, 0, True)


def test_a_clip_of_another_rate_is_rendered_at_the_timelines(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    artist = seat("studio-20.3.2")
    item = artist.places(artist.imports(clips["ntsc"]), 86400)
    artist.looks_at(86400)
    footage, numbers = baked(Stage(artist, tmp_path), choice())
    assert len(numbers) == item.duration == footage.span.length
    assert "29.97 frames a second on a timeline of 24" in footage.why


def test_a_compound_clip_is_rendered_as_seen(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    media = artist.imports(clips["a"], kind="Compound")
    artist.places(media, 86400, frames=(10, 34), kind="compound")
    artist.looks_at(86400)
    footage, numbers = baked(Stage(artist, tmp_path), choice())
    assert numbers == list(range(10, 34))
    assert "compound clip without a file" in footage.why


def test_only_the_part_between_the_marks_is_rendered(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.marks(86404, 86408)
    assert baked(made, RENDER)[1] == list(range(14, 19))
    assert baked(made, choice(graded=True))[1] == list(range(14, 19))


def test_a_disabled_clip_is_rendered_all_the_same(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.artist.timeline.tracks["video"][0].items[1].enabled = False
    assert baked(made, choice(graded=True))[1] == list(range(10, 34))


def test_a_sequence_is_rendered_on_request(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    footage, numbers = baked(stage(seat, clips, tmp_path), choice(source=Way.RENDER, sequence=True))
    assert footage.path.is_dir()
    assert len(numbers) == 24


def test_the_next_codec_is_taken_where_the_best_is_listed_and_refused(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.queue.refused.add(("mov", "ProRes4444"))
    assert baked(made, RENDER)[1] == list(range(10, 34))
    made.standin.queue.refused |= {
        ("mov", codec) for codec in ("ProRes422HQ", "DNxHR444_12", "DNxHRHQX_10", "DNxHRHQ")
    }
    with pytest.raises(Refusal, match="renders none of ProRes4444, ProRes422HQ"):
        made.chain.footage(made.shot(), choice(source=Way.RENDER, handles=1))


def test_a_deliver_page_that_renders_sound_alone_is_no_trouble_and_stays(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.queue.load_preset("Audio Only")
    assert baked(made, RENDER)[1] == list(range(10, 34))


def test_what_is_rendered_once_is_not_rendered_again(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    assert made.chain.footage(made.shot(), RENDER) is made.chain.footage(made.shot(), RENDER)


@pytest.mark.parametrize(("profile", "size"), [("free-21.0.3", (64, 48)), ("studio-21.1", (6144, 48))])
def test_the_free_edition_renders_no_more_than_it_can(
    seat: Seat, clips: Clips, tmp_path: Path, profile: str, size: tuple[int, int]
) -> None:
    made = stage(seat, clips, tmp_path, profile)
    media = made.artist.timeline.tracks["video"][0].items[1].media
    assert media is not None
    media.width = 6144
    found: list[object] = []
    made.standin.faults.do("Project.AddRenderJob", lambda: found.append(dict(made.standin.queue.page)))
    made.wanted = False  # so large a picture takes its time
    with pytest.raises(Cancelled):
        made.chain.footage(made.shot(), RENDER)
    (page,) = found
    assert isinstance(page, dict)
    assert (page["FormatWidth"], page["FormatHeight"]) == size


def test_fewer_handles_than_wanted_are_told(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.chain.footage(made.shot(), choice(handles=12))
    assert (
        made.said[-1]
        == "The handles are 10 frames before and 12 behind the cut instead of 12: there is no more"
    )


# ---- What goes wrong -----------------------------------------------------------------------------------------


def refused(stage: Stage, wanted: Choice = RENDER) -> str:
    before = snapshot(stage.standin)
    with pytest.raises(Refusal) as found:
        stage.chain.footage(stage.shot(), wanted)
    assert snapshot(stage.standin) == before
    assert not list((stage.folder / "journal").glob("*"))
    assert not list((stage.folder / "renders").glob("*/*"))
    return found.value.text


def test_the_artists_own_jobs_are_neither_started_nor_deleted(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    made.artist.queues_render(tmp_path / "theirs")
    baked(made, RENDER)
    assert not list((tmp_path / "theirs").iterdir())


def test_while_resolve_renders_nothing_is_begun(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    made.standin.queue.start([made.artist.queues_render(tmp_path / "theirs")])
    before = snapshot(made.standin)
    with pytest.raises(Refusal, match=r"is rendering already\. Wait"):
        made.chain.footage(made.shot(), RENDER)
    assert snapshot(made.standin) == before


def test_a_render_that_fails_says_what_resolve_says(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.queue.fails_with = "The disk is full."
    assert refused(made) == "Resolve could not render “a.mp4”: The disk is full."


def test_a_job_list_that_lags_leaves_no_job_behind(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.queue.list_lags = True
    made.standin.faults.answer("Project.StartRendering", False)
    assert "StartRendering" in refused(made)


def test_a_render_can_be_cancelled(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.wanted = False
    before = snapshot(made.standin)
    with pytest.raises(Cancelled):
        made.chain.footage(made.shot(), RENDER)
    assert snapshot(made.standin) == before


def test_a_render_that_the_artist_stops_is_told(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.faults.do("Project.GetRenderJobStatus", made.standin.queue.stop, nth=2)
    assert "Resolve stopped rendering “a.mp4” at" in refused(made)


@pytest.mark.parametrize(
    ("symbol", "answer"),
    [
        ("Project.SetRenderSettings", False),
        ("Project.AddRenderJob", ""),
        ("Project.StartRendering", False),
        ("MediaPool.CreateEmptyTimeline", None),
        ("MediaPool.AppendToTimeline", []),
        ("Timeline.SetSetting", False),
        ("Resolve.OpenPage", False),
        ("Project.SetCurrentRenderMode", False),
        ("Project.SaveAsNewRenderPreset", False),
    ],
)
def test_a_call_that_is_refused_leaves_resolve_as_it_was(
    seat: Seat, clips: Clips, tmp_path: Path, symbol: str, answer: object
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.faults.answer(symbol, answer)
    before = snapshot(made.standin)
    with contextlib.suppress(Refusal):
        made.chain.footage(made.shot(), RENDER)
    after = snapshot(made.standin)
    if symbol == "Project.SaveAsNewRenderPreset":  # nothing else keeps what the Deliver page holds
        before.pop("deliver page")
        after.pop("deliver page")
    assert after == before


def test_a_project_of_another_rate_is_told_before_frames_are_lost(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.open.settings["timelineFrameRate"] = "25"
    for nth in range(1, 9):
        made.standin.faults.answer("Timeline.SetSetting", False, nth=nth)
    assert "timelines of 25 frames a second" in refused(made)
    made.standin.faults.clear()
    assert baked(made, RENDER)[1] == list(range(10, 34))


def test_resolve_that_quits_is_told_in_a_sentence(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    made = stage(seat, clips, tmp_path)
    made.standin.faults.do("Project.StartRendering", made.standin.quit)
    with pytest.raises(Refusal, match="it was closed, or a dialog of its own is open"):
        made.chain.footage(made.shot(), RENDER)
