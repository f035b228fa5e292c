"""Small ONNX files of exactly the released nets' contracts, with answers that are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from understudy_engine.training.nets import onnx_file
from understudy_engine.training.nets.onnx_file import write_onnx

DETECTOR_FILE = "process_checkpoint/det/yolov10m.onnx"
POSE_FOLDER = "process_checkpoint/pose2d/vitpose_h_wholebody.onnx"
FOUND = (160.0, 64.0, 480.0, 576.0, 0.9, 0.0)  # of the 640 px square


class OneBox(nn.Module):
    """(1, 3, 640, 640) -> (1, 300, 6): FOUND in every row, whatever is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 6, (32, 80), stride=(32, 40))  # 20 x 15 places
        nn.init.zeros_(self.look.weight)
        self.look.bias = nn.Parameter(torch.tensor(FOUND))

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.flatten(self.look(pictures), 2).transpose(1, 2)


class RedIsEveryPoint(nn.Module):
    """(1, 3, 256, 192) -> (1, points, 64, 48): how red the crop is, for all points alike."""

    def __init__(self, points: int = 133) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, points, 4, stride=4)
        nn.init.zeros_(self.look.weight)
        with torch.no_grad():
            self.look.weight[:, 0] = 1 / 16
            self.look.weight[:, 1:] = -1 / 32
        nn.init.zeros_(self.look.bias)  # type: ignore[arg-type] # it has one

    def forward(self, crops: Tensor) -> Tensor:
        return self.look(crops)


def write_detector(folder: Path, net: nn.Module | None = None, side: int = 640) -> Path:
    """YOLOv10's file where the release has it."""
    file = folder / DETECTOR_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    write_onnx(file, net or OneBox(), {"images": (1, 3, side, side)}, "output0")
    return file


def write_pose(folder: Path, points: int = 133) -> Path:
    """ViTPose's file where the release has it: in a directory that is called like a file."""
    file = folder / POSE_FOLDER / "end2end.onnx"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_onnx(file, RedIsEveryPoint(points), {"input": (1, 3, 256, 192)}, "output")
    return file


def write_pose_in_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """As the release's ViTPose: end2end.onnx without its tensors, each of which is a file beside it; returns those."""
    target, parts = folder / POSE_FOLDER, list[Path]()

    def outside(name: str, tensor: Tensor) -> bytes:
        parts.append(target / name)
        parts[-1].write_bytes(tensor.contiguous().numpy().tobytes())
        kind = onnx_file.FLOAT16 if tensor.dtype is torch.float16 else onnx_file.FLOAT
        place = onnx_file._text(1, "location") + onnx_file._text(2, name)
        dims = b"".join(onnx_file._number(1, length) for length in tensor.shape)
        described = dims + onnx_file._number(2, kind) + onnx_file._text(8, name)
        return described + onnx_file._bytes(13, place) + onnx_file._number(14, 1)  # EXTERNAL

    target.mkdir(parents=True)
    monkeypatch.setattr(onnx_file, "_tensor", outside)
    write_pose(folder)
    return parts
