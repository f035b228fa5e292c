# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a clip shows: an analysis on the server, followed by a thread. Knows nothing of bpy."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import server
from ._api.errors import JobCancelled, UnderstudyError
from .ranges import ClipRange
from .request import RoleChoice
from .server import ServerChoice

if TYPE_CHECKING:
    from ._api.client import Client
    from ._api.v1 import analysis_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a clip, with a name in each shot."""

    name: str  # "A"
    shot: ClipRange
    frames_seen: int
    picture: Path  # of the frame that shows them best


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is known of a search; a new one for each change."""

    key: str  # what was searched: see `key_of`
    text: str = "asking the server"
    fraction: float = 0.0
    analysis: str = ""  # "analyses/…"
    people: tuple[Person, ...] | None = None  # None while nobody knows
    ended: bool = False
    reason: str = ""  # of an error, as a word for programs
    failed: bool = False


def key_of(clip: Path, frames: ClipRange) -> str:
    """What people's names hold for: another range may give them to others."""
    return f"{clip}|{frames.start}|{frames.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    clip: Path
    frames: ClipRange
    folder: Path  # for people's pictures


class Finder:
    """Finds people for the main thread, which gets a `Search` whenever something is new."""

    def __init__(self, choice: ServerChoice, wanted: Wanted) -> None:
        self._choice = choice
        self._wanted = wanted
        self._cancelled = threading.Event()
        self._client: Client | None = None
        self._analysis = ""

    def cancel(self) -> None:
        """Stops the analysis; what it has found stays for the next time. Returns at once."""
        self._cancelled.set()
        threading.Thread(target=self._cancel, name="understudy-cancel-analysis", daemon=True).start()

    def run(self, tell: Callable[[Search], None]) -> None:
        """Runs until the search has ended. On a thread."""
        search = Search(key=key_of(self._wanted.clip, self._wanted.frames))
        told = _Telling(tell, search)
        try:
            with server.connect(self._choice, lambda text: told(text=text)) as client:
                self._client = client
                self._follow(client, told)
        except JobCancelled:
            told(text="Cancelled", ended=True)
        except UnderstudyError as error:
            told(text=error.message, reason=error.reason, failed=True, ended=True)
        except OSError as error:
            told(text=f"The pictures cannot be written: {error}.", failed=True, ended=True)

    def _follow(self, client: Client, told: _Telling) -> None:
        from ._api.v1 import analysis_pb2, media_pb2

        clip = client.hand_over(
            self._wanted.clip,
            media_pb2.MEDIA_KIND_VIDEO,
            progress=lambda sent, whole: told(text="sending the clip", fraction=sent / max(whole, 1)),
        )
        self._check_wanted()
        analysis = client.create_analysis(clip.name, range=tuple(self._wanted.frames))
        self._analysis = analysis.name
        self._check_wanted()
        told(analysis=analysis.name)
        with client.watch_analysis(analysis.name) as changes:
            for change in changes:
                if change.people and told.now.people is None:
                    told(people=self._people(client))
                told(text=stage_of(change), fraction=fraction_of(change))
        if client.analysis(analysis.name).state == analysis_pb2.ANALYSIS_STATE_CANCELLED:
            raise JobCancelled("Cancelled")
        client.wait_for_analysis(analysis.name)  # raises what it failed with
        told(people=self._people(client), text="", fraction=1.0, ended=True)

    def _people(self, client: Client) -> tuple[Person, ...]:
        folder = self._wanted.folder / self._analysis.rpartition("/")[2]
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_person(each, folder) for each in client.people(self._analysis))

    def _check_wanted(self) -> None:
        if self._cancelled.is_set():
            self._cancel()
            raise JobCancelled("Cancelled")

    def _cancel(self) -> None:
        if self._client and self._analysis:
            with contextlib.suppress(UnderstudyError):  # what goes on harms nobody: the next job uses it
                self._client.cancel_analysis(self._analysis)


class _Telling:
    """Tells of a search as it changes."""

    def __init__(self, tell: Callable[[Search], None], search: Search) -> None:
        self._tell = tell
        self.now = search

    def __call__(self, **changed: object) -> None:
        self.now = replace(self.now, **changed)
        self._tell(self.now)


def _person(found: analysis_pb2.Person, folder: Path) -> Person:
    picture = folder / f"{found.name}.png"
    picture.write_bytes(found.thumbnail)
    return Person(
        name=found.name,
        shot=ClipRange(found.shot.start, found.shot.end),
        frames_seen=found.frames_seen,
        picture=picture,
    )


def stage_of(analysis: analysis_pb2.Analysis) -> str:
    """What is being looked for, in words."""
    from ._api.v1 import analysis_pb2 as v1

    words: Mapping[int, str] = {
        v1.FOUND_PASS_PEOPLE: "looking for people",
        v1.FOUND_PASS_POINTS: "reading the motion",
        v1.FOUND_PASS_MATTE: "cutting out the person",
        v1.FOUND_PASS_PAINTED: "cutting out the person",
        v1.FOUND_PASS_MOTION: "smoothing the motion",
    }
    if analysis.state == v1.ANALYSIS_STATE_QUEUED:
        return "waiting"
    done = analysis.progress
    text = words.get(getattr(done, "pass"), "looking")
    return f"{text}, frame {done.frame} of {done.frames}" if done.frames else text


def fraction_of(analysis: analysis_pb2.Analysis) -> float:
    """How much of the pass that is looked for is done, 0 to 1."""
    done = analysis.progress
    return done.frame / done.frames if done.frames else 0.0


def cast(main: Iterable[str], pictures: Iterable[tuple[str, ClipRange, Path]]) -> tuple[RoleChoice, ...]:
    """The further roles: people with *pictures* of their own, *main* left out.

    People of several shots who get one picture are one role; two in one shot are two.

    Args:
        pictures: name, shot and picture of each.
    """
    taken = set(main)
    roles: list[tuple[Path, dict[ClipRange, str]]] = []
    for name, shot, picture in pictures:
        if name in taken:
            continue
        same = next((shots for path, shots in roles if path == picture and shot not in shots), None)
        if same is None:
            roles.append((picture, {shot: name}))
        else:
            same[shot] = name
    return tuple(RoleChoice(tuple(shots.values()), picture) for picture, shots in roles)
