"""What made the pixels, in hashes: the model's widths, its weights, and the device that computed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from .model.configs import ModelSpec
from .weights.sources import WeightSource


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The same identity, request and library versions on the same machine give the same pixels."""

    name: str
    spec_sha256: str  # of every width and default in the model's row
    weights: str  # where they come from: "packaged", "files" or "stand-in"
    weights_sha256: str
    device: str  # torch's name: "cpu", "cuda"
    threads: int  # CPU threads that torch computes with
    nets_sha256: str = ""  # of the nets that find the person where passes are missing
    nets: str = ""  # which they are, and where they run


def identify(
    spec: ModelSpec, source: WeightSource, device: str, threads: int, nets_sha256: str = "", nets: str = ""
) -> ModelIdentity:
    """Reads weight files whole to hash them, about 2 GB a second; once for as long as *source* lives."""
    row = json.dumps(asdict(spec), sort_keys=True, default=str)
    return ModelIdentity(
        name=spec.name,
        spec_sha256=hashlib.sha256(row.encode()).hexdigest(),
        weights=source.kind,
        weights_sha256=source.sha256(),
        device=device,
        threads=threads,
        nets_sha256=nets_sha256,
        nets=nets,
    )
