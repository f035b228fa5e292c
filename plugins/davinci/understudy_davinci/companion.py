# SPDX-License-Identifier: Apache-2.0
"""The companion of Resolve: reaches it, opens the window, and stays until what was begun has its place.

Started by the menu scripts as ``python -m understudy_davinci replace --relay``, or by hand without ``--relay``.
"""

from __future__ import annotations

import argparse
import functools
import logging
import sys
from pathlib import Path

from understudy_api.endpoint import data_folder

from . import character
from .alone import Alone
from .character import Pool
from .errors import Refusal
from .host import Host
from .installing.checks import ROUND_TRIP
from .jobs import server
from .jobs.estimate import Estimate
from .jobs.people import Person
from .jobs.server import Served
from .jobs.server_jobs import ServerJobs
from .reach.places import Machine
from .reach.relayed import Pipe, standard_pipe
from .reach.way import reach
from .shot import Choice, Mode, Placed, Shot, Tell, Wanted
from .swap import Chain
from .ticket import Ticket
from .window.model import Model
from .window.options import remember, remembered
from .window.worker import Worker

NO_PYTHON_FROM = (21, 1)  # in the free edition


class ResolveDesk:
    """Resolve and the server, for the window. All but `silence` is called from the worker's thread."""

    def __init__(self, host: Host, jobs: ServerJobs, folder: Path, tell: Tell, wanted: Wanted) -> None:
        self._host = host
        self._jobs = jobs
        self._folder = folder
        self._tell = tell
        self._wanted = wanted
        self._chain = Chain(host, jobs, folder, tell=tell, wanted=wanted)
        self.about = _about(host)

    def silence(self) -> str:
        return self._host.silence()

    def clean(self) -> list[str]:
        return self._chain.clean()

    def waiting(self) -> list[Ticket]:
        return self._chain.waiting()

    def served(self) -> Served:
        return self._jobs.served()

    def select(self) -> list[Shot]:
        return self._chain.select()

    def pool(self) -> Pool:
        return character.pool(self._host)

    def still(self) -> Path:
        return character.at_playhead(self._host, self._folder / "stills")

    def people(self, shot: Shot, choice: Choice) -> tuple[Person, ...]:
        return self._jobs.people(self._chain.footage(shot, choice), self._tell, self._wanted)

    def estimate(self, shot: Shot, choice: Choice) -> Estimate:
        """Resolve renders nothing for it."""
        if why := self._chain.to_render(shot, choice):
            return Estimate(trouble=f"Known once Resolve has rendered the clip, which {why}.")
        return self._jobs.estimate(self._chain.order(shot, choice))

    def run(self, shot: Shot, choice: Choice) -> Placed:
        return self._chain.run(shot, choice)

    def finish(self, ticket: Ticket) -> Placed:
        return self._chain.finish(ticket)


def _about(host: Host) -> str:
    """Which Resolve it is. Raises Refusal for those that cannot be worked with."""
    edition = host.edition()
    if not edition.is_studio and edition.version[:2] >= NO_PYTHON_FROM:
        raise Refusal(ROUND_TRIP)
    if not host.is_alive():
        raise Refusal("Resolve has no project library open. Open a project, then try again.")
    return str(edition)


def open_desk(machine: Machine, pipe: Pipe | None, folder: Path, tell: Tell, wanted: Wanted) -> ResolveDesk:
    """Raises NotReached, Refusal."""
    host = Host(reach(machine, pipe))
    return ResolveDesk(host, ServerJobs(server.connect, tell), folder, tell, wanted)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="understudy_davinci", description=__doc__)
    parser.add_argument("verb", choices=[str(mode) for mode in Mode])
    parser.add_argument("--relay", action="store_true", help="Resolve is at the other end of a pipe.")
    given = parser.parse_args(arguments)
    try:
        from .window.view import Window
    except ImportError as error:
        sys.stderr.write(f"this Python has no Tk to show a window with ({error})\n")
        return 2
    folder = data_folder() / "davinci"
    alone = Alone(folder)
    if not alone.begin(given.verb):
        return 0  # its window comes to the front
    pipe = standard_pipe() if given.relay else None
    worker = Worker()
    opener = functools.partial(open_desk, Machine.here(), pipe, folder)
    model = Model(worker, opener, remembered(folder / "options.json", Mode(given.verb)))
    window = Window(model, worker, alone.knocked)
    _log_to(folder / "companion.log")
    window.run()
    remember(folder / "options.json", model.options)
    alone.end()
    if pipe:
        pipe.close()
    return 0


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=path, level=logging.WARNING, format="%(asctime)s %(message)s")
