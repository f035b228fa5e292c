"""Why CUDA is not there, told by its cause. No machine of the tests has a GPU: what packages, driver and libraries
say is given, and that a session really runs on CUDA where all are well is not tested."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from tests.support.released import write_detector
from understudy_engine.errors import DeviceMissing, WeightsMismatch
from understudy_engine.preprocess import onnx_net, providers
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.onnx_net import OnnxNet
from understudy_engine.preprocess.providers import (
    Runtime,
    ask_for,
    library_fault,
    refuse_another,
    why_no_cuda,
)

BUILT = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
CPU_ALONE = ("AzureExecutionProvider", "CPUExecutionProvider")
GPU_PACKAGE, CPU_PACKAGE = {"onnxruntime-gpu": "1.31.1"}, {"onnxruntime": "1.31.1"}
NO_GPU = (
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers()
    or not Path("/dev/nvidiactl").exists()
)


def fine() -> str:
    return ""


def test_only_the_cpus_package_is_named_with_what_to_install() -> None:
    why = why_no_cuda(Runtime(CPU_PACKAGE, CPU_ALONE), fine, fine)
    assert why.startswith("only onnxruntime 1.31.1 is installed, which knows the CPU alone")
    assert "pip install onnxruntime-gpu" in why


@pytest.mark.parametrize("providers_left", [CPU_ALONE, BUILT])
def test_both_packages_on_top_of_each_other_are_named(providers_left: tuple[str, ...]) -> None:
    why = why_no_cuda(Runtime(GPU_PACKAGE | CPU_PACKAGE, providers_left), fine, fine)
    assert why.startswith("both onnxruntime and onnxruntime-gpu are installed")
    assert "pip uninstall -y onnxruntime onnxruntime-gpu, then pip install onnxruntime-gpu" in why


def test_a_missing_driver_comes_before_missing_libraries() -> None:
    why = why_no_cuda(Runtime(GPU_PACKAGE, BUILT), lambda: "no driver", lambda: "no libraries")
    assert why == "no driver"


def test_a_missing_library_is_named_with_the_versions_that_are_needed() -> None:
    why = why_no_cuda(Runtime(GPU_PACKAGE, BUILT, "13.0"), fine, lambda: "libcublas.so.13 cannot be loaded")
    assert why.startswith("libcublas.so.13 cannot be loaded. It needs CUDA 13 and cuDNN 9")


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert why_no_cuda(Runtime(GPU_PACKAGE, BUILT), fine, fine) == ""


class Driver:
    """As libcuda answers."""

    def __init__(self, code: int, devices: int) -> None:
        self.code, self.devices = code, devices

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        return self.code

    def cuDeviceGetCount(self, count: object) -> int:  # noqa: N802
        count._obj.value = self.devices  # type: ignore[attr-defined]
        return 0


@pytest.mark.parametrize(
    ("code", "devices", "told"),
    [(0, 1, ""), (100, 0, "sees no GPU"), (0, 0, "sees no GPU"), (803, 0, "does not start (error 803)")],
)
def test_the_driver_says_itself_what_it_lacks(
    code: int, devices: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(code, devices))
    fault = providers.driver_fault()
    assert told in fault
    assert bool(fault) == bool(told)


def refusing(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """The system's loader, which cannot load onnxruntime's CUDA part."""

    def load(path: str, mode: int = 0) -> SimpleNamespace:
        if "cuda" in Path(path).name:
            raise OSError(words)
        return SimpleNamespace()

    monkeypatch.setattr(ctypes, "CDLL", load)


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, "libcuda.so.1: cannot open shared object file: No such file or directory")
    assert "no NVIDIA driver" in providers.driver_fault()


def test_a_missing_cudnn_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, "libcudnn.so.9: cannot open shared object file: No such file or directory")
    assert library_fault() == "cuDNN is missing: libcudnn.so.9 cannot be loaded"


def test_cuda_that_is_not_built_in_is_an_error_and_the_cpu_is_not_taken() -> None:
    runtime = Runtime(CPU_PACKAGE, CPU_ALONE)
    assert ask_for("cpu", runtime) == ["CPUExecutionProvider"]
    with pytest.raises(
        DeviceMissing, match=r"were to run on CUDA, .*: only onnxruntime 1.31.1 is"
    ) as refusal:
        ask_for("cuda:0", runtime)
    assert refusal.value.facts == {"device": "cuda:0"}
    asked = ask_for("cuda:1", Runtime(GPU_PACKAGE, BUILT))
    assert asked == [("CUDAExecutionProvider", {"device_id": "1"}), "CPUExecutionProvider"]


def test_a_session_that_went_on_quietly_on_the_cpu_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_another("cpu", ["CPUExecutionProvider"])
    refuse_another("cuda", ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(providers, "installed_runtime", lambda: Runtime(GPU_PACKAGE, BUILT))
    monkeypatch.setattr(providers, "driver_fault", lambda: "there is no NVIDIA driver")
    quiet = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(onnx_net, "_opened", lambda *_: quiet)
    with pytest.raises(DeviceMissing, match="there is no NVIDIA driver"):
        OnnxNet(write_detector(tmp_path), device="cuda")


class Failing:
    """A session on CUDA that opens, and fails when it runs."""

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="images")]

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def run(self, names: None, given: object) -> None:
        raise RuntimeError("CUDNN failure 5000")


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing can be found to be wrong."""
    monkeypatch.setattr(providers, "installed_runtime", lambda: Runtime(GPU_PACKAGE, BUILT))
    monkeypatch.setattr(providers, "driver_fault", fine)
    monkeypatch.setattr(providers, "library_fault", fine)
    monkeypatch.setattr(providers, "load_libraries", lambda device: None)


@pytest.mark.usefixtures("healthy")
def test_a_session_that_cannot_be_opened_on_cuda_says_what_onnxruntime_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = onnxruntime.InferenceSession

    def session(file: Path, options: object, providers: list[object], enable_fallback: int) -> object:
        assert enable_fallback == 0  # or it would print a line and take the CPU
        if len(providers) > 1:
            raise RuntimeError("CUDNN_STATUS_NOT_INITIALIZED.")
        return opens(file, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    file = write_detector(tmp_path)
    with pytest.raises(DeviceMissing, match=r"cannot use: CUDNN_STATUS_NOT_INITIALIZED\.$"):
        OnnxNet(file, device="cuda")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(WeightsMismatch, match="cannot be read as a model"):  # it was the file
        OnnxNet(file, device="cuda")


@pytest.mark.usefixtures("healthy")
def test_a_session_that_fails_on_cuda_as_it_runs_does_not_go_on_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_net, "_opened", lambda *_: Failing())
    net = OnnxNet(write_detector(tmp_path), device="cuda")
    with pytest.raises(DeviceMissing, match="cannot use: CUDNN failure 5000"):
        net(np.zeros((1, 3, 640, 640), np.float32))


@pytest.mark.skipif(not NO_GPU, reason="this machine has a GPU")
def test_on_this_machine_without_a_gpu_asking_for_cuda_names_a_cause(tmp_path: Path) -> None:
    write_detector(tmp_path)
    with pytest.raises(DeviceMissing, match="were to run on CUDA, which onnxruntime cannot use") as refusal:
        NetFolder(released=tmp_path, device="cuda").load()
    assert "it does not say why" not in str(refusal.value)


def test_nanos_own_nets_run_on_the_cpu_whatever_the_device() -> None:
    nets = NetFolder(device="cuda", threads=1)
    assert nets.told() == "nano's small nets on the CPU"
    nets.load()
