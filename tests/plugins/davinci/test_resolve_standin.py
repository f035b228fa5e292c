"""The stand-in is as stubborn as Resolve: names, handles, editions, dialogs, faults (B1 to B4, B21, B24)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import (
    PROFILES,
    CallHangs,
    Handle,
    NotModelled,
    PluginKilled,
    ResolveStandIn,
    breaches,
    snapshot,
)

Clips = dict[str, Path]


def project(standin: ResolveStandIn) -> Any:
    return standin.resolve.GetProjectManager().GetCurrentProject()


def timeline(standin: ResolveStandIn) -> Any:
    return project(standin).GetCurrentTimeline()


def test_b01_an_unknown_name_is_none_and_hasattr_is_no_help() -> None:
    standin = ResolveStandIn()
    assert standin.resolve.IsStudio is None  # 21.1 brought it; this is 20.3.2
    assert hasattr(standin.resolve, "AnythingAtAll")
    assert standin.log.unknown_names == ["Resolve.IsStudio", "Resolve.AnythingAtAll"]


def test_b01_dir_tells_the_truth_by_version() -> None:
    assert "IsStudio" not in dir(ResolveStandIn("studio-21.0.4").resolve)
    assert "IsStudio" in dir(ResolveStandIn("studio-21.1").resolve)


def test_b01_a_strict_stand_in_fails_at_an_unknown_name() -> None:
    with pytest.raises(AssertionError, match=r"Resolve\.GetSelection"):
        _ = ResolveStandIn(strict=True).resolve.GetSelection


def test_a_documented_method_without_a_model_is_never_answered_quietly() -> None:
    with pytest.raises(NotModelled, match=r"Resolve\.GetLayoutPresetList"):
        ResolveStandIn("studio-21.1").resolve.GetLayoutPresetList()


def test_too_many_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        ResolveStandIn().resolve.GetProductName("please")


def test_b02_every_call_of_a_deleted_item_is_none(seat: Seat, clips: Clips) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    (item,) = timeline(artist.standin).GetItemListInTrack("video", 1)
    assert timeline(artist.standin).DeleteClips([item]) is True
    assert [item.GetStart(), item.GetName(), item.GetUniqueId(), item.SetClipEnabled(True)] == [None] * 4


def test_b02_handles_of_a_project_die_with_it(seat: Seat) -> None:
    standin = seat().standin
    old, old_timeline = project(standin), timeline(standin)
    assert standin.resolve.GetProjectManager().CreateProject("Another").GetName() == "Another"
    assert old.GetName() is None
    assert old_timeline.GetTrackCount("video") is None


def test_handles_are_new_with_every_call(seat: Seat) -> None:
    standin = seat().standin
    assert timeline(standin) != timeline(standin)
    assert timeline(standin).GetUniqueId() == timeline(standin).GetUniqueId()


@pytest.mark.parametrize(
    ("profile", "outside", "menu"),
    [
        ("studio-19.1.3", True, True),
        ("studio-21.1", True, True),
        ("free-21.0.3", False, True),
        ("free-21.1", False, False),
        ("headless-studio", True, False),
    ],
)
def test_b03_who_lets_python_in(profile: str, outside: bool, menu: bool) -> None:
    standin = ResolveStandIn(profile)
    assert (standin.scriptapp("Resolve") is not None) is outside
    found = standin.menu_globals()
    assert (found is not None) is menu
    if found:
        assert found["resolve"].GetProductName() == PROFILES[profile].product_name


def test_b03_the_version_says_which_resolve_this_is() -> None:
    assert ResolveStandIn("studio-19.1.3").resolve.GetVersion() == [19, 1, 3, 7, ""]
    assert ResolveStandIn("free-21.0.3").resolve.GetProductName() == "DaVinci Resolve"
    assert ResolveStandIn("studio-21.1").resolve.IsStudio() is True


def test_b04_free_has_no_ui_manager_and_asking_opens_a_dialog_that_makes_calls_fail(seat: Seat) -> None:
    standin = seat("free-21.0.3").standin
    assert standin.resolve.GetProjectManager().SaveProject() is True
    assert standin.resolve.Fusion().UIManager is None
    assert standin.resolve.GetProjectManager().SaveProject() is False
    assert timeline(standin).AddTrack("video") is False
    assert timeline(standin).GetTrackCount("video") == 1
    standin.dismiss_modal()
    assert standin.resolve.GetProjectManager().SaveProject() is True


def test_b04_studio_has_ui_manager() -> None:
    assert ResolveStandIn("studio-21.1").resolve.Fusion().UIManager is not None
    assert ResolveStandIn("headless-studio").resolve.Fusion().UIManager is None


def test_b21_an_untitled_project_cannot_be_saved() -> None:
    assert ResolveStandIn().resolve.GetProjectManager().SaveProject() is False
    with pytest.raises(CallHangs):
        ResolveStandIn("headless-studio").resolve.GetProjectManager().SaveProject()


def test_b21_without_a_database_all_seems_well_but_nothing_opens(seat: Seat) -> None:
    standin = seat().standin
    standin.detach_database()
    manager = standin.resolve.GetProjectManager()
    assert standin.resolve.GetProductName() == "DaVinci Resolve Studio"
    assert manager.GetCurrentDatabase() is None
    assert [manager.SaveProject(), manager.LoadProject("Film"), manager.CreateProject("New")] == [None] * 3


def test_b24_the_nth_call_answers_no_and_does_nothing(seat: Seat) -> None:
    standin = seat().standin
    standin.faults.answer("Timeline.AddTrack", False, nth=2)
    assert [timeline(standin).AddTrack("video") for _ in range(3)] == [True, False, True]
    assert timeline(standin).GetTrackCount("video") == 3


def test_b24_a_call_may_do_its_work_and_say_it_did_not(seat: Seat) -> None:
    standin = seat().standin
    standin.faults.lie("Timeline.AddTrack", None)
    assert timeline(standin).AddTrack("video") is None
    assert timeline(standin).GetTrackCount("video") == 2


def test_b24_a_call_may_hang(seat: Seat) -> None:
    standin = seat().standin
    standin.faults.hang("Timeline.GetTrackCount")
    with pytest.raises(CallHangs):
        timeline(standin).GetTrackCount("video")
    standin.faults.hang("Timeline.GetTrackCount", 0.05)
    began_s = time.monotonic()
    assert timeline(standin).GetTrackCount("video") == 1
    assert time.monotonic() - began_s >= 0.05


@pytest.mark.parametrize(("after", "tracks"), [(False, 1), (True, 2)])
def test_b24_the_plugin_may_be_killed_before_or_after_any_call(seat: Seat, after: bool, tracks: int) -> None:
    standin = seat().standin
    current = timeline(standin)
    standin.faults.kill(nth=2, after=after)
    current.GetTrackCount("video")
    with pytest.raises(PluginKilled):
        current.AddTrack("video")
    with pytest.raises(PluginKilled):  # what its `finally` calls does not reach Resolve either
        current.GetTrackCount("video")
    assert len(standin.open.timelines[0].tracks["video"]) == tracks
    standin.faults.clear()
    assert current.GetTrackCount("video") == tracks


def test_b24_the_artist_edits_in_the_middle(seat: Seat, clips: Clips) -> None:
    artist = seat()
    item = artist.places(artist.imports(clips["a"]))
    artist.standin.faults.do("Timeline.GetItemListInTrack", lambda: artist.moves(item, 90000))
    (handle,) = timeline(artist.standin).GetItemListInTrack("video", 1)
    assert handle.GetStart() == 90000


def test_b24_after_resolve_has_quit_nothing_answers(seat: Seat) -> None:
    standin = seat().standin
    resolve = standin.resolve
    standin.faults.do("Resolve.GetCurrentPage", standin.quit)
    assert resolve.GetCurrentPage() is None
    assert resolve.GetProductName() is None
    assert standin.scriptapp("Resolve") is None
    standin.start()
    assert resolve.GetProductName() is None
    assert standin.scriptapp("Resolve").GetProductName() == "DaVinci Resolve Studio"


def test_b24_an_artists_render_job_is_seen_in_the_snapshot(seat: Seat, clips: Clips, tmp_path: Path) -> None:
    artist = seat()
    artist.places(artist.imports(clips["a"]))
    artist.queues_render(tmp_path)
    before = snapshot(artist.standin)
    assert project(artist.standin).DeleteAllRenderJobs() is True
    assert snapshot(artist.standin) != before


def test_the_log_shows_what_the_documents_forbid(seat: Seat, clips: Clips) -> None:
    artist = seat()
    media = artist.standin.media_handle(artist.imports(clips["a"]))
    project(artist.standin).SetRenderSettings({"Format": "mov", "MarkIn": 86400})
    project(artist.standin).GetMediaPool().AppendToTimeline([{"mediaPoolItem": media, "track": 2}])
    _ = timeline(artist.standin).GetSelectedClips
    assert breaches(artist.standin.log, artist.standin.profile) == [
        "Timeline.GetSelectedClips is not documented in studio-20.3.2",
        "SetRenderSettings ignores Format",
        "AppendToTimeline does not know track",
    ]


def test_handles_say_what_they_are(seat: Seat) -> None:
    assert isinstance(timeline(seat().standin), Handle)


def test_no_reading_tells_a_headless_resolve_from_one_with_a_window() -> None:
    """238 probes in pairs, live (research, 1.1)."""
    standin = ResolveStandIn("headless-studio")
    assert standin.resolve.GetCurrentPage() == "edit"
    assert standin.resolve.OpenPage("deliver") is True
