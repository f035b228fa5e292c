"""Replace and Animate, from the selected clip to the result above it: select, decide, render, hand over, run, place.

    chain = Chain(Host(resolve), jobs, folder)
    chain.clean()
    for shot in chain.select():
        placed = chain.run(shot, choice)

A run may be killed at any step. The next one's `clean` puts Resolve right, and `waiting` and `finish` take up its job.
All methods are called from one thread.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from understudy_api.errors import MediaRefused, ServerAway, UnderstudyError

from . import recover, renders
from .bake import bake
from .errors import Refusal
from .host import Host
from .journal import Journal
from .names import stem
from .place import place
from .selection import select
from .shot import Choice, Footage, Jobs, Note, Order, Placed, Progress, Shot, Tell, Wanted
from .source import Decision, Render, check_file, decide, read_directly
from .ticket import Ticket, ticket_for


class Chain:
    """One artist's work with one Resolve and one server."""

    def __init__(
        self, host: Host, jobs: Jobs, folder: Path, *, tell: Tell | None = None, wanted: Wanted | None = None
    ) -> None:
        """*folder*: of the user's data, where journals, renders and results lie."""
        self._host = host
        self._jobs = jobs
        self._folder = folder
        self._tell = tell or _silent
        self._wanted = wanted or (lambda: True)
        self._footage: dict[object, Footage] = {}
        self._journals: dict[str, Journal] = {}

    # ---- From the timeline to the server -----------------------------------------------------------------

    def select(self) -> list[Shot]:
        """Raises Refusal."""
        return select(self._host)

    def footage(self, shot: Shot, choice: Choice) -> Footage:
        """What the server is given; Resolve renders it where the file will not do, once.

        Raises:
            Refusal: it cannot be had. UnderstudyError: the server does not answer.
        """
        key = _key(shot, choice)
        known = self._footage.get(key)
        if known is None or not known.path.exists():
            self._footage[key] = known = self._had(shot, choice)
        return known

    def to_render(self, shot: Shot, choice: Choice) -> str:
        """Why Resolve would have to render *shot* first, "is retimed"; "" where its frames are at hand.

        Raises:
            Refusal: they cannot be had. UnderstudyError: the server does not answer.
        """
        known = self._footage.get(_key(shot, choice))
        return "" if known and known.path.exists() else self._decided(shot, choice).why

    def order(self, shot: Shot, choice: Choice, uid: str = "") -> Order:
        """For an estimate, and for the job itself."""
        return Order(
            uid=uid or str(uuid.uuid4()),
            title=_title(shot, choice),
            mode=choice.mode,
            clip=self.footage(shot, choice),
            character=choice.character,
            people=choice.people,
            quality=choice.quality,
            seed=choice.seed,
            relight_strength=choice.relight_strength,
            prompt=choice.prompt,
            four_step_strength=choice.four_step_strength,
            loras=choice.loras,
            matte=choice.matte,
            layers=choice.layers,
        )

    def submit(self, shot: Shot, choice: Choice) -> Ticket:
        """Hands the job in; it goes on in the server whatever happens here."""
        order = self.order(shot, choice)
        ticket = ticket_for(order.uid, order.mode, order.title, shot, order.clip, order.layers)
        journal = self._journals[ticket.uid] = recover.begin(self._journal_folder, ticket)
        renders.note_use(journal, order.clip.path)
        timeline = self._host.timeline_by_id(shot.timeline)
        if timeline is not None:
            recover.mark(self._host, timeline, ticket, shot.part.start)
        try:
            self._tell(Note("handing in the job"))
            journal.note("job", name=self._jobs.submit(order))
        except ServerAway:
            raise  # it may have the job all the same: `waiting` asks it
        except UnderstudyError:
            self._forget(ticket)
            raise
        return ticket

    # ---- From the server to the timeline -----------------------------------------------------------------

    def run(self, shot: Shot, choice: Choice) -> Placed:
        """Raises Refusal and UnderstudyError; the timeline is then as before."""
        return self.finish(self.submit(shot, choice))

    def finish(self, ticket: Ticket) -> Placed:
        """Waits for the job and lays its result over the clip.

        Raises:
            UnderstudyError: the job failed or was cancelled. Where the server is away, or the files cannot be written,
                `waiting` finds the job again. Refusal: the result cannot be placed; `waiting` finds it too.
        """
        journal = self._journals.get(ticket.uid) or recover.begin(self._journal_folder, ticket)
        self._journals[ticket.uid] = journal
        job = str((journal.last("job") or {}).get("name") or self._jobs.find(ticket.uid) or "")
        if not job:
            self._forget(ticket)
            raise Refusal(f"The server knows no job of “{ticket.title}”. Run it again.")
        try:
            self._jobs.follow(job, self._tell, self._wanted)
        except ServerAway:
            raise
        except UnderstudyError:
            self._forget(ticket)
            raise
        name = f"{stem(ticket.title)}_{ticket.uid[:8]}"
        made = self._jobs.deliver(job, ticket.layers, self._folder / "results" / stem(ticket.title), name)
        journal.note("made", result=str(made.result))
        self._tell(Progress(1.0, "placing the result"))
        try:
            placed = place(self._host, ticket, made, journal)
        except Refusal:
            recover.unmark(self._host, ticket)
            self._journals.pop(ticket.uid)  # its file stays: `waiting` finds the result again
            raise
        self._forget(ticket)
        return placed

    def forget(self, ticket: Ticket) -> None:
        """Does not wait for its job any more; what is made of it is kept."""
        if ticket.uid not in self._journals:
            self._journals[ticket.uid] = recover.begin(self._journal_folder, ticket)
        self._forget(ticket)

    # ---- After a run that was killed, and after Resolve was closed ---------------------------------------

    def clean(self) -> list[str]:
        """Puts right in Resolve what killed runs have left; says so, a sentence each. Old renders go."""
        said = recover.clean(self._host, self._journal_folder)
        renders.prune(self._folder, self._journal_folder)
        return said

    def waiting(self) -> list[Ticket]:
        """Jobs that were handed in and are not placed. Raises UnderstudyError: the server does not answer."""
        found = []
        for ticket, journal in recover.tickets(self._host, self._journal_folder):
            self._journals[ticket.uid] = journal
            if self._jobs.find(ticket.uid):
                found.append(ticket)
            else:
                self._forget(ticket)
        return found

    # ---- Parts -------------------------------------------------------------------------------------------

    @property
    def _journal_folder(self) -> Path:
        return self._folder / "journal"

    def _forget(self, ticket: Ticket) -> None:
        recover.settle(self._host, self._journals.pop(ticket.uid))

    def _had(self, shot: Shot, choice: Choice) -> Footage:
        decision = self._decided(shot, choice)
        if decision.render is None:
            footage = read_directly(shot, choice.handles)
            self._tell_of_handles(footage, choice.handles)
            return footage
        footage = bake(
            self._host, shot, decision, self._folder, str(uuid.uuid4()),
            handles=choice.handles, sequence=choice.sequence, tell=self._tell, wanted=self._wanted,
        )  # fmt: skip
        made = self._jobs.probe(footage.path)
        if made.frames != footage.span.length:
            raise Refusal(
                f"Resolve rendered {made.frames} of {footage.span.length} frames of “{shot.name}”. Run it again."
            )
        self._tell_of_handles(footage, choice.handles)
        return footage

    def _tell_of_handles(self, footage: Footage, wanted: int) -> None:
        if (footage.before, footage.behind) != (wanted, wanted):
            told = f"{footage.before} frames before and {footage.behind} behind the cut"
            self._tell(Note(f"The handles are {told} instead of {wanted}: there is no more"))

    def _decided(self, shot: Shot, choice: Choice) -> Decision:
        """By what Resolve tells, and then by what the server finds in the file itself."""
        decision = decide(shot, choice)
        if decision.render:
            return decision
        assert shot.media.file is not None
        try:
            found = check_file(shot, self._jobs.probe(shot.media.file))
        except MediaRefused as refused:
            found = Decision(Render.CLEAN, f"cannot be read by the server ({refused.message.rstrip('.')})")
        if found.render:
            return decide(shot, choice, found=found)
        return found


def _key(shot: Shot, choice: Choice) -> object:
    """What footage depends on."""
    return (
        shot.item, shot.cut, shot.part, shot.left_offset,
        choice.handles, choice.source, choice.graded, choice.sequence,
    )  # fmt: skip


def _title(shot: Shot, choice: Choice) -> str:
    return choice.title or f"{Path(shot.name).stem}, {choice.character.stem}"


def _silent(told: Note | Progress) -> None:
    return
