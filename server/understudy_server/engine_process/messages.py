"""What the server and its engine process say to each other, over the engine's standard input and output.

A message is a dataclass; on the pipe it is four bytes of length, then JSON. What is itself a message of the API
travels as its bytes. Everything about a job carries the job's name and attempt, so that words about an attempt that is
over are recognised and dropped. Analyses are made by another process, with messages of the same kind: what they call a
job is then an analysis.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, field, fields
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")


# ---- To the engine ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    job: str
    attempt: int
    spec: bytes  # JobSpec
    files: dict[str, str]  # media asset's name -> absolute path
    shown_as: dict[str, str]  # media asset's name -> what its client calls the file: text, never a path
    delivery: str  # absolute path to write to, or ""
    retake: bytes = b""  # RetakeSpec; empty: not a retake
    base_segments: list[bytes] = field(default_factory=list)  # Segment, of the take a retake starts from
    loras: dict[str, str] = field(default_factory=dict)  # the artist's own LoRA's name -> absolute path


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisAssignment:
    """For a process that finds passes."""

    job: str  # the analysis's name
    attempt: int
    spec: bytes  # AnalysisSpec
    revision: int
    clip: str  # absolute path
    clip_shown_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Leave the job within one step, whatever is to become of it; answered by Stopped."""

    job: str
    attempt: int
    after_segment: bool = False  # finish the running segment first


# ---- From the engine -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The model is loaded."""

    devices: list[bytes]  # Device
    card: dict[str, Any] = field(
        default_factory=dict
    )  # Card.as_data of the GPU that it computes with, if it does


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFailed:
    status: bytes  # Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """Sent each second, whatever the engine does."""

    moving: bool  # something was done since the last beat
    devices: list[bytes]  # Device, as they are now; empty until the model is loaded
    card: dict[str, Any] = field(default_factory=dict)  # as Ready's, with its rates once they were measured


@dataclass(frozen=True, slots=True, kw_only=True)
class OfJob:
    job: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(OfJob):
    plan: bytes  # JobPlan
    segments: list[bytes]  # Segment, all of them; those kept from an attempt before are STORED
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageBegun(OfJob):
    segment: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed(OfJob):
    """A warning that only the work itself could bring to light."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone(OfJob):
    segment: int
    step: int  # 1-based
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewMade(OfJob):
    segment: int
    step: int
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentStored(OfJob):
    segment: bytes  # Segment, STORED


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(OfJob):
    outputs: list[bytes]  # OutputFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked(OfJob):
    """A frame was looked at for a pass of an analysis."""

    found_pass: int  # FoundPass
    frame: int  # 1-based
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassDone(OfJob):
    found_pass: int  # FoundPass
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleKnown(OfJob):
    """The folder of people is there."""

    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed(OfJob):
    """The folder of the revision is there."""

    chosen: list[str]
    assets: dict[str, bytes]  # file of the revision's folder -> MediaAsset, without a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(OfJob):
    status: bytes  # Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(OfJob):
    """The job was left as Stop asked; its stored segments stay."""


Message = (
    Assignment
    | AnalysisAssignment
    | Stop
    | Ready
    | LoadFailed
    | Beat
    | PlanMade
    | StageBegun
    | Noticed
    | StepDone
    | PreviewMade
    | SegmentStored
    | Finished
    | Looked
    | PassDone
    | PeopleKnown
    | Analysed
    | Failed
    | Stopped
)
AnyAssignment = Assignment | AnalysisAssignment
KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in Message.__args__}


def encode(message: Message) -> bytes:
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    body = json.dumps({"kind": type(message).__name__, **values}, default=_bytes_to_json).encode()
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    values = json.loads(body, object_hook=_bytes_from_json)
    return KINDS[values.pop("kind")](**values)


def read(pipe: BinaryIO) -> Message | None:
    """The next message, or None when the other end is gone. Blocks."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = pipe.read(length)
    return decode(body) if len(body) == length else None


def _bytes_to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"{type(value).__name__} does not travel over the pipe")


def _bytes_from_json(values: dict[str, Any]) -> Any:
    return base64.b64decode(values["base64"]) if values.keys() == {"base64"} else values
