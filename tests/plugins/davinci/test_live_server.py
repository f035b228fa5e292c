"""The whole chain on the stand-in, against a live server with nano: the model that ships, on a clip of somebody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.plugins.blender.support.footage import make_performance
from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import Artist, PluginKilled, breaches
from tests.plugins.davinci.resolve_standin.picture import item_at
from tests.plugins.davinci.resolve_standin.state import Timeline
from tests.plugins.davinci.support.timeline import names, on_track
from tests.server.support.process import Server, running
from understudy_api.client import Client
from understudy_davinci.host import Host
from understudy_davinci.jobs.server import connect
from understudy_davinci.jobs.server_jobs import ServerJobs
from understudy_davinci.shot import Choice, Mode, Note, Placed, Progress, Way
from understudy_davinci.swap import Chain

ENGINE = "understudy_server.engine_process.factory:load"
EDIT, FRAMES, PX = 86400, 5, 128
PLACING = (
    "MediaPool.AddSubFolder",
    "MediaPool.ImportMedia",
    "MediaPoolItem.SetThirdPartyMetadata",
    "Timeline.AddTrack",
    "Timeline.SetTrackName",
    "MediaPool.AppendToTimeline",
    "TimelineItem.SetClipColor",
    "TimelineItem.AddMarker",
)
"""What a finished job still needs in Resolve, in this order."""


@pytest.fixture(scope="module")
def performance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server shares: clip.mp4, in which somebody moves, and character.png."""
    folder = tmp_path_factory.mktemp("footage")
    make_performance(folder)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, performance: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served") / "home", performance, engine_factory=ENGINE) as server:
        yield server


class Plugin:
    """Runs of the plugin, each as a process of its own would: a new client, a new chain, the same data folder."""

    def __init__(self, artist: Artist, server: Server, folder: Path) -> None:
        self.artist, self.server, self.folder = artist, server, folder

    def run(self, choice: Choice) -> list[Placed]:
        jobs = ServerJobs(lambda say: connect(say, folder=self.server.home, command=()), self.hear)
        host = Host(self.artist.standin.resolve, self.artist.standin.clock)
        try:
            chain = Chain(host, jobs, self.folder, tell=self.hear)
            chain.clean()
            placed = [chain.finish(ticket) for ticket in chain.waiting()]
            return placed or [chain.run(shot, choice) for shot in chain.select()]
        finally:
            jobs.close()

    def hear(self, told: Note | Progress) -> None:
        """The host's clock is the stand-in's; what is told here is looked at by no one."""


def test_killed_again_and_again_the_plugin_brings_one_job_onto_the_timeline(
    server: Server, performance: Path, seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    artist = seat("studio-21.0.4")
    artist.standin.open.settings |= {"timelineResolutionWidth": str(PX), "timelineResolutionHeight": str(PX)}
    timeline = artist.new_timeline("Scene 12")
    source = artist.places(artist.imports(performance / "clip.mp4"), EDIT, frames=(2, 2 + FRAMES))
    artist.selects(source)
    plugin = Plugin(artist, server, performance / "understudy")
    choice = Choice(
        layers=("character", "matte"),
        mode=Mode.REPLACE,
        character=performance / "character.png",
        quality="preview",
        source=Way.RENDER,
    )

    # While Resolve renders, and when the job is at the server and no plugin waits for it.
    kill(plugin, choice, "Project.GetRenderJobStatus", after=True)
    with monkeypatch.context() as patched:
        patched.setattr(ServerJobs, "follow", dies)
        with pytest.raises(PluginKilled):
            plugin.run(choice)
    assert len(jobs_at(server)) == 1
    for symbol in PLACING:
        kill(plugin, choice, symbol, after=True)
    (placed,) = plugin.run(choice)

    assert (placed.track, placed.version) == (2, 1)
    assert len(jobs_at(server)) == 1, "a run that was killed had its job made again"
    assert names(artist) == ["Video 1", "Understudy", "Understudy character", "Understudy matte"]
    (result,) = on_track(artist, 2)
    assert (result.start, result.duration) == (EDIT, FRAMES)
    for frame in range(EDIT, EDIT + FRAMES):
        before, after = item_at(timeline, source, frame), item_at(timeline, result, frame)
        assert before is not None
        assert after is not None
        changed = np.abs(before - after)[..., :3].max(axis=2)
        assert np.median(changed) < 0.03, (
            "the clip is changed where nobody is, or another frame of it is shown"
        )
        assert (changed > 0.15).mean() > 0.01, "nobody took the person's place"
    check_layers(artist, timeline)
    assert breaches(artist.standin.log, artist.standin.profile) == []
    assert list(performance.rglob("*.journal")) == []


def check_layers(artist: Artist, timeline: Timeline) -> None:
    """The character stands out by its alpha, the matte by its white, on one and the same place; both are off."""
    (character,), (matte,) = on_track(artist, 3), on_track(artist, 4)
    assert (character.enabled, matte.enabled) == (False, False)
    for frame in range(EDIT, EDIT + FRAMES):
        alone, white = item_at(timeline, character, frame), item_at(timeline, matte, frame)
        assert alone is not None
        assert white is not None
        assert 0.02 < (alone[..., 3] > 0.5).mean() < 0.8
        assert ((alone[..., 3] > 0.5) == (white[..., 0] > 0.5)).mean() > 0.97


def kill(plugin: Plugin, choice: Choice, symbol: str, *, after: bool) -> None:
    faults = plugin.artist.standin.faults
    faults.kill(symbol, after=after)
    with pytest.raises(PluginKilled):
        plugin.run(choice)
    faults.clear()


def dies(*arguments: object) -> None:
    raise PluginKilled


def jobs_at(server: Server) -> list[str]:
    with Client(folder=server.home) as client:
        return [job.name for job in client.jobs()]
