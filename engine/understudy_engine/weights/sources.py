"""Where weights come from: safetensors files, or stand-ins made by rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import WeightsMismatch, WeightsMissing
from .hashes import FileHash, check_hashes, file_hash
from .installed import Kind, Weights
from .mapping import Shape
from .parts import Part, part_files, patterns
from .standin import standin_weight

_RULE_SAMPLES = {
    "weight": (4, 8),
    "bias": (8,),
    "norm.gamma": (8, 1),
    "modulation": (1, 6, 8),
    "motion_encoder.weight": (4, 4),
}


class WeightSource(Protocol):
    @property
    def kind(self) -> Kind: ...

    @property
    def folder(self) -> Path | None:
        """Where files are; None for weights that need none."""
        ...

    def check(self) -> None:
        """Raises WeightsMissing or WeightsMismatch if files are not as they were packed. Before all else."""
        ...

    def sha256(self) -> str:
        """Changes whenever a weight does."""
        ...

    def stamp(self, part: Part) -> str:
        """Changes whenever the files of *part* do; reads none of them. Raises WeightsMissing without any."""
        ...

    def shapes(self, part: Part) -> Mapping[str, Shape] | None:
        """Name and shape of every tensor there is for *part*; None if any can be had, in the original naming.

        Raises WeightsMissing if there is nothing at all.
        """
        ...

    def read(self, part: Part, name: str, shape: Shape) -> Tensor: ...

    def settings(self, part: Part) -> Mapping[str, Any]:
        """What a JSON file beside the tensors says of them; empty without one."""
        ...

    def tokenizer(self) -> Path:
        """umT5's tokenizer.json; raises WeightsMissing without one."""
        ...


class StandIn:
    """Weights by the rule of standin.py: needs no file, makes pictures of noise."""

    kind = Kind.STAND_IN
    folder = None

    def __init__(self, salt: int = 0) -> None:
        self.salt = salt

    def check(self) -> None:
        """There is no file."""

    def sha256(self) -> str:
        """Of a few tensors, one by each branch of the rule."""
        digest = hashlib.sha256()
        for name, shape in _RULE_SAMPLES.items():
            digest.update(standin_weight(name, shape, self.salt).data)
        return digest.hexdigest()

    def stamp(self, part: Part) -> str:
        return self.sha256()

    def shapes(self, part: Part) -> None:
        return None

    def read(self, part: Part, name: str, shape: Shape) -> Tensor:
        return torch.from_numpy(standin_weight(name, shape, self.salt))

    def settings(self, part: Part) -> Mapping[str, Any]:
        return {}

    def tokenizer(self) -> Path:
        raise WeightsMissing("Stand-in weights have no tokenizer. Choose a folder with the released model.")


class SafetensorsFolder:
    """A folder with ``<part>.safetensors`` or shards in ``<part>/``, in the original or the Diffusers naming.

    The original release's transformer shards (diffusion_pytorch_model-*.safetensors) may lie in the folder.
    Files are mapped, not read whole: peak memory is one tensor beside the network. Where there is a hashes.json,
    ``check`` holds them against it.
    """

    def __init__(self, path: Path, kind: Kind = Kind.FILES) -> None:
        self.folder = path
        self.kind = kind
        self._checked: dict[str, FileHash] = {}
        self._sha256 = ""
        self._places: dict[Part, dict[str, Any]] = {}  # tensor name -> the open file that holds it

    def check(self) -> None:
        self._checked = check_hashes(
            self.folder, Weights(self.kind).remedy, required=self.kind is Kind.PACKAGED
        )

    def sha256(self) -> str:
        """Over the names and sha256 of all safetensors files in the folder, each read once."""
        if not self._sha256:
            lines = []
            for file in sorted(self.folder.rglob("*.safetensors")):
                name = file.relative_to(self.folder).as_posix()
                lines.append(f"{(self._checked.get(name) or file_hash(file)).sha256}  {name}\n")
            self._sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
        return self._sha256

    def stamp(self, part: Part) -> str:
        """Of hashes where they were checked, else of sizes and times."""
        lines = []
        for file in self._files(part):
            name, now = file.relative_to(self.folder).as_posix(), file.stat()
            known = self._checked.get(name)
            lines.append(f"{name} {known.sha256 if known else (now.st_size, now.st_mtime_ns)}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def shapes(self, part: Part) -> Mapping[str, Shape]:
        return {name: tuple(file.get_slice(name).get_shape()) for name, file in self._open(part).items()}

    def read(self, part: Part, name: str, shape: Shape) -> Tensor:
        tensor: Tensor = self._open(part)[name].get_tensor(name)
        return tensor

    def settings(self, part: Part) -> Mapping[str, Any]:
        for path in sorted(self.folder.glob(f"{part}/*config.json")):
            found: Mapping[str, Any] = json.loads(path.read_text())
            return found
        return {}

    def tokenizer(self) -> Path:
        for folder in ("tokenizer", "google/umt5-xxl"):
            path = self.folder / folder / "tokenizer.json"
            if path.exists():
                return path
        raise WeightsMissing(f"No tokenizer.json in {self.folder}/google/umt5-xxl. Download the model again.")

    def _open(self, part: Part) -> dict[str, Any]:
        if part not in self._places:
            files = [open_safetensors(path) for path in self._files(part)]
            self._places[part] = {name: file for file in files for name in file.keys()}  # noqa: SIM118 - not a dict
        return self._places[part]

    def _files(self, part: Part) -> list[Path]:
        if files := part_files(self.folder, part):
            return files
        raise WeightsMissing(
            f"No weights of the {part} in {self.folder}: expected {' or '.join(patterns(part))}. "
            "Download the model again.",
            part=part.value,
            folder=str(self.folder),
        )


def open_source(weights: Weights) -> WeightSource:
    return SafetensorsFolder(weights.folder, weights.kind) if weights.folder else StandIn()


def open_safetensors(path: Path) -> Any:
    """The file, mapped; raises WeightsMissing or WeightsMismatch if it is not there or broken."""
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework="pt")
    except FileNotFoundError:
        raise WeightsMissing(f"{path} does not exist. Download the model again.", file=str(path)) from None
    except SafetensorError as error:
        raise WeightsMismatch(
            f"{path} is damaged or no safetensors file ({error}). Download it again.", file=str(path)
        ) from error
