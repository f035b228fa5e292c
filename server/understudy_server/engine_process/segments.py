"""Finished segments on the disk, and which of them a new attempt may keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy_api.v1 import result_pb2
from understudy_engine.media.atomic import atomic_folder
from understudy_engine.media.digest import PictureDigest, picture_digest
from understudy_engine.media.info import ClipInfo, ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.model.between import Between, go_on
from understudy_engine.roles import MOST_ROLES
from understudy_engine.types import Layer, Mode, Picture, Plan, SegmentDone

from ..convert import LAYER_VALUES, of_role, pending_segment
from ..storage import JobFolder, sha256

MANIFEST = "segment.json"


def plan_digest(plan: Plan) -> str:
    """Segments of another plan, for example after an update changed a default, must not be mixed with ours."""
    words = repr(
        (plan.model, plan.mode, plan.frames, plan.rate, plan.result_size, plan.model_size, plan.segments)
    )
    settings = json.dumps(dict(plan.settings), sort_keys=True, default=str)
    return hashlib.sha256(f"{words} {plan.steps} {plan.seed} {settings}".encode()).hexdigest()


def store_segment(
    folder: JobFolder, done: SegmentDone, plan: Plan, clip: ClipInfo | None, between: Between = go_on
) -> result_pb2.Segment:
    """Writes every layer, and the overlap as floats, as one folder that is there as a whole or not at all.

    *between* is called after every picture.
    """
    folder.segments.mkdir(parents=True, exist_ok=True)
    layers = {str(layer): pictures for layer, pictures in done.layers.items()}
    for role, other in enumerate(done.others, 1):
        layers |= {of_role(layer, role): pictures for layer, pictures in other.layers.items()}
    digests = {name: PictureDigest() for name in layers}
    with atomic_folder(folder.segment(done.segment.index)) as aside:
        for name, pictures in layers.items():
            colour, pixel_aspect = _look(Layer(name.partition("-")[0]), plan.mode, clip)
            passing = digests[name].watch(_one_by_one(pictures, between))
            write_layer(
                aside / f"{name}.mkv", passing, rate=plan.rate, colour=colour, pixel_aspect=pixel_aspect
            )
        for role, overlap in enumerate([done.overlap, *(other.overlap for other in done.others)]):
            np.save(aside / _overlap_file(role), overlap, allow_pickle=False)
        manifest = {
            "index": done.segment.index,
            "plan": plan_digest(plan),
            "seed": done.seed,
            **_of_several(done),
            "files": {file.name: facts(file) for file in sorted(aside.iterdir())},
            "pixels": {name: digest.hexdigest() for name, digest in digests.items()},
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2), "utf-8")
    return stored_message(pending_segment(done.segment), manifest)


def _one_by_one(pictures: Sequence[Picture], between: Between) -> Iterator[Picture]:
    for picture in pictures:
        yield picture
        between()


def _of_several(done: SegmentDone) -> dict[str, Any]:
    """What is noted where there are several roles: seeds of the further ones, and who stands where."""
    if not done.others:
        return {}
    spans = [(span.frames.start, span.frames.end, list(span.back_to_front)) for span in done.order]
    return {"seeds": [other.seed for other in done.others], "order": spans}


def _overlap_file(role: int) -> str:
    return f"{of_role('overlap', role)}.npy"


def _look(layer: Layer, mode: Mode, clip: ClipInfo | None) -> tuple[ColourTags, Fraction]:
    """What a layer's samples mean, and the width of its pixels over their height."""
    if mode is Mode.ANIMATE or layer is Layer.POSE or clip is None:
        return ColourTags(range="pc"), Fraction(1)  # RGB of the model's own making
    if layer is Layer.RESULT:
        return clip.colour, clip.pixel_aspect
    return replace(clip.colour, matrix="", range="pc"), clip.pixel_aspect  # RGB in the plate's curve


def kept_segments(folder: JobFolder, plan: Plan) -> list[result_pb2.Segment]:
    """The segments from the first on that are whole, unchanged and of this plan."""
    kept = []
    digest = plan_digest(plan)
    for segment in plan.segments:
        manifest = whole_manifest(folder.segment(segment.index), digest)
        if manifest is None:
            break
        kept.append(stored_message(pending_segment(segment), manifest))
    return kept


def segment_manifest(folder: JobFolder, index: int) -> dict[str, Any]:
    """What is noted of a stored segment: its seed, the size and sha256 of each of its files by name."""
    stored: dict[str, Any] = json.loads((folder.segment(index) / MANIFEST).read_text("utf-8"))
    return stored


def pixel_hashes(folder: JobFolder, index: int) -> dict[str, str]:
    """The `PictureDigest` of each layer of a stored segment, by the layer's name."""
    stored = segment_manifest(folder, index)
    if "pixels" in stored:
        pixels: dict[str, str] = stored["pixels"]
        return pixels
    # Stored by a version that did not note them: looked at once more.
    return {file.stem: picture_digest(file) for file in sorted(folder.segment(index).glob("*.mkv"))}


def read_overlap(folder: JobFolder, index: int, role: int = 0) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.load(folder.segment(index) / _overlap_file(role), allow_pickle=False)
    return found


def facts(file: Path) -> dict[str, Any]:
    """What a manifest notes of a file, to know it again."""
    return {"size_bytes": file.stat().st_size, "sha256": sha256(file)}


def whole_manifest(folder: Path, digest: str) -> dict[str, Any] | None:
    """The manifest, if it is of the plan with *digest* and every file is as it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        whole = all(facts(folder / name) == noted for name, noted in manifest["files"].items())
        return manifest if whole and manifest["plan"] == digest else None
    except (OSError, ValueError, KeyError):
        return None


def stored_message(segment: result_pb2.Segment, manifest: Mapping[str, Any]) -> result_pb2.Segment:
    """*segment*, STORED, with what *manifest* says of it."""
    segment.state = result_pb2.SEGMENT_STATE_STORED
    segment.seed = manifest["seed"]
    for role in range(MOST_ROLES):
        for layer in Layer:
            facts = manifest["files"].get(f"{of_role(layer, role)}.mkv")
            if facts:
                segment.layers.add(layer=LAYER_VALUES[layer], role=role, **facts)
    return segment
