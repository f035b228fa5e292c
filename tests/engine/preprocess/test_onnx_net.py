from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.released import OneBox, write_detector, write_pose
from understudy_engine.errors import WeightsMismatch
from understudy_engine.preprocess import onnx_net
from understudy_engine.preprocess.onnx_net import DETECTOR, POSE, Contract, OnnxNet, Shape, shape_told

GIVEN = np.zeros((1, 3, 640, 640), np.float32)


class Session:
    """What onnxruntime would tell of a file whose shapes are *given* and *made*, and that gives *output*."""

    def __init__(
        self, given: Shape, made: Shape, output: np.ndarray | None = None, kind: str = "float"
    ) -> None:
        self.given, self.made, self.output, self.kind = given, made, output, f"tensor({kind})"

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="images", shape=list(self.given), type=self.kind)]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="found", shape=list(self.made), type="tensor(float)")]

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]

    def run(self, names: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert self.output is not None
        return [self.output]


@pytest.fixture
def net_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def make(session: Session, contract: Contract = DETECTOR) -> OnnxNet:
        monkeypatch.setattr(onnx_net, "_opened", lambda *_: session)
        (tmp_path / "some.onnx").touch()
        return OnnxNet(tmp_path / "some.onnx", contract=contract)

    return make


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((1, 3, 640, 640), (1, 300, 6)),
        ((1, 3, 640, 640), (1, 84, 8400)),  # YOLOv8's
        (("batch", 3, "height", "width"), ("batch", "boxes", 6)),
        ((None, 3, 640, 640), ()),  # nothing is told of what comes out
    ],
)
def test_what_a_file_leaves_open_fits(given: Shape, made: Shape, net_of) -> None:
    net_of(Session(given, made))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((1, 3, 416, 416), (1, 300, 6)),
        ((4, 3, 640, 640), (4, 300, 6)),
        ((1, 640, 640, 3), (1, 300, 6)),
        ((1, 3, 640, 640), (1, 300, 7)),
        ((1, 3, 640, 640), (300, 6)),
    ],
)
def test_what_does_not_fit_is_refused_before_it_runs(given: Shape, made: Shape, net_of) -> None:
    with pytest.raises(
        WeightsMismatch, match=f"found float32 {shape_told(given)} in, float32 {shape_told(made)}"
    ):
        net_of(Session(given, made))


def test_numbers_of_another_kind_are_refused(net_of) -> None:
    with pytest.raises(WeightsMismatch, match="found float16 1x3x640x640 in"):
        net_of(Session((1, 3, 640, 640), (1, 300, 6), kind="float16"))


def test_an_output_that_the_file_left_open_is_checked_when_it_comes(net_of) -> None:
    fitting = net_of(Session((1, 3, 640, 640), ("n", "m", 6), np.zeros((1, 300, 6), np.float32)))
    assert fitting(GIVEN).shape == (1, 300, 6)
    other = net_of(Session((1, 3, 640, 640), ("n", "m", 6), np.zeros((2, 300, 6), np.float32)))
    with pytest.raises(WeightsMismatch, match=r"expected float32 1x3x640x640 in, .*; found 2x300x6 came out"):
        other(GIVEN)


def test_files_of_the_released_contracts_pass(tmp_path: Path) -> None:
    found = OnnxNet(write_detector(tmp_path), contract=DETECTOR, threads=1)(GIVEN)
    assert found.shape == (1, 300, 6)
    heat = OnnxNet(write_pose(tmp_path), contract=POSE, threads=1)(np.zeros((1, 3, 256, 192), np.float32))
    assert heat.shape == (1, 133, 64, 48)
    with pytest.raises(WeightsMismatch, match="not a whole-body pose net"):
        OnnxNet(write_detector(tmp_path, OneBox()), contract=POSE)
