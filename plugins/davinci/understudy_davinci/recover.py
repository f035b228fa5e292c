"""What runs that were killed have left: put right in Resolve, and jobs of theirs found again."""

from __future__ import annotations

from pathlib import Path

from . import renders
from .bake import undo
from .errors import Refusal
from .host import Host, Timeline
from .journal import Journal, abandoned
from .names import PRODUCT
from .state import State, put_back
from .ticket import Ticket


def clean(host: Host, folder: Path) -> list[str]:
    """Takes away what is ours and half done; what is the artist's since then is not touched. A sentence for each."""
    said: list[str] = []
    for journal in abandoned(folder, host.project_id()):
        shows_ours, is_on_our_page = _shows_our_timeline(host), _is_on_our_page(host, journal)
        notes = undo(host, journal) if journal.last("render") else []
        if journal.is_open("state", "state_back"):
            state = State.of(journal.last("state") or {})
            if shows_ours or is_on_our_page or _shows_our_bin(host):
                notes += put_back(host, state, playhead=shows_ours)
            if not notes:
                journal.note("state_back")
        if journal.last("done") and _unmarked(host, journal):
            journal.close()
        if render := journal.last("render"):
            renders.remove(Path(str(render["folder"])))
            said.append("An interrupted render of Understudy was taken out of Resolve.")
            if not notes:
                journal.close()
        said += notes
    return said


def tickets(host: Host, folder: Path) -> list[tuple[Ticket, Journal]]:
    """Of results that were ordered and are not placed: by journals, and by our markers on the open timeline."""
    found = {}
    for journal in abandoned(folder, host.project_id()):
        ticket = _ticket(journal)
        if ticket and not journal.last("done"):
            found[ticket.uid] = (ticket, journal)
    timeline = host.timeline()
    for data in host.markers(timeline).values() if timeline else ():
        ticket = Ticket.from_json(data)
        if ticket and ticket.uid not in found and not (folder / f"{ticket.uid}.journal").exists():
            found[ticket.uid] = (ticket, begin(folder, ticket))
    return list(found.values())


def begin(folder: Path, ticket: Ticket) -> Journal:
    journal = Journal.begin(folder, ticket.uid, ticket.project)
    journal.note("ticket", data=ticket.to_json())
    return journal


# ---- The marker that stands on the timeline while a job runs -------------------------------------------------


def mark(host: Host, timeline: Timeline, ticket: Ticket, record_start: int) -> None:
    """On the first free frame of the clip; a frame holds one marker. Without one the journal alone finds the job."""
    taken = host.markers(timeline)
    first = record_start - host.timeline_span(timeline).start
    for frame in range(first, first + ticket.source.length):
        if frame not in taken:
            host.add_marker(timeline, frame, f"{PRODUCT} {ticket.mode}", ticket.title, ticket.to_json())
            return


def unmark(host: Host, ticket: Ticket) -> bool:
    """Whether it is gone afterwards. Where Resolve or the project is closed it is not: `clean` tries it again."""
    try:
        if host.project_id() != ticket.project:
            return False
        timeline = host.timeline_by_id(ticket.timeline)
        if timeline is not None and ticket.to_json() in host.markers(timeline).values():
            host.delete_marker(timeline, ticket.to_json())
            return ticket.to_json() not in host.markers(timeline).values()
    except Refusal:
        return False
    return True


def settle(host: Host, journal: Journal) -> None:
    """The end of a run, however it ended: nothing of it is waited for any more."""
    journal.note("done")
    if _unmarked(host, journal):
        journal.close()


def _unmarked(host: Host, journal: Journal) -> bool:
    ticket = _ticket(journal)
    return ticket is None or unmark(host, ticket)


def _ticket(journal: Journal) -> Ticket | None:
    told = journal.last("ticket")
    return Ticket.from_json(str(told.get("data", ""))) if told else None


# ---- Whether Resolve stands where a run of ours has left it: nobody has worked on since ----------------------


def _shows_our_timeline(host: Host) -> bool:
    timeline = host.timeline()
    return timeline is not None and host.timeline_name(timeline).startswith(f"{PRODUCT} render ")


def _shows_our_bin(host: Host) -> bool:
    ours = host.find_bin(host.root_bin(), PRODUCT)
    if ours is None:
        return False
    return host.bin_id(host.current_bin()) in {host.bin_id(each) for each in (ours, *host.sub_bins(ours))}


def _is_on_our_page(host: Host, journal: Journal) -> bool:
    opened = journal.last("page")
    return opened is not None and host.page() == opened["page"]
