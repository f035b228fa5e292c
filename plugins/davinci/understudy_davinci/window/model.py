# SPDX-License-Identifier: Apache-2.0
"""What the window shows and does, without a widget: the view draws it, tests drive it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from understudy_api.errors import JobCancelled
from understudy_api.spoken import time_text

from ..character import Pool
from ..errors import HostGone, Refusal
from ..jobs.estimate import Estimate
from ..jobs.people import Person
from ..jobs.server import Served
from ..reach.relayed import ResolveGone
from ..shot import Choice, Mode, Note, Placed, Progress, Shot, Tell, Wanted
from .options import Options
from .sentence import spoken
from .worker import Result, Worker


class Stage(StrEnum):
    OPENING = "opening"  # Resolve is looked for
    REFUSED = "refused"  # nothing can be swapped, as `status` says
    CHOOSING = "choosing"
    WORKING = "working"
    DONE = "done"  # the last work has ended, as `status` says; the artist may choose again


class Ticket(Protocol):
    """A job of an earlier time that waits for its place on the timeline."""

    @property
    def title(self) -> str: ...


class Desk(Protocol):
    """Resolve and the server, on the worker's thread. Errors are Refusal, UnderstudyError and OSError."""

    @property
    def about(self) -> str:
        """ "DaVinci Resolve Studio 20.3.2"."""

    def silence(self) -> str:
        """Why Resolve does not answer, "" as long as it does. From any thread."""

    def clean(self) -> list[str]: ...
    def waiting(self) -> list[Any]: ...
    def served(self) -> Served: ...
    def select(self) -> list[Shot]: ...
    def pool(self) -> Pool: ...
    def still(self) -> Path: ...
    def people(self, shot: Shot, choice: Choice) -> tuple[Person, ...]: ...
    def estimate(self, shot: Shot, choice: Choice) -> Estimate: ...
    def run(self, shot: Shot, choice: Choice) -> Placed: ...
    def finish(self, ticket: Any) -> Placed: ...


class Model:
    """All of it belongs to the window's thread; the worker's results come by its `drain`."""

    def __init__(self, worker: Worker, open_desk: Callable[[Tell, Wanted], Desk], options: Options) -> None:
        self.options = options
        self.stage = Stage.OPENING
        self.about = ""
        self.status = "Looking for DaVinci Resolve"
        self.notes: list[str] = []  # what the artist should know, besides
        self.shots: list[Shot] = []
        self.tickets: list[Ticket] = []
        self.pool = Pool([], [])  # empty until it has been read
        self.served: Served | None = None  # None until the server has told
        self.people: tuple[Person, ...] | None = None  # None while nobody has looked
        self.estimate: Estimate | None = None
        self.fraction: float | None = None  # None: how far is not known
        self.remaining_s: float | None = None
        self.failed = False  # the last work did
        self._worker = worker
        self._open_desk = open_desk
        self._desk: Desk | None = None
        self._cancelled = threading.Event()
        self._asked = 0  # estimates
        self._done: list[Placed] = []  # of the clips that are being worked on

    # ---- What is seen ------------------------------------------------------------------------------------

    @property
    def verb(self) -> str:
        return "Replace" if self.options.mode is Mode.REPLACE else "Animate"

    @property
    def busy(self) -> bool:
        return self.stage in (Stage.OPENING, Stage.WORKING)

    @property
    def said(self) -> str:
        """What is being done and how long it will take, or how it ended, or that Resolve hangs."""
        silence = self._desk.silence() if self.busy and self._desk else ""
        return silence or " · ".join(each for each in (self.status, self.remaining) if each) or self.hint

    @property
    def hint(self) -> str:
        """What is missing before a job can begin."""
        is_missing = self.stage is Stage.CHOOSING and self.options.character is None
        return "Choose a picture of the character." if is_missing else ""

    @property
    def can_run(self) -> bool:
        return self.stage in (Stage.CHOOSING, Stage.DONE) and bool(self.shots and self.options.character)

    @property
    def subject(self) -> str:
        """What is selected, in a line."""
        if not self.shots:
            return ""
        first, more = self.shots[0], len(self.shots) - 1
        return f"{first.name} and {more} more" if more else first.name

    @property
    def facts(self) -> str:
        """ "96 frames · 23.976 fps · 1920 x 1080"."""
        if not self.shots:
            return ""
        frames = sum(shot.frames for shot in self.shots)
        shot = self.shots[0]
        parts = [f"{frames} frame{'s' if frames != 1 else ''}", f"{float(shot.rate.fps):.5g} fps"]
        if all(shot.media.size):
            parts.append("{} × {}".format(*shot.media.size))
        return " · ".join(parts)

    @property
    def refuses_prompt(self) -> bool:
        """Whether it is known that the model reads no words."""
        return self.served is not None and not self.served.takes_prompt

    @property
    def remaining(self) -> str:
        """ "2 min left"."""
        return "" if self.remaining_s is None else f"{time_text(self.remaining_s)} left"

    # ---- What the artist does ----------------------------------------------------------------------------

    def start(self) -> None:
        """Looks for Resolve, puts right what a killed run left, and reads the selection."""

        def opened() -> Desk:
            self._desk = self._open_desk(self._tell, self._wanted)
            return self._desk

        self._do(Stage.OPENING, "Looking for DaVinci Resolve", opened, self._opened)

    def read_selection(self) -> None:
        self._do(Stage.OPENING, "Reading the selection", lambda: self._at_desk().select(), self._selected)

    def try_again(self) -> None:
        """After a refusal: a Resolve that was started since, another selection."""
        if self._desk is None:
            self.start()
        else:
            self.read_selection()

    def start_again(self, mode: Mode) -> None:
        """The menu entry was chosen once more: another selection, perhaps the other verb. Work that runs goes on."""
        if not self.busy:
            self.options = replace(self.options, mode=mode)
            self.try_again()

    def set(self, **changed: Any) -> None:
        """Changes options by their names."""
        self.options = replace(self.options, **changed)
        self._ask_estimate()

    def adjust(self, **changed: Any) -> None:
        """Changes options by their names that no estimate depends on: words and strengths."""
        self.options = replace(self.options, **changed)

    def set_lora(self, name: str, strength: float | None) -> None:
        """None leaves it out."""
        known = name in dict(self.options.loras)
        self.options = self.options.with_lora(name, strength)
        if not known or strength is None:
            self._ask_estimate()

    def toggle_person(self, name: str) -> None:
        self.options = self.options.with_person(name)
        self._ask_estimate()

    def set_layer(self, name: str, wanted: bool) -> None:
        self.options = self.options.with_layer(name, wanted)
        self._ask_estimate()

    def take_still(self) -> None:
        """Makes the frame at the playhead the character."""
        self._do(
            Stage.WORKING,
            "Taking the frame at the playhead",
            lambda: self._at_desk().still(),
            lambda path: self._ready("", character=path),
        )

    def find_people(self) -> None:
        """Who is in the clip, for the artist to choose from. Resolve may have to render it first."""
        shot, options = self.shots[0], self.options

        def find() -> tuple[Person, ...]:
            return self._at_desk().people(shot, options.for_looking())

        self._do(Stage.WORKING, "Looking for people", find, self._found)

    def run(self) -> None:
        """Does the job for each selected clip."""
        try:
            choice = self._usable.choice()
        except Refusal as refusal:
            self._end(refusal.text, failed=True)
            return

        self._run(self.shots, choice, [])

    def _run(self, left: list[Shot], choice: Choice, done: list[Placed]) -> None:
        self._done = done
        if not left:
            self._placed(done)
        elif done and self._cancelled.is_set():
            self._failed(JobCancelled(""))
        else:
            count = f", clip {len(done) + 1} of {len(self.shots)}" if len(self.shots) > 1 else ""
            self._do(
                Stage.WORKING,
                f"Beginning{count}",
                lambda: self._at_desk().run(left[0], choice),
                lambda placed: self._run(left[1:], choice, [*done, placed]),
            )

    def finish(self, ticket: Ticket) -> None:
        """Waits for a job of an earlier time, and places it."""
        self.tickets = [each for each in self.tickets if each is not ticket]
        self._done = []
        self._do(
            Stage.WORKING,
            f"Taking up {ticket.title}",
            lambda: [self._at_desk().finish(ticket)],
            self._placed,
        )

    def cancel(self) -> None:
        if self.stage is Stage.WORKING:
            self._cancelled.set()
            self.status, self.remaining_s = "Cancelling", None

    # ---- What comes back ---------------------------------------------------------------------------------

    def _opened(self, desk: Desk) -> None:
        self.about = desk.about

        def look() -> tuple[list[str], list[Any]]:
            return desk.clean(), desk.waiting()

        self._do(Stage.OPENING, "Reading the selection", look, self._looked)

    def _looked(self, found: tuple[list[str], list[Any]]) -> None:
        self.notes, self.tickets = found
        self.read_selection()

    def _selected(self, shots: list[Shot]) -> None:
        self.shots, self.people = shots, None
        self.set(people=())
        self.stage, self.status = Stage.CHOOSING, ""
        self._worker.do(lambda: self._at_desk().pool(), self._read_pool, lambda error: None)
        self._ask_served()

    def _read_pool(self, pool: Pool) -> None:
        self.pool = pool

    def _found(self, people: tuple[Person, ...]) -> None:
        self.people = people
        names = {person.name for person in people}
        count = f"{len(people)} {'people' if len(people) != 1 else 'person'} found"
        self._ready(
            count if people else "Nobody was found in the clip",
            people=tuple(name for name in self.options.people if name in names),
        )

    def _ready(self, text: str, **changed: Any) -> None:
        self.stage, self.status, self.fraction, self.remaining_s = Stage.CHOOSING, text, None, None
        self.set(**changed)

    def _placed(self, placed: list[Placed]) -> None:
        self.notes = [note for each in placed for note in each.notes]
        self._end(placed[-1].text, failed=False)
        self.fraction = 1.0
        self._ask_estimate()  # the server has learnt from it

    def _end(self, text: str, *, failed: bool) -> None:
        self.stage, self.status, self.failed, self._done = Stage.DONE, text, failed, []
        self.fraction = self.remaining_s = None

    # ---- The worker --------------------------------------------------------------------------------------

    def _do(
        self, stage: Stage, status: str, task: Callable[[], Result], then: Callable[[Result], None]
    ) -> None:
        self._cancelled.clear()
        self.stage, self.status, self.failed = stage, status, False
        self.fraction = self.remaining_s = None
        self._worker.do(task, then, self._failed)

    def _failed(self, error: Exception) -> None:
        text, cancelled = spoken(error)
        if count := len(self._done):
            text += (
                f" {count} clip{'s' if count > 1 else ''} before it {'are' if count > 1 else 'is'} placed."
            )
        if isinstance(error, (HostGone, ResolveGone)):
            self._desk = None  # its objects are dead, also once Resolve runs again
        if self.stage is Stage.OPENING or self._desk is None:
            self.stage, self.status, self.failed, self._done = Stage.REFUSED, text, True, []
        else:
            self._end(text, failed=not cancelled)

    def _ask_estimate(self) -> None:
        """Of the newest choice alone: older questions are dropped when their turn comes."""
        self._asked += 1
        number = self._asked
        self.estimate = None
        if not (self.shots and self.options.character):
            return
        shot, options = self.shots[0], self._usable

        def ask() -> Estimate | None:
            if number != self._asked:
                return None
            return self._at_desk().estimate(shot, options.choice())

        def told(estimate: Estimate | None) -> None:
            if number == self._asked:
                self.estimate = estimate
            if self.served is None and estimate and not estimate.trouble:
                self._ask_served()  # the server was away when the window opened

        self._worker.do(ask, told, lambda error: told(Estimate(trouble=spoken(error)[0])))

    def look_at_server(self) -> None:
        """Which model it has now, and which LoRAs: files may have come."""
        if self.shots and not self.busy:
            self._ask_served()

    def _ask_served(self) -> None:
        def told(served: Served) -> None:
            self.served = served

        self._worker.do(lambda: self._at_desk().served(), told, lambda error: None)

    @property
    def _usable(self) -> Options:
        """Of the options those that the model knows."""
        return replace(self.options, prompt="") if self.refuses_prompt else self.options

    def _at_desk(self) -> Desk:
        assert self._desk is not None, "start opens it before anything else is done"
        return self._desk

    def _wanted(self) -> bool:
        return not self._cancelled.is_set()

    def _tell(self, told: Note | Progress) -> None:
        self._worker.tell(lambda: self._hear(told))

    def _hear(self, told: Note | Progress) -> None:
        if not self.busy or self._cancelled.is_set():
            return
        match told:
            case Note(text):
                self.status = text[:1].upper() + text[1:]
            case Progress(fraction, stage, remaining_s):
                self.status = stage[:1].upper() + stage[1:]
                self.fraction, self.remaining_s = fraction, remaining_s
