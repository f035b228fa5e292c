"""Four steps: what they settle, what they do not go with, and that they leave the model as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.config import EngineOptions, resolve_sampling
from understudy_engine.engine import Engine
from understudy_engine.errors import RequestError
from understudy_engine.types import Layer, Mode, Sampling, SegmentDone, Solver, Step, SwapRequest
from understudy_engine.weights.parts import LORAS, Part

Shot = Callable[..., SwapRequest]
FOUR_STEP = Sampling(four_step=True, seed=5, work_area_px=64 * 64)
BY_HAND = Sampling(steps=4, solver=Solver.EULER, guidance_scale=1.0, seed=5, work_area_px=64 * 64)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine whose weights bring both LoRAs."""
    folder = pack_model(TINY, tmp_path_factory.mktemp("weights"))
    return Engine.load(TINY, EngineOptions(weights=folder, preview_every=0))


def character(engine: Engine, request: SwapRequest) -> np.ndarray:
    """The generated character's planes, every frame's."""
    done = [event for event in engine.run(request) if isinstance(event, SegmentDone)]
    return np.concatenate(
        [picture.planes[0].ravel() for each in done for picture in each.layers[Layer.CHARACTER]]
    )


def test_four_steps_settle_steps_solver_and_guidance() -> None:
    resolved = resolve_sampling(Sampling(four_step=True), TINY, LORAS)
    assert (resolved.steps, resolved.solver, resolved.guidance_scale) == (4, Solver.EULER, 1.0)
    assert resolved == replace(resolve_sampling(BY_HAND, TINY), four_step=True, seed=0, work_area_px=64 * 64)


def test_the_default_is_as_many_steps_as_ever() -> None:
    resolved = resolve_sampling(Sampling(), TINY, LORAS)
    assert (resolved.steps, resolved.four_step) == (TINY.sampling.steps, False)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"steps": 8}, "4 steps, and steps 8"),
        ({"solver": Solver.UNIPC}, "the Euler solver, and solver unipc"),
        ({"guidance_scale": 2.0}, "no guidance .*, and guidance scale 2.0"),
    ],
)
def test_what_four_steps_do_not_go_with_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=f"Four steps means {words} was asked for as well"):
        resolve_sampling(Sampling(four_step=True, **asked), TINY, LORAS)


def test_saying_what_four_steps_are_anyway_is_no_contradiction() -> None:
    assert resolve_sampling(replace(BY_HAND, four_step=True), TINY, LORAS).steps == 4


def test_weights_without_the_lora_refuse_four_steps_when_they_plan(engine: Engine, shot: Shot) -> None:
    with pytest.raises(RequestError, match="no four-step LoRA"):
        engine.plan(shot(9, sampling=FOUR_STEP))


def test_a_segment_takes_four_steps_with_the_lora_merged(quick: Engine, shot: Shot) -> None:
    events = list(quick.run(shot(9, sampling=FOUR_STEP)))
    assert [event.step for event in events if isinstance(event, Step)] == [1, 2, 3, 4]
    plan = quick.plan(shot(9, sampling=FOUR_STEP))
    assert (plan.steps, plan.settings["four_step"]) == (4, True)
    merged, plain = (character(quick, shot(9, sampling=sampling)) for sampling in (FOUR_STEP, BY_HAND))
    assert not np.array_equal(merged, plain)


def test_four_steps_and_relighting_go_together_and_leave_no_trace(quick: Engine, shot: Shot) -> None:
    def made(sampling: Sampling, light: float) -> np.ndarray:
        return character(quick, shot(9, Mode.REPLACE, sampling=sampling, relight_strength=light))

    before = made(BY_HAND, 0.0)
    both, lit, quick_alone = made(FOUR_STEP, 0.5), made(BY_HAND, 0.5), made(FOUR_STEP, 0.0)
    results = [before, both, lit, quick_alone]
    assert all(not np.array_equal(one, other) for i, one in enumerate(results) for other in results[:i])
    assert np.array_equal(made(FOUR_STEP, 0.5), both)
    assert np.array_equal(made(BY_HAND, 0.0), before)


def test_animate_takes_four_steps_without_relighting(quick: Engine, shot: Shot) -> None:
    for _ in quick.run(shot(9, Mode.ANIMATE, sampling=FOUR_STEP)):
        pass
    assert quick._parts.loras.strengths == {Part.FOUR_STEP_LORA: 1.0}


def test_a_lora_of_elsewhere_has_a_strength_that_changes_from_job_to_job(tmp_path: Path, shot: Shot) -> None:
    """The files of a step-distilled LoRA lie where the artist keeps them; nothing is loaded again."""
    folder = pack_model(TINY, tmp_path / "weights", loras=False)
    lora = pack_model(TINY, tmp_path / "other") / "four_step_lora.safetensors"
    options = EngineOptions(weights=folder, preview_every=0, loras={Part.FOUR_STEP_LORA: lora})
    engine = Engine.load(TINY, options)
    full, half, again = (
        character(engine, shot(9, sampling=replace(FOUR_STEP, four_step_strength=strength)))
        for strength in (1.0, 0.5, 1.0)
    )
    assert np.array_equal(full, again)
    assert not np.array_equal(full, half)
    settings = engine.plan(shot(9, sampling=replace(FOUR_STEP, four_step_strength=0.5))).settings
    assert settings["four_step_strength"] == 0.5
    plain = pack_model(TINY, tmp_path / "plain", loras=False)
    assert (
        engine.identity().weights_sha256
        != Engine.load(TINY, EngineOptions(weights=plain)).identity().weights_sha256
    )


def test_the_identity_knows_the_loras(tmp_path: Path) -> None:
    hashes = [
        Engine.load(
            TINY, EngineOptions(weights=pack_model(TINY, tmp_path / str(loras), loras=loras))
        ).identity()
        for loras in (True, False)
    ]
    assert hashes[0].weights_sha256 != hashes[1].weights_sha256
