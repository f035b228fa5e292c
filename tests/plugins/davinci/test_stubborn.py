"""The chain with a Resolve that is stubborn in each way the stand-in knows: profiles, dialogs, quits, the artist."""

from __future__ import annotations

import contextlib

import pytest

from tests.plugins.davinci.conftest import Laid
from tests.plugins.davinci.resolve_standin import PROFILES, CallHangs, breaches
from tests.plugins.davinci.support.bench import (
    AFTER_THE_SWAP,
    AS_SEEN,
    BEFORE_THE_SWAP,
    FROM_THE_FILE,
    OURS,
    RENDERED,
    Bench,
)
from tests.plugins.davinci.support.timeline import on_track
from understudy_api.errors import UnderstudyError
from understudy_davinci.errors import HostGone, Refusal
from understudy_davinci.host.render import MOVIE_PRESETS


def whole(bench: Bench) -> list[str]:
    """What of a finished swap is not as it should be."""
    return [*bench.left_over(), *bench.differs()]


@pytest.mark.parametrize("profile", sorted(PROFILES.keys() - {"free-21.1"}))
def test_a_swap_is_whole_on_every_resolve_that_runs_python(bench: Laid, profile: str) -> None:
    done = bench(RENDERED, profile)
    done.run()
    assert whole(done) == []
    assert breaches(done.artist.standin.log, done.artist.standin.profile) == []
    assert not any("put back" in told for told in done.said)


def test_resolve_quits_while_the_job_runs_and_the_next_run_places_it(bench: Laid) -> None:
    done = bench(FROM_THE_FILE)
    done.jobs.meanwhile = done.artist.standin.quit
    with pytest.raises(HostGone):
        done.run()
    done.artist.standin.start()
    done.jobs.meanwhile = lambda: None
    done.next_run()
    assert whole(done) == []
    assert len(done.jobs.orders) == 1


@pytest.mark.parametrize("wanted", [FROM_THE_FILE, RENDERED], ids=["file", "rendered"])
def test_a_dialog_that_opens_while_the_job_runs_changes_nothing(
    bench: Laid, wanted: dict[str, object]
) -> None:
    done = bench(wanted)
    done.jobs.meanwhile = lambda: done.artist.standin.open_modal("Project Settings")
    with pytest.raises(Refusal):
        done.run()
    assert done.shows() == BEFORE_THE_SWAP
    done.artist.standin.dismiss_modal()
    done.jobs.meanwhile = lambda: None
    done.next_run()
    assert whole(done) == []
    assert len(done.jobs.orders) == 1


def test_a_dialog_that_is_open_before_is_told_and_no_job_is_made(bench: Laid) -> None:
    done = bench(RENDERED)
    done.artist.standin.open_modal("Project Settings")
    with pytest.raises(Refusal):
        done.run()
    assert done.jobs.orders == {}
    done.artist.standin.dismiss_modal()
    assert done.left_over() == []


def test_a_track_that_the_artist_inserts_meanwhile_moves_nothing_else(bench: Laid) -> None:
    done = bench(FROM_THE_FILE | {"layers": ()})
    done.jobs.meanwhile = lambda: done.artist.inserts_track(1)
    done.run()
    assert done.shows()[:4] == [130, 131, 132, 133]
    assert [len(on_track(done.artist, track)) for track in (1, 2, 3, 4)] == [0, 2, 1, 1]


@pytest.mark.parametrize("symbol", ["Project.SetRenderSettings", "Project.AddRenderJob"])
def test_a_timeline_that_the_artist_opens_is_not_rendered_in_place_of_ours(bench: Laid, symbol: str) -> None:
    """A job is made of the timeline that is open at that moment."""
    done = bench(RENDERED)
    edit, other = done.artist.timeline, done.artist.new_timeline("Other")
    done.artist.opens_timeline(edit)
    done.artist.standin.faults.do(symbol, lambda: done.artist.opens_timeline(other))
    try:
        done.run()
    except Refusal:
        assert done.jobs.orders == {}
    done.artist.opens_timeline(edit)
    assert done.shows() in (BEFORE_THE_SWAP, AFTER_THE_SWAP)


def test_a_clip_that_fell_onto_another_timeline_is_taken_away_there(bench: Laid) -> None:
    """Clips are appended to the timeline that is open at that moment."""
    done = bench(FROM_THE_FILE)
    edit, other = done.artist.timeline, done.artist.new_timeline("Other", video_tracks=4)
    done.artist.opens_timeline(edit)
    done.artist.standin.faults.do("MediaPool.AppendToTimeline", lambda: done.artist.opens_timeline(other))
    with pytest.raises(Refusal):
        done.run()
    assert other.every_item() == []
    done.artist.opens_timeline(edit)
    assert done.shows() == BEFORE_THE_SWAP


@pytest.mark.parametrize(
    "moment", ["Timeline.AddTrack", "Timeline.SetTrackName", "MediaPool.AppendToTimeline"]
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_track_that_the_artist_inserts_at_the_worst_moment_costs_no_other_its_name(
    bench: Laid, moment: str, after: bool
) -> None:
    done = bench(FROM_THE_FILE | {"layers": ()})
    tracks = done.artist.timeline.tracks["video"]
    theirs = {track.name: [item.id for item in track.items] for track in tracks}
    done.artist.standin.faults.do(moment, lambda: done.artist.inserts_track(1), after=after)
    with contextlib.suppress(Refusal):
        done.run()
    now = {track.name: [item.id for item in track.items] for track in tracks}
    assert {name: now.get(name) for name in theirs} == theirs
    for track in tracks:
        assert not (
            OURS in track.name
            and {item.id for item in track.items} & {i for ids in theirs.values() for i in ids}
        )


def test_a_render_of_the_artists_that_runs_is_waited_for_not_stopped(bench: Laid) -> None:
    done = bench(RENDERED)
    queue = done.artist.standin.queue
    queue.start([queue.jobs[0].id])
    with pytest.raises(Refusal, match="render queue"):
        done.run()
    done.artist.standin.clock.advance(60)
    assert queue.jobs[0].files, "the artist's render was not finished"
    done.as_it_was["render jobs"] = [(queue.jobs[0].id, queue.jobs[0].state)]
    done.next_run()
    assert whole(done) == []


@pytest.mark.parametrize("wanted", [FROM_THE_FILE, RENDERED, AS_SEEN], ids=["file", "rendered", "as seen"])
def test_items_that_answer_on_the_current_timeline_alone_are_no_trouble(
    bench: Laid, wanted: dict[str, object]
) -> None:
    done = bench(wanted)
    done.artist.standin.other_timelines_are_dumb = True
    edit, other = done.artist.timeline, done.artist.standin.add_timeline("Other")
    done.artist.opens_timeline(edit)
    done.as_it_was = done.of_the_artist()
    done.jobs.meanwhile = lambda: done.artist.opens_timeline(other)
    done.run()
    assert done.of_the_artist()["current timeline"] == "Other"
    done.artist.opens_timeline(edit)
    assert whole(done) == []


def test_a_render_without_a_picture_is_refused_and_nothing_is_handed_in(bench: Laid) -> None:
    """What a preset left on the Deliver page, no script can read (T71); another preset of movies would undo it."""
    done = bench(RENDERED)
    queue = done.artist.standin.queue
    for name in MOVIE_PRESETS:
        del queue.presets[name]
    queue.load_preset("Audio Only")
    done.as_it_was = done.of_the_artist()
    with pytest.raises((Refusal, UnderstudyError)):
        done.run()
    assert done.jobs.orders == {}
    assert done.shows() == BEFORE_THE_SWAP
    assert done.left_over() == []


def test_a_job_list_that_lags_behind_is_no_trouble(bench: Laid) -> None:
    done = bench(RENDERED)
    done.artist.standin.queue.list_lags = True
    done.run()
    assert whole(done) == []


def test_after_a_call_that_never_came_back_the_next_run_is_whole(bench: Laid) -> None:
    done = bench(RENDERED)
    done.artist.standin.faults.hang("Timeline.GetMarkInOut")
    with pytest.raises(CallHangs):
        done.run()
    done.next_run()
    assert whole(done) == []
