"""Where weights come from: safetensors files, or stand-ins made by rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import WeightsMismatch, WeightsMissing
from .mapping import Shape
from .standin import standin_weight


class Part(StrEnum):
    """A network, or tensor, that is stored on its own. The value is the name of its file or folder."""

    TRANSFORMER = "transformer"
    VAE = "vae"
    IMAGE_ENCODER = "image_encoder"
    TEXT_ENCODER = "text_encoder"
    DEFAULT_CONTEXT = "default_context"
    NEGATIVE_CONTEXT = "negative_context"
    RELIGHTING_LORA = "relighting_lora"


_RULE_SAMPLES = {
    "weight": (4, 8),
    "bias": (8,),
    "norm.gamma": (8, 1),
    "modulation": (1, 6, 8),
    "motion_encoder.weight": (4, 4),
}


class WeightSource(Protocol):
    @property
    def kind(self) -> str:
        """In a word: "stand-in" or "files"."""
        ...

    def sha256(self) -> str:
        """Changes whenever a weight does."""
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

    kind = "stand-in"

    def __init__(self, salt: int = 0) -> None:
        self.salt = salt

    def sha256(self) -> str:
        """Of a few tensors, one by each branch of the rule."""
        digest = hashlib.sha256()
        for name, shape in _RULE_SAMPLES.items():
            digest.update(standin_weight(name, shape, self.salt).data)
        return digest.hexdigest()

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
    Files are mapped, not read whole: peak memory is one tensor beside the network.
    """

    kind = "files"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sha256 = ""
        self._places: dict[Part, dict[str, Any]] = {}  # tensor name -> the open file that holds it

    def sha256(self) -> str:
        """Over the names and sha256 of all safetensors files in the folder, read once."""
        if not self._sha256:
            lines = []
            for file in sorted(self.path.rglob("*.safetensors")):
                with file.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                lines.append(f"{digest}  {file.relative_to(self.path).as_posix()}\n")
            self._sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
        return self._sha256

    def shapes(self, part: Part) -> Mapping[str, Shape]:
        return {name: tuple(file.get_slice(name).get_shape()) for name, file in self._open(part).items()}

    def read(self, part: Part, name: str, shape: Shape) -> Tensor:
        tensor: Tensor = self._open(part)[name].get_tensor(name)
        return tensor

    def settings(self, part: Part) -> Mapping[str, Any]:
        for path in sorted(self.path.glob(f"{part}/*config.json")):
            found: Mapping[str, Any] = json.loads(path.read_text())
            return found
        return {}

    def tokenizer(self) -> Path:
        for folder in ("tokenizer", "google/umt5-xxl"):
            path = self.path / folder / "tokenizer.json"
            if path.exists():
                return path
        raise WeightsMissing(f"No tokenizer.json in {self.path}/google/umt5-xxl. Download the model again.")

    def _open(self, part: Part) -> dict[str, Any]:
        if part not in self._places:
            files = [open_safetensors(path) for path in self._files(part)]
            self._places[part] = {name: file for file in files for name in file.keys()}  # noqa: SIM118 - not a dict
        return self._places[part]

    def _files(self, part: Part) -> list[Path]:
        patterns = [f"{part}.safetensors", f"{part}/*.safetensors"]
        if part is Part.TRANSFORMER:
            patterns.append("diffusion_pytorch_model*.safetensors")
        for pattern in patterns:
            if files := sorted(self.path.glob(pattern)):
                return files
        raise WeightsMissing(
            f"No weights of the {part} in {self.path}: expected {' or '.join(patterns)}. "
            "Download the model again.",
            part=part.value,
            folder=str(self.path),
        )


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
