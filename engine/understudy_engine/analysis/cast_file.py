"""A cast as JSON, exact: shots, and everybody's boxes in frames that count from the start of what was surveyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..preprocess.detect import Person
from ..preprocess.people.cast import Cast, Member
from ..types import FrameRange


def write_cast(path: Path, cast: Cast) -> None:
    members = [
        {
            "name": member.name,
            "shot": [member.shot.start, member.shot.end],
            "shown_in": member.shown_in,
            "boxes": [[frame, *box] for frame, box in member.boxes.items()],
        }
        for member in cast.members
    ]
    shots = [[shot.start, shot.end] for shot in cast.shots]
    path.write_text(json.dumps({"shots": shots, "members": members}), "utf-8")


def read_cast(path: Path) -> Cast:
    document = json.loads(path.read_text("utf-8"))
    shots = tuple(FrameRange(*shot) for shot in document["shots"])
    return Cast(tuple(_member(one) for one in document["members"]), shots)


def _member(one: dict[str, Any]) -> Member:
    boxes = {frame: Person(*box) for frame, *box in one["boxes"]}
    return Member(one["name"], FrameRange(*one["shot"]), boxes, one["shown_in"])
