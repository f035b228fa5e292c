"""LoRAs of the artist's own: stacked, their strengths changed from job to job, and what of them is refused."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.engine.test_four_step import FOUR_STEP, character
from tests.support.tiny import TINY
from tests.support.weights import pack_model, save_lora
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import RequestError
from understudy_engine.types import Lora, Mode, Sampling, Stage, SwapRequest
from understudy_engine.weights.fill import Filling

Shot = Callable[..., SwapRequest]
PLAIN = Sampling(steps=2, seed=5, work_area_px=64 * 64)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine whose weights bring both LoRAs."""
    folder = pack_model(TINY, tmp_path_factory.mktemp("weights"))
    return Engine.load(TINY, EngineOptions(weights=folder, preview_every=0))


def own(folder: Path, name: str, seed: int, strength: float = 1.0) -> Lora:
    return Lora(name=name, file=save_lora(TINY, folder / f"{name}.safetensors", seed), strength=strength)


def bent(engine: Engine, request: SwapRequest) -> Tensor:
    """A weight as the request's segments are made with it; none is made."""
    events = engine.run(request)
    while next(events) != Stage(0, "reading the clip"):
        pass
    assert isinstance(events, Generator)
    events.close()
    return engine._parts.transformer.blocks[0].ffn.up.weight.clone()


def test_two_loras_stacked_with_the_models_own_and_taken_back_leave_no_trace(
    quick: Engine, shot: Shot, tmp_path: Path
) -> None:
    anna, paint = own(tmp_path, "anna", 1), own(tmp_path, "paint", 2, 0.5)

    def made(*loras: Lora) -> Tensor:
        return bent(quick, shot(9, Mode.REPLACE, sampling=FOUR_STEP, loras=loras))

    before = made()
    both, one, weaker = made(anna, paint), made(anna), made(replace(anna, strength=0.3), paint)
    results = [before, both, one, weaker]
    assert all(not torch.equal(first, other) for i, first in enumerate(results) for other in results[:i])
    assert torch.equal(made(anna, paint), both)
    assert torch.equal(made(replace(anna, strength=0.0)), before)


def test_a_lora_changes_the_pictures_and_at_strength_0_nothing(
    quick: Engine, shot: Shot, tmp_path: Path
) -> None:
    anna, sampling = own(tmp_path, "anna", 1), replace(PLAIN, steps=1)
    with_it, without, at_0 = (
        character(quick, shot(5, sampling=sampling, loras=loras))
        for loras in ((anna,), (), (replace(anna, strength=0.0),))
    )
    assert not np.array_equal(with_it, without)
    assert np.array_equal(at_0, without)


def test_a_plan_tells_strengths_and_hashes_and_leaves_out_what_changes_nothing(
    quick: Engine, shot: Shot, tmp_path: Path
) -> None:
    anna, paint = own(tmp_path, "anna", 1, -0.5), own(tmp_path, "paint", 2, 0.0)
    settings = quick.plan(shot(9, sampling=PLAIN, loras=(anna, paint))).settings
    assert settings["loras"] == {"anna": -0.5}
    hashes = settings["loras_sha256"]
    own(tmp_path, "anna", 3)  # another file of the same name
    again = quick.plan(shot(9, sampling=PLAIN, loras=(anna,))).settings
    assert again["loras_sha256"].keys() == hashes.keys() == {"anna"}
    assert again["loras_sha256"] != hashes
    assert "loras" not in quick.plan(shot(9, sampling=PLAIN)).settings


def test_a_file_that_was_replaced_is_merged_anew(quick: Engine, shot: Shot, tmp_path: Path) -> None:
    request = shot(9, sampling=PLAIN, loras=(own(tmp_path, "anna", 1),))
    before = bent(quick, request)
    own(tmp_path, "anna", 2)
    assert not torch.equal(bent(quick, request), before)
    own(tmp_path, "anna", 1)
    assert torch.equal(bent(quick, request), before)


def test_what_went_wrong_while_merging_is_put_right_by_the_next_job(
    quick: Engine, shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, asked = shot(9, sampling=PLAIN), shot(9, sampling=PLAIN, loras=(own(tmp_path, "anna", 1),))
    before, again = bent(quick, plain), Filling.again

    def breaks(*arguments: Any) -> None:
        again(*arguments)
        raise OSError("the disk is gone")

    monkeypatch.setattr(Filling, "again", breaks)
    with pytest.raises(OSError, match="the disk is gone"):
        bent(quick, asked)
    monkeypatch.undo()
    assert torch.equal(bent(quick, plain), before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strength": 4.5}, "'anna' must be between -4 and 4, not 4.5"),
        ({"file": Path("gone.safetensors")}, "'anna' cannot be read"),
    ],
)
def test_a_lora_that_cannot_be_used_is_refused_by_name_when_the_job_is_planned(
    quick: Engine, shot: Shot, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    lora = replace(own(tmp_path, "anna", 1), **change)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=words):
        quick.plan(shot(9, sampling=PLAIN, loras=(lora,)))


def test_a_lora_of_another_model_is_refused_by_name_when_the_job_is_planned(
    quick: Engine, shot: Shot, tmp_path: Path
) -> None:
    wide = replace(TINY, transformer=replace(TINY.transformer, dim=32))
    lora = Lora(name="wide", file=save_lora(wide, tmp_path / "wide.safetensors"))
    with pytest.raises(RequestError, match=r"The LoRA 'wide' .* another model"):
        quick.plan(shot(9, sampling=PLAIN, loras=(lora,)))


def test_more_loras_than_a_job_takes_and_one_named_twice_are_refused(
    quick: Engine, shot: Shot, tmp_path: Path
) -> None:
    anna = own(tmp_path, "anna", 1)
    with pytest.raises(RequestError, match="'anna' is named twice"):
        quick.plan(shot(9, sampling=PLAIN, loras=(anna, anna)))
    with pytest.raises(RequestError, match="at most 8 LoRAs, not 9"):
        quick.plan(shot(9, sampling=PLAIN, loras=tuple(replace(anna, name=str(i)) for i in range(9))))


def test_a_strength_of_four_steps_without_four_steps_is_refused(quick: Engine, shot: Shot) -> None:
    with pytest.raises(RequestError, match=r"Four-step strength 0\.5 was asked for, and four steps were not"):
        quick.plan(shot(9, sampling=replace(PLAIN, four_step_strength=0.5)))
