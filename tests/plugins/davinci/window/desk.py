"""A desk that is not there: what the window is shown with, and its model tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from understudy_davinci.character import Pool
from understudy_davinci.errors import Refusal
from understudy_davinci.frames import Rate, RecordSpan
from understudy_davinci.jobs.estimate import Estimate
from understudy_davinci.jobs.people import Person
from understudy_davinci.jobs.server import Served
from understudy_davinci.shot import Choice, Kind, Media, Placed, Shot
from understudy_davinci.window.model import Model, Stage
from understudy_davinci.window.options import Options
from understudy_davinci.window.worker import Worker

SHOT = Shot(
    name="boxer_012.mov",
    kind=Kind.FILE,
    project="p",
    timeline="t",
    item="i",
    track=1,
    cut=RecordSpan(86400, 86496),
    part=RecordSpan(86400, 86496),
    rate=Rate(Fraction(24)),
    left_offset=0,
    media=Media(file=Path("boxer_012.mov"), frames=120, rate=Rate(Fraction(24)), size=(1920, 1080)),
)


class Inline(Worker):
    """Does tasks when `drain` is called, on the test's own thread."""

    def _run(self) -> None:
        return

    def drain(self) -> bool:
        came = False
        while not self._tasks.empty():
            self._tasks.get()()
            came = super().drain() or came
        return super().drain() or came


@dataclass
class FakeDesk:
    about: str = "DaVinci Resolve Studio 20.3.2"
    silent: str = ""
    shots: list[Shot] = field(default_factory=lambda: [SHOT])
    tickets: list[Any] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    found: list[tuple[str, Path]] = field(default_factory=list)
    clips: list[tuple[str, Path]] = field(default_factory=list)
    playhead: Path | None = None
    cast: tuple[Person, ...] = ()
    cost: Estimate = field(default_factory=lambda: Estimate(seconds=(95, 140), memory_bytes=3_100_000_000))
    model: Served = field(default_factory=lambda: Served(model="Wan2.2-Animate 14B", takes_prompt=True))
    raises: Exception | None = None
    refuses: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    ran: list[Choice] = field(default_factory=list)
    estimated: list[Choice] = field(default_factory=list)
    finished: list[Any] = field(default_factory=list)

    def silence(self) -> str:
        return self.silent

    def clean(self) -> list[str]:
        return self.cleaned

    def waiting(self) -> list[Any]:
        return self.tickets

    def served(self) -> Served:
        return self.model

    def select(self) -> list[Shot]:
        if not self.shots:
            raise Refusal("Nothing is selected. Select a clip on the timeline, or put the playhead on one.")
        return self.shots

    def pool(self) -> Pool:
        return Pool(self.found, self.clips)

    def still(self) -> Path:
        assert self.playhead
        return self.playhead

    def people(self, shot: Shot, choice: Choice) -> tuple[Person, ...]:
        return self.cast

    def estimate(self, shot: Shot, choice: Choice) -> Estimate:
        self.estimated.append(choice)
        return self.cost

    def run(self, shot: Shot, choice: Choice) -> Placed:
        self.ran.append(choice)
        self.meanwhile()
        if self.raises:
            raise self.raises
        if shot.name in self.refuses:
            raise Refusal(f"{shot.name} is locked. Unlock its track.")
        return Placed(text=f"{shot.name} is on track 2.", track=2, version=1)

    def finish(self, ticket: Any) -> Placed:
        self.finished.append(ticket)
        return Placed(text=f"{ticket.title} is on track 2.", track=2, version=1)


def opened(desk: FakeDesk, **options: Any) -> tuple[Model, Worker]:
    """A model whose window has just opened over *desk*."""
    worker = Inline()
    model = Model(worker, lambda tell, wanted: desk, replace(Options(), **options))
    model.start()
    assert model.stage is Stage.OPENING
    worker.drain()
    return model, worker
