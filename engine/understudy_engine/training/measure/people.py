"""Pose and expression read back from a picture, by nets that nothing else uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ...errors import WeightsMissing
from ..nets.crops import crop_boxes, cut, out_of
from ..nets.meters import FACE_SIZE, POSE_SIZE, RANGE, ExpressionMeter, PoseMeter
from ..nets.points import face_crop_boxes, matte_boxes, readable_faces, visible

LEAST_FACE_PX = (
    48.0  # of the face's crop, the shorter side: below it an expression can be neither seen nor read
)
LEAST_BOX_PX = 14.0
METERS = Path(__file__).parent / "data"  # in the repository; they are not part of the package

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Meters:
    pose: PoseMeter
    expression: ExpressionMeter


def load_meters(folder: Path, device: torch.device | str = "cpu") -> Meters:
    """The two nets from *folder*. Raises WeightsMissing if a file is not there."""
    return Meters(
        _loaded(PoseMeter(), folder / "pose_meter.safetensors", device),
        _loaded(ExpressionMeter(), folder / "expression_meter.safetensors", device),
    )


def _loaded(net: Net, file: Path, device: torch.device | str) -> Net:
    if not file.exists():
        raise WeightsMissing(
            f"{file.name} is not in {file.parent}: pose and expression cannot be read without it. "
            "Train it with scripts/train_nets.py.",
            file=file.name,
        )
    net.load_state_dict({name: tensor.float() for name, tensor in load_file(file).items()})
    return net.to(device).eval()


@torch.no_grad()
def pose_error_percent(meter: PoseMeter, result: Tensor, points: Tensor, matte: Tensor) -> float | None:
    """How far from the truth the points are found in *result* (T, 3, H, W), in percent of the person's height.

    points (T, 133, 3) and matte (T, H, W) are the truth's; points that nobody could see do not count. The height is
    the extent of all points, those outside the picture too, in the frame where it is largest. None where nobody is
    in the picture.
    """
    boxes = matte_boxes(matte)
    seen = visible(points, matte) & ((boxes[:, 2:] - boxes[:, :2]) >= LEAST_BOX_PX).all(dim=1)[:, None]
    if not seen.any():
        return None
    boxes = crop_boxes(boxes + boxes.new_tensor([0, 0, 1e-3, 1e-3]), 1.0)
    found = out_of(meter(cut(result, boxes, POSE_SIZE, POSE_SIZE)), boxes, POSE_SIZE, POSE_SIZE)
    far = (found[..., :2] - points[..., :2]).norm(dim=-1)
    return 100 * float((far * seen).sum() / seen.sum()) / person_height(points)


def person_height(points: Tensor) -> float:
    """Pixels; (T, 133, 3) of one person."""
    y = points[..., 1]
    return float((y.amax(dim=1) - y.amin(dim=1)).amax())


@torch.no_grad()
def expression_error(
    meter: ExpressionMeter, result: Tensor, points: Tensor, matte: Tensor, expression: Tensor
) -> float | None:
    """Mean error of the eight parameters (T, 8) read from the face, in parts of their ranges. Frames whose face is
    turned away, covered, or smaller than 48 px do not count; None if that leaves none."""
    size = float(result.shape[-1])
    boxes = face_crop_boxes(points, size)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= LEAST_FACE_PX).all(dim=1)
    fit = large & readable_faces(points, visible(points, matte), LEAST_FACE_PX / 2)
    if not fit.any():
        return None
    faces = cut(result[fit], boxes[fit], FACE_SIZE, FACE_SIZE, padding="border")
    apart = (meter(faces) - expression[fit]).abs() / expression.new_tensor(RANGE)
    return float(apart.mean())
