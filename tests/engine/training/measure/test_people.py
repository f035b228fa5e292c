from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.engine.training.nets.footage import face_points
from understudy_engine.errors import WeightsMissing
from understudy_engine.training.measure.people import expression_error, load_meters, pose_error_percent
from understudy_engine.training.nets.meters import RANGE, ExpressionMeter, PoseMeter


class Reads(ExpressionMeter):
    """Reads the same in every face."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return (torch.tensor(RANGE) / 2).expand(len(faces), 8)


def face(size_px: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two frames of 160 px, the first with a face of *size_px*: pictures, points, mattes."""
    points = torch.stack([face_points(10, 10, size_px, size_px)] * 2)
    points[1, [3, 4]] = points[1, [4, 3]]  # turned away
    return torch.rand(2, 3, 160, 160), points, torch.full((2, 160, 160), 255, dtype=torch.uint8)


def test_expression_error_counts_each_parameter_in_parts_of_its_range() -> None:
    pictures, points, mattes = face(120)
    truth = torch.zeros(2, 8)
    truth[1] = 100  # of the frame that cannot be read
    assert expression_error(Reads(), pictures, points, mattes, truth) == pytest.approx(0.5)


def test_faces_under_48_px_are_not_read() -> None:
    pictures, points, mattes = face(40)
    assert expression_error(Reads(), pictures, points, mattes, torch.zeros(2, 8)) is None


def test_nobody_in_the_picture_has_no_pose() -> None:
    pictures, points, mattes = face(120)
    assert pose_error_percent(PoseMeter(), pictures, points, torch.zeros_like(mattes)) is None


def test_a_meter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"pose_meter\.safetensors"):
        load_meters(tmp_path)


def test_meters_come_back_as_they_were_stored(tmp_path: Path) -> None:
    nets = {"pose_meter": PoseMeter(), "expression_meter": ExpressionMeter()}
    for name, net in nets.items():
        save_file({k: v.half() for k, v in net.state_dict().items()}, tmp_path / f"{name}.safetensors")
    meters = load_meters(tmp_path)
    crops = torch.rand(1, 3, 192, 192)
    with torch.no_grad():
        torch.testing.assert_close(meters.pose(crops), nets["pose_meter"].eval()(crops), rtol=0.02, atol=0.5)
