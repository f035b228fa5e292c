"""The options of replace that name several people, each with a character of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from .options import given
from .pose_options import place_of
from .specs import find_passes

PANEL = "Several people"

Role = Annotated[
    list[str] | None,
    given(
        "--role",
        text="Who is replaced by whom: B=bob.png, or a place of a frame in pixels, 12,640,300=bob.png. May be given "
        "several times; CHARACTER may then be left out.",
        panel=PANEL,
        metavar="PERSON=PICTURE",
    ),
]
RolePasses = Annotated[
    list[str] | None,
    given(
        "--role-passes",
        text="A folder with passes of one role's person, as --passes takes it.",
        panel=PANEL,
        metavar="PERSON=FOLDER",
    ),
]
InFront = Annotated[
    list[str] | None,
    given("--in-front", text="A role that stands in front of all others.", panel=PANEL, metavar="PERSON"),
]
Behind = Annotated[
    list[str] | None,
    given("--behind", text="A role that stands behind all others.", panel=PANEL, metavar="PERSON"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRole:
    """One person and their character, in files of this machine."""

    person: str  # "B", or "12,640,300"
    character: Path
    passes: dict[str, Path] = field(default_factory=dict)  # by the names of PassInputs' fields
    depth: job_pb2.Depth.ValueType = job_pb2.DEPTH_UNSPECIFIED

    def pose(self, asked: job_pb2.PoseOptions | None) -> job_pb2.PoseOptions:
        """*asked* of this person, unless keypoints say who they are."""
        made = job_pb2.PoseOptions()
        if asked is not None:
            made.CopyFrom(asked)
        made.ClearField("person")
        if "keypoints" not in self.passes:
            made.person.CopyFrom(_choice(self.person))
        return made


def roles(
    texts: list[str] | None,
    folders: list[str] | None,
    in_front: list[str] | None,
    behind: list[str] | None,
) -> list[AskedRole]:
    """Raises InvalidRequest for what is of another form, named twice, or of nobody."""
    found: dict[str, AskedRole] = {}
    for text in texts or []:
        person, picture = _parts(text, "--role", "B=bob.png")
        if person in found:
            raise _amiss("role", f"--role {person} is given twice. Give each person one character.")
        found[person] = AskedRole(person=person, character=Path(picture))
    for text in folders or []:
        person, folder = _parts(text, "--role-passes", "B=passes")
        found[person] = replace(_of(found, person, "--role-passes"), passes=find_passes(Path(folder)))
    depths = (("--in-front", in_front, job_pb2.DEPTH_FRONT), ("--behind", behind, job_pb2.DEPTH_BEHIND))
    for option, people, depth in depths:
        for person in people or []:
            found[person] = replace(_of(found, person, option), depth=depth)
    return list(found.values())


def with_first(
    character: Path | None, named: Sequence[AskedRole], chosen: object
) -> tuple[AskedRole | None, list[AskedRole]]:
    """The role that takes CHARACTER's place, None where there is one, and the others.

    *chosen*: what else says whom CHARACTER replaces.
    """
    if character is not None:
        return None, list(named)
    if not named:
        raise _amiss("character", "Name a picture of the character: CLIP CHARACTER, or --role A=alice.png.")
    if chosen:
        raise _amiss(
            "person", "--person says whom CHARACTER replaces, and there is none. Leave it out, or name one."
        )
    return named[0], list(named[1:])


def _parts(text: str, option: str, example: str) -> tuple[str, str]:
    person, equals, path = text.partition("=")
    if not (person and equals and path):
        raise _amiss(
            option.strip("-").replace("-", "_"), f"{option} {text} is no role. Write it as: {example}."
        )
    return person, path


def _of(found: dict[str, AskedRole], person: str, option: str) -> AskedRole:
    if person not in found:
        there = ", ".join(found) or "none"
        raise _amiss("role", f"{option} {person}: there is no role of that name; there are: {there}.")
    return found[person]


def _choice(person: str) -> job_pb2.PersonChoice:
    if "," in person:
        return job_pb2.PersonChoice(at=place_of(person, "--role"))
    return job_pb2.PersonChoice(names=[person])


def _amiss(field_name: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, metadata={"field": field_name})
