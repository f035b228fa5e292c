"""What doctor says of the nets that find people. That a GPU's nets really run there is beyond the tests' machines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.released import write_detector, write_pose
from understudy_api.errors import InvalidRequest
from understudy_engine.model.configs import WAN_ANIMATE_14B
from understudy_engine.preprocess import providers
from understudy_engine.preprocess.providers import Runtime
from understudy_engine.weights.net_files import PICKLED
from understudy_server.cli import doctor
from understudy_server.cli.finding import Finding, Verdict
from understudy_server.finding import NETS_DEVICE

from .conftest import Understudy

CPU_ALONE = ("AzureExecutionProvider", "CPUExecutionProvider")
BOTH = {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.31.1"}


@pytest.fixture
def folder(home: Path) -> Path:
    """Of the 14B model, with its two nets of ONNX."""
    folder = home / "models" / WAN_ANIMATE_14B.name
    write_detector(folder)
    write_pose(folder)
    return folder


@pytest.fixture
def examined(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Finding]], Finding]:
    """In this process, with *home* as the data folder."""
    monkeypatch.setattr(doctor, "data_folder", lambda: home)
    return lambda check: check()


def test_doctor_names_the_nets_and_where_they_run(understudy: Understudy, home: Path) -> None:
    [found] = [one for one in understudy("doctor", "--json").json["findings"] if one["topic"] == "Nets"]
    assert (found["verdict"], found["found"]) == ("fine", "nano's small nets on the CPU")


def test_nets_in_the_models_folder_are_named(folder: Path, examined) -> None:
    found = examined(doctor.nets)
    assert (found.verdict, found.advice) == (Verdict.FINE, "")
    assert found.found == "YOLOv10 and ViTPose on the CPU, nano's small matte net on the CPU"


def test_a_model_that_lacks_parts_is_not_whole(folder: Path, examined) -> None:
    found = examined(doctor.model)
    assert found.verdict is Verdict.MISSING
    assert found.found.endswith("is not whole: transformer, vae, image_encoder, text_encoder missing")
    assert "understudy models pull" in found.advice


def test_sam_2_as_a_pickle_is_told_with_what_to_do(folder: Path, examined) -> None:
    (folder / PICKLED).parent.mkdir(parents=True)
    (folder / PICKLED).write_bytes(b"pickle")
    found = examined(doctor.nets)
    assert found.verdict is Verdict.NOTE
    assert "is a pickle" in found.advice


def test_a_gpu_that_onnxruntime_cannot_use_is_missing_with_the_cause(
    folder: Path, examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_device", lambda: "cuda")
    runtime = Runtime({"onnxruntime": "1.31.1"}, CPU_ALONE)
    monkeypatch.setattr(providers, "installed_runtime", lambda: runtime)
    found = examined(doctor.nets)
    assert found.verdict is Verdict.MISSING
    assert "only onnxruntime 1.31.1 is installed, which knows the CPU alone" in found.advice


def test_larger_nets_can_be_kept_on_the_cpu_on_purpose(
    folder: Path, examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_device", lambda: "cuda")
    monkeypatch.setenv(NETS_DEVICE, "cpu")
    found = examined(doctor.nets)
    assert found.verdict is Verdict.FINE
    assert found.found == "YOLOv10 and ViTPose on the CPU, nano's small matte net on the CPU"
    monkeypatch.setenv(NETS_DEVICE, "gpu")
    with pytest.raises(InvalidRequest, match="Set it to cpu, or leave it unset"):
        examined(doctor.nets)


def test_without_larger_nets_a_gpu_is_not_asked_for(examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_device", lambda: "cuda")
    monkeypatch.setattr(providers, "ask_for", lambda *_: pytest.fail("asked"))
    assert examined(doctor.nets).found == "nano's small nets on the CPU"


def test_both_packages_of_onnxruntime_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "installed_runtime", lambda: Runtime(BOTH, CPU_ALONE))
    found = doctor.onnx_runtime()
    assert found.verdict is Verdict.NOTE
    assert found.found == "onnxruntime 1.31.1 and onnxruntime-gpu 1.31.1, built for Azure, CPU"
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in found.advice


def test_the_onnxruntime_that_is_here_is_told_with_its_package() -> None:
    found = doctor.onnx_runtime()
    assert found.verdict is Verdict.FINE
    assert "onnxruntime" in found.found.partition(",")[0]
    assert found.found.endswith("CPU")
