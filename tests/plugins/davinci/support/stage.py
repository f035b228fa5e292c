"""The chain on the stand-in, set up in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.plugins.davinci.resolve_standin import PROFILES, Artist, ResolveStandIn
from tests.plugins.davinci.support.jobs import MADE, FakeJobs
from tests.plugins.davinci.support.timeline import shown
from understudy_davinci.errors import Refusal
from understudy_davinci.host import Host
from understudy_davinci.selection import select
from understudy_davinci.shot import Choice, Mode, Note, Progress, Shot
from understudy_davinci.swap import Chain


def host_of(artist: Artist) -> Host:
    return Host(artist.standin.resolve, artist.standin.clock)


def refusal_of(artist: Artist) -> str:
    """Why what is selected cannot be swapped."""
    with pytest.raises(Refusal) as refused:
        select(host_of(artist))
    assert refused.value.text.count("\n") == 0
    return refused.value.text


def choice(**changes: object) -> Choice:
    usual: dict[str, object] = {"mode": Mode.REPLACE, "character": Path("hero.png")}
    return Choice(**(usual | changes))  # type: ignore[arg-type]


class Stage:
    """A chain, its server, and all it says."""

    def __init__(self, artist: Artist, folder: Path, jobs: FakeJobs | None = None) -> None:
        self.artist = artist
        self.standin = artist.standin
        self.folder = folder
        self.jobs = jobs or FakeJobs()
        self.said: list[str] = []
        self.wanted = True
        self.chain = Chain(host_of(artist), self.jobs, folder, tell=self._tell, wanted=lambda: self.wanted)

    def again(self) -> Stage:
        """Another run of the plugin, on the same Resolve and server."""
        return Stage(self.artist, self.folder, self.jobs)

    def shot(self) -> Shot:
        (shot,) = self.chain.select()
        return shot

    def _tell(self, told: Note | Progress) -> None:
        self.said.append(told.text if isinstance(told, Note) else told.stage)


# ---- Frames 10 to 34 of "a" on V1 at 86400 -------------------------------------------------------------------

CUT = range(86400, 86424)
SWAPPED = [MADE + number for number in range(10, 34)]


def one_clip(artist: Artist, clips: dict[str, Path], folder: Path) -> Stage:
    artist.places(artist.imports(clips["a"]), CUT.start, frames=(10, 34))
    artist.looks_at(CUT.start + 5)
    return Stage(artist, folder)


def where_ends_count_otherwise(clips: dict[str, Path], folder: Path) -> Stage:
    """The same on a Resolve whose endFrame is the last frame itself."""
    artist = Artist(ResolveStandIn(replace(PROFILES["studio-20.3.2"], append_end_inclusive=True)))
    artist.project()
    artist.new_timeline()
    return one_clip(artist, clips, folder)


def seen(stage: Stage) -> list[int]:
    return shown(stage.artist, CUT.start, CUT.stop)
