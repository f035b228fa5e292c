from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from understudy_engine.training.nets.detector import Detector
from understudy_engine.training.nets.fit import ONNX_PORTS
from understudy_engine.training.nets.matte import MatteNet
from understudy_engine.training.nets.onnx_file import write_onnx
from understudy_engine.training.nets.pose import PoseNet

NETS = {"detector": Detector, "pose": PoseNet, "matte": MatteNet}
CONTRACTS = {"detector": [1, 300, 6], "pose": [1, 133, 64, 48], "matte": [1, 1, 256, 192]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("nets")
    for name, net in NETS.items():
        torch.manual_seed(0)
        write_onnx(folder / f"{name}.onnx", _lively(net()), *ONNX_PORTS[name])
    return {name: folder / f"{name}.onnx" for name in NETS}


def _lively(net: nn.Module) -> nn.Module:
    """With norms that have seen something, and weights that float16 holds exactly."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.normal_(0, 0.1)
    return net


@pytest.mark.parametrize("name", NETS)
def test_onnxruntime_computes_what_torch_computes(name: str, files: dict[str, Path]) -> None:
    torch.manual_seed(0)
    net = _lively(NETS[name]()).eval()
    shapes, _ = ONNX_PORTS[name]
    given = {port: torch.rand(shape) for port, shape in shapes.items()}
    with torch.no_grad():
        expected: Tensor = net(*given.values())
    session = onnxruntime.InferenceSession(files[name], providers=["CPUExecutionProvider"])
    found = session.run(None, {port: value.numpy() for port, value in given.items()})[0]
    if name == "detector":  # near-equal scores may change places
        expected, found = expected[..., 4], found[..., 4]
    assert np.abs(found - expected.numpy()).max() < 0.01 * float(expected.abs().max())


@pytest.mark.parametrize("name", NETS)
def test_the_tensors_are_those_of_the_released_models(name: str, files: dict[str, Path]) -> None:
    session = onnxruntime.InferenceSession(files[name], providers=["CPUExecutionProvider"])
    shapes, _ = ONNX_PORTS[name]
    assert {port.name: port.shape for port in session.get_inputs()} == {k: list(v) for k, v in shapes.items()}
    (output,) = session.get_outputs()
    assert output.shape == CONTRACTS[name]
    assert {port.type for port in (*session.get_inputs(), output)} == {"tensor(float)"}


def test_all_perception_together_is_at_most_5_mb(files: dict[str, Path]) -> None:
    assert sum(file.stat().st_size for file in files.values()) <= 5_000_000


def test_an_operation_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.erfinv(x)

    with pytest.raises(NotImplementedError, match="erfinv"):
        write_onnx(tmp_path / "odd.onnx", Odd(), {"x": (1, 3)}, "y")
