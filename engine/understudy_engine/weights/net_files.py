"""The nets that find a person, as files: those in a model's folder before those that come along. Needs no torch.

In the 14B model's folder they lie where the release has them (process_checkpoint/...). Models of transformers, which
an artist puts there on purpose, go before them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import WeightsMismatch
from ..model.configs import NANO
from .hashes import file_hash
from .installed import PACKAGED


class Net(StrEnum):
    """What a net finds. The value is the name of nano's own file and of a folder with a model of transformers."""

    DETECTOR = "detector"
    POSE = "pose"
    MATTE = "matte"


TRANSFORMERS: dict[Net, dict[str, str]] = {
    Net.DETECTOR: {"rt_detr": "RT-DETR", "rt_detr_v2": "RT-DETRv2", "d_fine": "D-FINE"},
    Net.POSE: {},
    Net.MATTE: {"sam2_video": "SAM 2"},
}
"""Model types that a config.json of transformers may tell, and what they are called."""

RELEASED: dict[Net, tuple[str, str]] = {
    Net.DETECTOR: ("process_checkpoint/det/yolov10m.onnx", "YOLOv10"),
    Net.POSE: ("process_checkpoint/pose2d/vitpose_h_wholebody.onnx", "ViTPose"),
}
"""ONNX files of the release, a file or a folder with end2end.onnx. YOLOv10's licence is the AGPL: nothing brings it
but the user."""

PICKLED = "process_checkpoint/sam2/sam2_hiera_large.pt"
PICKLED_TOLD = (
    "The release's sam2_hiera_large.pt is a pickle, which can run programs, and is not opened. For mattes by SAM 2 put "
    "its model of transformers (config.json, model.safetensors) into the model's folder as 'matte'."
)


@dataclass(frozen=True, slots=True)
class NetFiles:
    """Where one net lies."""

    net: Net
    title: str  # as sentences call it
    path: Path  # an ONNX file, or a folder
    is_small: bool = False  # nano's own

    @property
    def is_onnx(self) -> bool:
        """Otherwise it is a folder of transformers."""
        return not (self.path / "config.json").is_file()

    def files(self) -> Iterator[Path]:
        yield from (
            sorted(file for file in self.path.rglob("*") if file.is_file())
            if self.path.is_dir()
            else [self.path]
        )


def find_net(net: Net, folder: Path | None, small: Path = PACKAGED[NANO.name]) -> NetFiles:
    """*folder* of a model, or None; *small* holds nano's own, whose file need not be there.

    Raises WeightsMismatch for a model of transformers that is of another type than those in TRANSFORMERS.
    """
    return next(
        _in_folder(net, folder), NetFiles(net, f"nano's {net} net", small / f"{net}.onnx", is_small=True)
    )


def _in_folder(net: Net, folder: Path | None) -> Iterator[NetFiles]:
    if folder is None:
        return
    if TRANSFORMERS[net] and (folder / net / "config.json").is_file():
        yield NetFiles(net, _title(net, folder / net), folder / net)
    if net in RELEASED and (folder / RELEASED[net][0]).exists():
        place, title = RELEASED[net]
        yield NetFiles(net, title, folder / place)


def _title(net: Net, folder: Path) -> str:
    known = TRANSFORMERS[net]
    try:
        found = str(json.loads((folder / "config.json").read_text("utf-8"))["model_type"])
    except (ValueError, KeyError, TypeError):
        found = "none"
    if found in known:
        return known[found]
    raise WeightsMismatch(
        f"The model in {folder} cannot be used as a {net}: expected the model_type {' or '.join(known)} in its "
        f"config.json, found {found}. Put such a model there, or take the folder away.",
        folder=str(folder),
        found=found,
    )


def is_pickled(folder: Path | None) -> bool:
    """SAM 2 is there only as a file that is not opened."""
    return folder is not None and (folder / PICKLED).is_file() and find_net(Net.MATTE, folder).is_small


def nets_sha256(nets: list[NetFiles]) -> str:
    """Of all files, in order; empty if a net is missing. Reads them whole, about 2 GB a second."""
    digest = hashlib.sha256()
    for found in nets:
        if not found.path.exists():
            return ""
        for file in found.files():
            digest.update(f"{file_hash(file).sha256}  {found.net}/{file.name}\n".encode())
    return digest.hexdigest()
