"""The options of replace and animate that say whom the character follows, and how."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from .options import PASSES, given

FOLLOWING = "Whom it follows, and how"


class ProportionsName(StrEnum):
    CLIP = "clip"
    CHARACTER = "character"


PROPORTIONS = {
    ProportionsName.CLIP: job_pb2.PROPORTIONS_CLIP,
    ProportionsName.CHARACTER: job_pb2.PROPORTIONS_CHARACTER,
}
LIMBS = tuple(field.name for field in job_pb2.LimbFactors.DESCRIPTOR.fields)

Corrections = Annotated[
    Path | None,
    given(
        "--corrections",
        text="Keypoints put right by hand, JSON; of yours and of found ones alike.",
        panel=PASSES,
        metavar="JSON",
    ),
]
Person = Annotated[
    list[str] | None,
    given(
        "--person",
        text="Which of several people: A takes up most of the clip, then B, C. May be given several times, for one "
        "person who has a name in each of several shots.",
        panel=FOLLOWING,
        metavar="NAME",
    ),
]
PersonAt = Annotated[
    str | None,
    given(
        "--person-at",
        text="Or whoever is at a place of a frame, in pixels: 12,640,300.",
        panel=FOLLOWING,
        metavar="FRAME,X,Y",
    ),
]
Limb = Annotated[
    list[str] | None,
    given(
        "--limb",
        text=f"How many times as long a part becomes, 0.25 to 4: {', '.join(LIMBS)}. May be given several times.",
        panel=FOLLOWING,
        metavar="PART=FACTOR",
    ),
]
Proportions = Annotated[
    ProportionsName | None,
    given("--proportions", text="Whose body the skeleton has; the clip's if unset.", panel=FOLLOWING),
]
SteadyFaces = Annotated[
    bool,
    given(
        "--steady-faces",
        text="Face crops by your keypoints without tremble; those by found ones have none.",
        panel=FOLLOWING,
    ),
]
ReferenceBgr = Annotated[
    bool,
    given(
        "--reference-bgr",
        text="Find keypoints in pictures with red and blue swapped, as Wan-Animate's own preprocessing does.",
        panel=FOLLOWING,
    ),
]


def pose_options(
    *,
    person: list[str] | None,
    person_at: str | None,
    limb: list[str] | None,
    proportions: ProportionsName | None = None,
    steady_faces: bool,
    reference_bgr: bool,
) -> job_pb2.PoseOptions | None:
    """None where nothing was asked for. Raises InvalidRequest for what is of another form."""
    if person and person_at:
        message = "--person and --person-at both say who is meant. Leave out one of the two."
        raise InvalidRequest(message, metadata={"field": "person"})
    asked = job_pb2.PoseOptions(steady_faces=steady_faces, reference_bgr=reference_bgr)
    if person:
        asked.person.names.extend(person)
    if person_at is not None:
        asked.person.at.CopyFrom(place_of(person_at))
    if limb:
        asked.limbs.CopyFrom(_limbs(limb))
    if proportions is not None:
        asked.proportions = PROPORTIONS[proportions]
    return asked if asked.ByteSize() else None


def place_of(text: str, option: str = "--person-at") -> job_pb2.PersonAt:
    """ "12,640,300.5" -> frame 12, at 640, 300.5. Raises InvalidRequest for what is of another form."""
    try:
        frame, x, y = text.split(",")
        return job_pb2.PersonAt(frame=int(frame), x=float(x), y=float(y))
    except ValueError:
        message = f"{option} {text} is no place. Write a frame and the place in it, in pixels: 12,640,300."
        raise InvalidRequest(message, metadata={"field": "person_at", "person_at": text}) from None


def _limbs(texts: list[str]) -> job_pb2.LimbFactors:
    """["arms=1.1"] -> arms 1.1."""
    factors: dict[str, float] = {}
    for text in texts:
        part, _, factor = text.partition("=")
        try:
            if part not in LIMBS or part in factors:
                raise ValueError(part)
            factors[part] = float(factor)
        except ValueError:
            message = (
                f"--limb {text} is no factor. Write one of {', '.join(LIMBS)}, once, and a number: arms=1.1."
            )
            raise InvalidRequest(message, metadata={"field": "limb", "limb": text}) from None
    return job_pb2.LimbFactors(**factors)
