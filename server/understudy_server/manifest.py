"""How a result came about, as one JSON file: docs/manifest.md describes it field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InvalidField
from .words import input_words

VERSION = 1
BASE_TAKE = "base_take"  # a retake's input beside the files: the take it starts from, told by its master


class _Part(BaseModel):
    # Unknown fields are a later version's: replay still knows what it knows.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Model(_Part):
    name: str
    spec_sha256: str = ""
    weights: str = ""
    weights_sha256: str = ""
    nets_sha256: str = ""  # where passes were found
    nets: str = ""  # which those were, and where they ran


class Machine(_Part):
    system: str
    device: str
    device_name: str
    threads: int


class Input(_Part):
    role: str  # "clip", "character", a pass, or BASE_TAKE
    name: str  # of the file or folder, as its client called it: text, never a path
    asset: str  # "media/..." (or "jobs/...") on the server that made the result
    sha256: str
    size_bytes: int


class Layer(_Part):
    pixels: str
    file_sha256: str
    size_bytes: int


class Segment(_Part):
    index: int
    frames: tuple[int, int]  # from the start of the range; the end is not included
    seed: int
    layers: dict[str, Layer]
    seeds: list[int] = []  # of roles 1, 2 and so on
    order: list[tuple[int, int, list[int]]] = []  # frames from and to, and the roles there from back to front


class File(_Part):
    sha256: str
    size_bytes: int


class Manifest(_Part):
    format: Literal["understudy.manifest"] = "understudy.manifest"
    version: Literal[1] = 1
    job: str
    made: str  # when, ISO 8601, UTC
    software: dict[str, str]
    machine: Machine
    model: Model
    request: dict[str, Any]  # JobSpec in protobuf's JSON, without media and delivery
    inputs: list[Input]
    mode: str
    frames: tuple[int, int]  # of the clip; the end is not included
    rate: str  # "24000/1001"
    result_size: tuple[int, int]
    model_size: tuple[int, int]
    settings: dict[str, Any]  # every option as resolved
    warnings: list[str] = []
    segments: list[Segment]
    master: File

    def to_json(self) -> str:
        told = self.model_dump(mode="json")
        for segment in told["segments"]:
            for field in ("seeds", "order"):
                if not segment[field]:  # of one role
                    del segment[field]
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def read_manifest(text: str, name: str) -> Manifest:
    """Raises InvalidField if *text*, of the file called *name*, is no manifest of a version known here."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidField(
            f"{name} is no manifest of Understudy, version {VERSION}: {where + ': ' if where else ''}{first['msg']}. "
            "Take the manifest.json of a result, or what GetManifest gives.",
            field=where or "manifest",
        ) from None


# ---- Two results held against one another ----------------------------------------------------------------


def frames_that_differ(one: Manifest, other: Manifest) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """The frames of each segment of *one* that *other* does not have alike, and the layers that differ."""
    theirs = {segment.frames: segment.layers for segment in other.segments}
    for segment in one.segments:
        found = theirs.get(segment.frames, {})
        unlike = [
            name
            for name, layer in segment.layers.items()
            if name not in found or found[name].pixels != layer.pixels
        ]
        if unlike:
            yield segment.frames, unlike


def causes(before: Manifest, after: Manifest) -> list[str]:
    """What is not the same about how two results came about, a sentence each, inputs first."""
    return [
        *_inputs(before, after),
        *_values("model", before.model.model_dump(), after.model.model_dump()),
        *_values("setting", before.settings, after.settings),
        *_values("", _shape(before), _shape(after)),
        *_values("version of", before.software, after.software),
        *_values("machine's", before.machine.model_dump(), after.machine.model_dump()),
    ]


def _shape(manifest: Manifest) -> dict[str, Any]:
    return {
        "mode": manifest.mode,
        "range": "{} to {}".format(*manifest.frames),
        "rate": manifest.rate,
        "result size": "{} x {}".format(*manifest.result_size),
        "model size": "{} x {}".format(*manifest.model_size),
    }


def _inputs(before: Manifest, after: Manifest) -> Iterator[str]:
    now = {file.role: file for file in after.inputs}
    for was in before.inputs:
        found = now.pop(was.role, None)
        if found is None:
            yield f"There is no {input_words(was.role)} now; it was '{was.name}'."
        elif found.sha256 != was.sha256:
            yield (
                f"The {input_words(was.role)} is another file: '{found.name}', {found.size_bytes} bytes, sha256 "
                f"{found.sha256[:12]}; it was '{was.name}', {was.size_bytes} bytes, {was.sha256[:12]}."
            )
    for added in now.values():
        yield f"There was no {input_words(added.role)} before; now it is '{added.name}'."


def _values(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        was, found = before.get(name), after.get(name)
        if was != found:
            subject = f"{kind} {_words(name)}".strip()
            yield f"The {subject} is {_told(found)}; it was {_told(was)}."


def _words(name: str) -> str:
    return name.replace("_", " ")


def _told(value: Any) -> str:
    text = "unknown" if value in (None, "") else str(value)
    return text[:12] if len(text) == 64 else text
