"""A process that opens all media of one request and ends: ``python -m understudy_server.preflight MODEL LIMITS``.

What is wrong with the passes, or odd about them, is found by the engine's own code before any model runs. Reads a
JobSpec and the files' paths as JSON from standard input; writes warnings as JSON (exit 0), or a Status (exit 1).
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from understudy_api.v1 import job_pb2
from understudy_engine.model.configs import model_spec
from understudy_engine.planning import Material, RoleMaterial, open_material
from understudy_engine.preprocess.keypoint_files import read_keypoints
from understudy_engine.preprocess.keypoints import Keypoints
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.roles import told_together
from understudy_engine.types import SwapRequest
from understudy_engine.weights.parts import Part

from .convert import swap_request
from .questions import answer
from .settings import Limits

SEEN_SCORE = 0.3  # a point that is really there
OTHER_BUILD = 2.5  # times; a body with raised arms stays below
SMALL = 1 / 2  # of the clip's size: detail is visibly lost


def encode(
    spec: job_pb2.JobSpec, files: Mapping[str, Path], loras: Collection[Part], weights: Path | None
) -> bytes:
    """What this process reads: *spec* is Replace or Animate, *files* its media by name, *loras* the model's, *weights*
    its folder."""
    packed = base64.b64encode(spec.SerializeToString()).decode("ascii")
    paths = {name: str(path) for name, path in files.items()}
    folder = None if weights is None else str(weights)
    return json.dumps({"spec": packed, "files": paths, "loras": sorted(loras), "weights": folder}).encode()


def decode(asked: Mapping[str, Any]) -> SwapRequest:
    """The request that `encode` was given; the artist's own LoRAs are named in it alone."""
    spec = job_pb2.JobSpec.FromString(base64.b64decode(asked["spec"]))
    return swap_request(spec, {name: Path(path) for name, path in asked["files"].items()})


def look_through(
    request: SwapRequest, model: str, loras: Collection[Part], weights: Path | None = None
) -> list[str]:
    """Raises EngineError: what the job's first step would refuse with."""
    nets = NetFolder(released=weights)
    with open_material(request, model_spec(model), loras=loras, nets=nets) as material:
        builds = [list(_odd_build(role, material)) for role in material.roles]
        return [*material.draft.plan.warnings, *_odd(material), *told_together(builds)]


def _odd(material: Material) -> Iterator[str]:
    """What can be made, and may still not be what the artist wants."""
    size, inside, scale = material.plate.info.size, material.draft.fit.canvas, material.draft.fit.scale
    if scale < SMALL:
        yield (
            f"{material.plate.info.path.name} is {size.width}x{size.height}; the character is made at "
            f"{inside.width}x{inside.height}, {1 / scale:.1f} times smaller, and enlarged. A larger work area keeps "
            "more detail."
        )


def _odd_build(role: RoleMaterial, material: Material) -> Iterator[str]:
    """The same of one role's person and picture."""
    if role.request.passes.keypoints is not None and role.request.clip is not None:
        keypoints = read_keypoints(role.request.passes.keypoints, material.plate.info.size)
        height, width = role.picture.shape[:2]
        yield from _build(keypoints, height / width)


def _build(keypoints: Keypoints, picture: float) -> Iterator[str]:
    """Whether the person and the character's *picture* (its height over its width) can show the same part of a body."""
    points = keypoints.points[:, :23]  # body and feet
    heights_over_widths = []
    for frame in points:
        seen = frame[frame[:, 2] > SEEN_SCORE, :2]
        width, height = np.ptp(seen, axis=0) if len(seen) > 2 else (0.0, 0.0)
        if width > 0:
            heights_over_widths.append(height / width)
    if not heights_over_widths:
        yield "The keypoints show no body with any certainty; the character will have little to follow."
        return
    person = float(np.median(heights_over_widths))
    if max(person / picture, picture / person) > OTHER_BUILD:
        yield (
            f"The person in the clip is about {person:.1f} times as tall as wide, the character's picture "
            f"{picture:.1f} times. If the picture shows another part of the body, the character will be stretched or "
            "cut: choose a picture that shows as much of the body as the clip."
        )


def main() -> int:
    model, limits = sys.argv[1], Limits.model_validate_json(sys.argv[2])
    return answer(limits, lambda question: _found(json.load(question), model))


def _found(asked: dict[str, Any], model: str) -> bytes:
    loras = [Part(name) for name in asked["loras"]]
    weights = None if asked["weights"] is None else Path(asked["weights"])
    return json.dumps(look_through(decode(asked), model, loras, weights)).encode()


if __name__ == "__main__":
    sys.exit(main())
