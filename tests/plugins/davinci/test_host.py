"""How Resolve is asked: its answers are not believed, and what fails is told with its cause and next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import snapshot
from tests.plugins.davinci.support.stage import Stage, choice, host_of
from understudy_davinci.errors import CallFailed, HostGone, Refusal
from understudy_davinci.host.timeline import Marks
from understudy_davinci.shot import Way

Clips = dict[str, Path]


@pytest.mark.parametrize(
    ("profile", "product", "version", "is_studio"),
    [
        ("studio-19.1.3", "DaVinci Resolve Studio", (19, 1, 3), True),
        ("free-21.0.3", "DaVinci Resolve", (21, 0, 3), False),
    ],
)
def test_edition_and_version_are_known(
    seat: Seat, profile: str, product: str, version: tuple[int, ...], is_studio: bool
) -> None:
    found = host_of(seat(profile)).edition()
    assert (found.product, found.version, found.is_studio) == (product, version, is_studio)


def test_a_method_that_came_later_is_known_by_dir_alone(seat: Seat) -> None:
    for profile, knows in (("studio-20.3.2", False), ("studio-21.0.4", True)):
        host = host_of(seat(profile))
        timeline = host.timeline()
        assert timeline is not None
        assert hasattr(timeline, "GetSelectedClips")  # of Resolve's objects that is always so
        assert host.has("Timeline.GetSelectedClips", timeline) is knows
        assert (host.selected(timeline) is None) is not knows


def test_a_no_names_call_arguments_page_cause_and_next_step(seat: Seat) -> None:
    artist = seat()
    artist.goes_to("color")
    artist.standin.faults.answer("Timeline.AddTrack", False)
    host = host_of(artist)
    timeline = host.timeline()
    assert timeline is not None
    with pytest.raises(CallFailed) as failed:
        host.add_track(timeline)
    assert failed.value.text == (
        "Resolve did not do Timeline.AddTrack('video') on the color page: the timeline takes no further track. "
        "Add a video track by hand, then try again."
    )


def test_handles_are_not_written_into_sentences(seat: Seat, clips: Clips) -> None:
    artist = seat()
    host = host_of(artist)
    timeline = host.timeline()
    assert timeline is not None
    artist.standin.faults.answer("Project.SetCurrentTimeline", False)
    host.new_timeline("Other", host.root_bin())
    with pytest.raises(CallFailed) as failed:
        host.show_timeline(timeline)
    assert "0x" not in failed.value.text


def test_yes_is_not_believed(seat: Seat) -> None:
    artist = seat()
    host = host_of(artist)
    timeline = host.timeline()
    assert timeline is not None
    for symbol in (
        "Timeline.AddTrack",
        "Timeline.SetTrackEnable",
        "Resolve.OpenPage",
        "Timeline.SetTrackName",
    ):
        artist.standin.faults.answer(symbol, True)
    with pytest.raises(CallFailed):
        host.add_track(timeline)
    with pytest.raises(CallFailed):
        host.enable_track(timeline, 1, False)
    with pytest.raises(CallFailed):
        host.open_page("color")
    assert host.set_track_name(timeline, 1, "Mine") is False


def test_what_is_dead_is_told_so(seat: Seat, clips: Clips) -> None:
    artist = seat()
    item = artist.places(artist.imports(clips["a"]), 86400)
    host = host_of(artist)
    timeline = host.timeline()
    assert timeline is not None
    (handle,) = host.items(timeline, 1)
    artist.deletes(item)
    assert host.item_id(handle) == ""
    with pytest.raises(CallFailed, match="does not exist any more"):
        host.span(handle)


def test_a_resolve_that_was_closed_is_told_so(seat: Seat) -> None:
    artist = seat()
    host = host_of(artist)
    artist.standin.quit()
    with pytest.raises(HostGone, match="nothing is lost"):
        host.project_id()


def test_marks_are_read_and_written_as_they_are(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), 86400)
    host = host_of(artist)
    timeline = host.timeline()
    assert timeline is not None
    assert host.marks(timeline) == Marks()
    artist.marks(86404, 86410)
    assert host.marks(timeline) == Marks((4, 10), (4, 10))
    assert host.set_marks(timeline, Marks((1, 2), (None, None)))
    assert host.set_marks(timeline, Marks())


def test_a_call_that_does_not_come_back_is_told_meanwhile(seat: Seat) -> None:
    artist = seat()
    host = host_of(artist)
    said: list[str] = []

    def hang() -> None:
        said.append(host.silence())
        artist.standin.clock.sleep(20)
        said.append(host.silence())

    artist.standin.faults.do("Project.GetName", hang)
    host.project_name()
    assert said == ["", "Resolve has not answered for 20 s. Look for an open dialog in Resolve and close it."]
    assert host.silence() == ""


def test_behind_a_dialog_nothing_is_lost_and_the_next_run_tidies_up(
    seat: Seat, clips: Clips, tmp_path: Path
) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]), 86400, frames=(10, 34))
    artist.looks_at(86405)
    stage = Stage(artist, tmp_path)
    before = snapshot(artist.standin)
    artist.standin.faults.do("Project.StartRendering", lambda: artist.standin.open_modal("Project Settings"))
    with pytest.raises(Refusal, match="StartRendering"):
        stage.chain.footage(stage.shot(), choice(source=Way.RENDER))
    assert any("tries it again" in said for said in stage.said)
    artist.standin.dismiss_modal()
    stage.again().chain.clean()
    assert snapshot(artist.standin) == before
