"""One look through a clip for the people of all roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from ..errors import PassMismatch
from ..roles import named_role

if TYPE_CHECKING:
    from .perceive import FoundPerson

AS_BEFORE = "as found before"


def look_together(people: Mapping[int, FoundPerson]) -> Iterator[str]:
    """Looks at all frames for each role's person: once for who is there, once for points and mattes of them all.

    Yields after each frame which it was. Raises PassMissing as `FoundPerson.look`, and PassMismatch if two are one.
    """
    for role, person in people.items():
        with named_role(role, people):
            yield from [AS_BEFORE] if person.recall() else []
    for person in people.values():
        person.refuse_bad_nets()
    for person in people.values():
        yield from (f"first look, frame {seen} of {len(person)}" for seen in person.first_look())
    there = {}
    for role, person in people.items():
        with named_role(role, people):
            if person.chosen() == {}:
                person.refuse_nobody()
            else:
                there[role] = person
    _refuse_one_for_two(there)
    frames = max(map(len, there.values()), default=0)
    for index in _together(list(there.values())):
        yield f"frame {index + 1} of {frames}"
    for role, person in there.items():
        person.keep()
        person.let_go()
        if len(person.absent()) == frames:
            with named_role(role, people):
                person.refuse_nobody()


def _together(people: Sequence[FoundPerson]) -> Iterator[int]:
    """Several share one reading of the clip, frame by frame; one alone looks at several frames side by side."""
    if len(people) == 1:
        yield from people[0].second_look()
        return
    for index in range(min((person.seen for person in people), default=0), max(map(len, people), default=0)):
        for person in people:
            person[index]
        yield index


def _refuse_one_for_two(people: Mapping[int, FoundPerson]) -> None:
    """Raises PassMismatch if two roles have the same box in a frame: nobody else can be in it."""
    for (one, a), (other, b) in combinations(people.items(), 2):
        theirs = b.chosen() or {}
        if any(theirs.get(index) == box for index, box in (a.chosen() or {}).items()):
            raise one_for_two(one, other)


def one_for_two(one: int, other: int) -> PassMismatch:
    return PassMismatch(
        f"Roles {one} and {other} would replace the same person. Choose another person for one of them; `understudy "
        "analyse` shows who is in the clip.",
        role=one,
        other=other,
    )
