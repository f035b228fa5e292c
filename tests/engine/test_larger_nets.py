"""Jobs with larger nets in the model's folder, through the tiny engine: SAM 2 of random weights, a fixed detector."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from tests.support.people import ALONE, plate_of, studio_clip, write_movie
from tests.support.released import write_detector
from tests.support.tiny import TINY
from tests.support.transformers_nets import save, see, tiny_sam
from tests.support.weights import pack_model
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import DeviceMissing, PassMissing, WeightsMismatch
from understudy_engine.preprocess import providers
from understudy_engine.types import Event, Layer, PassFiles, Planned, SegmentDone, Stage, SwapRequest

FRAMES = 3


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_model(TINY, tmp_path_factory.mktemp("model"))


@pytest.fixture
def asked(tmp_path: Path, shot: Callable[..., SwapRequest]) -> SwapRequest:
    clip = write_movie(tmp_path / "clip.mkv", plate_of(studio_clip(ALONE, FRAMES, 64)))
    return shot(FRAMES, clip=clip, passes=PassFiles())


def run(folder: Path, asked: SwapRequest) -> list[Event]:
    return list(Engine.load(TINY, EngineOptions(weights=folder)).run(asked))


def test_a_replace_with_sam_2_tells_it_and_every_frame_has_its_matte(
    folder: Path, asked: SwapRequest
) -> None:
    save(tiny_sam(), folder / "matte")
    events = run(folder, asked)
    stages = [event.text for event in events if isinstance(event, Stage)]
    assert (
        stages[0] == "finding the person with SAM 2 on the CPU, nano's small detector and pose net on the CPU"
    )
    [plan] = [event.plan for event in events if isinstance(event, Planned)]
    assert "small nets find the person" in plan.warnings[-1]  # who it is, and their points
    done = [event for event in events if isinstance(event, SegmentDone)]
    mattes = [picture.planes[0] for segment in done for picture in segment.layers[Layer.MATTE]]
    assert [matte.shape for matte in mattes] == [(64, 64)] * FRAMES


def test_mattes_that_are_empty_in_all_frames_are_told_before_the_model_runs(
    folder: Path, asked: SwapRequest
) -> None:
    save(see(deepcopy(tiny_sam()), anybody=False), folder / "matte")
    with pytest.raises(PassMissing, match="Nobody was found in any of the 3 frames"):
        run(folder, asked)


def test_a_net_of_an_unknown_type_stops_only_jobs_that_look_for_somebody(
    folder: Path, shot: Callable[..., SwapRequest], asked: SwapRequest
) -> None:
    (folder / "matte").mkdir(exist_ok=True)
    (folder / "matte" / "config.json").write_text('{"model_type": "sam3"}')
    engine = Engine.load(TINY, EngineOptions(weights=folder))
    assert len(engine.plan(shot(FRAMES)).frames) == FRAMES
    assert (engine.identity().nets, engine.identity().nets_sha256) == ("", "")
    with pytest.raises(
        WeightsMismatch, match=r"expected the model_type sam2_video in its config\.json, found sam3"
    ):
        engine.plan(asked)
    shutil.rmtree(folder / "matte")


def test_a_job_whose_nets_cannot_run_on_the_gpu_fails_with_the_cause(
    folder: Path, asked: SwapRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_detector(folder)
    engine = Engine.load(TINY, EngineOptions(weights=folder))
    engine._nets._device = "cuda"  # the model itself stays on the CPU: there is no GPU here
    runtime = providers.Runtime({"onnxruntime": "1.31.1"}, ("CPUExecutionProvider",))
    monkeypatch.setattr(providers, "installed_runtime", lambda: runtime)
    with pytest.raises(DeviceMissing, match=r"only onnxruntime 1\.31\.1 is installed"):
        list(engine.run(asked))
