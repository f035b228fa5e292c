"""The companion behind the menu script: opened on a stand-in, driven as the window drives it, killed and run again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.plugins.davinci.conftest import Seat
from tests.plugins.davinci.resolve_standin import Artist, ResolveStandIn
from tests.plugins.davinci.support.timeline import on_track
from tests.server.support.process import Server
from tests.support.waiting import PATIENCE_S, wait_until
from understudy_api.client import Client
from understudy_api.v1 import job_pb2
from understudy_davinci import companion
from understudy_davinci.errors import Refusal
from understudy_davinci.host import Host
from understudy_davinci.reach.places import Machine
from understudy_davinci.reach.relayed import Pipe
from understudy_davinci.shot import Mode
from understudy_davinci.window.model import Model, Stage
from understudy_davinci.window.options import Options
from understudy_davinci.window.worker import Worker
from understudy_launcher import relay

EDIT = 86400
CHILD = """
import sys
from pathlib import Path
from understudy_davinci.companion import open_desk
from understudy_davinci.reach.places import Machine
from understudy_davinci.reach.relayed import standard_pipe
from understudy_davinci.shot import Choice, Mode

folder, hero = map(Path, sys.argv[1:])
desk = open_desk(Machine.here(), standard_pipe(), folder, lambda told: None, lambda: True)
desk.run(desk.select()[0], Choice(mode=Mode.REPLACE, character=hero, quality="best"))
"""
Serve = Callable[[ResolveStandIn], Pipe]


@pytest.fixture
def served() -> Iterator[Serve]:
    """The pipe to a stand-in, as the menu script serves it."""
    opened: list[tuple[Pipe, threading.Thread]] = []

    def serve(standin: ResolveStandIn) -> Pipe:
        asked, asks = os.pipe()
        answered, answers = os.pipe()

        def run() -> None:
            with os.fdopen(asked, "rb") as requests, os.fdopen(answers, "wb") as replies:
                relay.serve(standin.resolve, requests, replies)

        opened.append((Pipe(os.fdopen(asks, "wb"), os.fdopen(answered, "rb")), threading.Thread(target=run)))
        opened[-1][1].start()
        return opened[-1][0]

    yield serve
    for pipe, thread in opened:
        pipe.close()
        thread.join(PATIENCE_S)


@pytest.fixture
def free(seat: Seat, footage: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Artist:
    """The free edition, whose only way in is its menu, with a clip under the playhead."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(server.home))
    artist = seat("free-21.0.3")
    artist.places(artist.imports(footage / "clip.mkv"), EDIT, frames=(4, 16))
    artist.looks_at(EDIT + 2)
    return artist


class Opened:
    """The window without its widgets."""

    def __init__(self, pipe: Pipe, folder: Path, **options: object) -> None:
        self.worker = Worker()
        self.model = Model(
            self.worker,
            lambda tell, wanted: companion.open_desk(
                Machine(platform="linux", home=folder), pipe, folder, tell, wanted
            ),
            Options(**options),  # type: ignore[arg-type]
        )
        self.model.start()
        self.until(lambda: not self.model.busy)

    def until(self, condition: Callable[[], bool]) -> None:
        def met() -> bool:
            self.worker.drain()
            return condition()

        wait_until(met)


def test_from_the_menu_of_the_free_edition_to_a_result_in_sync(
    free: Artist, served: Serve, footage: Path
) -> None:
    window = Opened(
        served(free.standin), footage / "davinci", character=footage / "hero.png", quality="preview"
    )
    model = window.model
    assert (model.stage, model.about) == (Stage.CHOOSING, "DaVinci Resolve 21.0.3")
    assert (model.subject, model.facts) == ("clip.mkv", "12 frames · 24 fps · 64 × 48")
    window.until(lambda: model.estimate is not None)
    assert model.estimate is not None
    assert model.estimate.trouble == ""
    model.run()
    window.until(lambda: not model.busy)
    assert not model.failed, model.status
    [item] = on_track(free, 2)
    assert (item.start, item.duration) == (EDIT, 12)


def test_choosing_options_never_starts_a_render(
    seat: Seat, served: Serve, footage: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(server.home))
    artist = seat("free-21.0.3")
    artist.places(artist.imports(footage / "clip.mkv"), EDIT, frames=(0, 24), speed=Fraction(2))
    artist.looks_at(EDIT)
    window = Opened(served(artist.standin), footage / "retimed", character=footage / "hero.png")
    window.until(lambda: window.model.estimate is not None)
    assert window.model.estimate is not None
    assert window.model.estimate.trouble == "Known once Resolve has rendered the clip, which is retimed."
    assert artist.standin.log.results_of("Project.AddRenderJob") == []


def test_resolve_that_quits_under_the_window_is_said(free: Artist, served: Serve, footage: Path) -> None:
    pipe = served(free.standin)
    window = Opened(pipe, footage / "quit")
    pipe.close()
    window.model.read_selection()
    window.until(lambda: not window.model.busy)
    assert window.model.stage is Stage.REFUSED
    assert "Resolve" in window.model.status
    window.model.try_again()
    window.until(lambda: not window.model.busy)
    assert "DaVinci Resolve has ended the connection" in window.model.status
    assert "start Understudy again" in window.model.status


def test_a_companion_that_is_killed_is_taken_up_by_the_next(
    free: Artist, served: Serve, footage: Path, server: Server
) -> None:
    """Killed as a process is, while the server works; the next finds its job, and places the result once."""
    folder = footage / "killed"
    server.fault.halt("step 1 1")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(footage / "hero.png")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin
    assert child.stdout
    thread = threading.Thread(target=relay.serve, args=(free.standin.resolve, child.stdout, child.stdin))
    thread.start()
    job = _running(server)
    child.kill()
    child.wait()
    server.fault.go_on()
    thread.join(PATIENCE_S)
    for file in (child.stdin, child.stdout):
        file.close()
    assert len(free.timeline.tracks["video"]) == 1, "nothing is on the timeline yet"

    window = Opened(served(free.standin), folder, mode=Mode.REPLACE)
    model = window.model
    [ticket] = model.tickets
    assert ticket.title == "clip, hero"
    model.finish(ticket)
    window.until(lambda: not model.busy)
    assert not model.failed, model.status
    [item] = on_track(free, 2)
    assert (item.start, item.duration) == (EDIT, 12)
    with Client.connect(folder=server.home) as client:
        assert client.job(job).state == job_pb2.JOB_STATE_SUCCEEDED
    assert Opened(served(free.standin), folder).model.tickets == []


def _running(server: Server) -> str:
    """The job, once it is halfway."""
    found: list[str] = []
    with Client.connect(folder=server.home) as client:

        def looked() -> list[str]:
            running = client.jobs(states=[job_pb2.JOB_STATE_RUNNING])
            found.extend(job.name for job in running if job.progress.fraction > 0)
            return found

        wait_until(looked)
    return found[0]


@pytest.mark.parametrize(
    ("profile", "said"),
    [("free-21.1", "understudy replace clip.mov hero.png"), ("studio-18", "19.0 or later")],
)
def test_a_resolve_that_cannot_be_worked_with_is_said_at_once(profile: str, said: str) -> None:
    class Resolve:
        def GetProductName(self) -> str:  # noqa: N802
            return "DaVinci Resolve" if profile.startswith("free") else "DaVinci Resolve Studio"

        def GetVersion(self) -> list[object]:  # noqa: N802
            return [21, 1, 0, 3, ""] if profile.startswith("free") else [18, 6, 6, 7, ""]

    with pytest.raises(Refusal, match=said):
        companion._about(Host(Resolve()))
