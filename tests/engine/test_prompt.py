"""Prompts: what they change, where they are told, and which models take none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.tiny import TINY
from tests.support.weights import TINY_TEXT, pack_model, save_text_encoder
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.errors import RequestError
from understudy_engine.types import Mode, SegmentDone, Stage, SwapRequest

Shot = Callable[..., SwapRequest]


def test_a_model_without_words_refuses_a_prompt_when_it_plans(engine: Engine, shot: Shot) -> None:
    with pytest.raises(RequestError, match="takes no prompt"):
        engine.plan(shot(9, prompt="a dancer"))
    assert "prompt" not in engine.plan(shot(9)).settings


def test_a_prompt_changes_the_frames_and_is_told(tmp_path: Path, shot: Shot) -> None:
    folder = pack_model(TINY, tmp_path / "weights", loras=False)
    (folder / "hashes.json").unlink()
    (folder / "default_context.safetensors").unlink()
    save_text_encoder(folder)
    options = EngineOptions(weights=folder, preview_every=0, contexts=tmp_path / "contexts")
    speaking = Engine.load(replace(TINY, text=TINY_TEXT), options)

    def run(prompt: str) -> tuple[np.ndarray, bool]:
        events = list(speaking.run(shot(9, Mode.ANIMATE, prompt=prompt)))
        read = any(isinstance(event, Stage) and event.text == "reading the prompt" for event in events)
        return next(event.overlap for event in events if isinstance(event, SegmentDone)), read

    (plain, read_plain), (said, read_said), (again, read_again) = run(""), run("a dancer"), run("a dancer")
    assert (read_plain, read_said, read_again) == (False, True, False)
    assert not np.array_equal(plain, said)
    assert np.array_equal(said, again)
    assert speaking.plan(shot(9, prompt="a dancer")).settings["prompt"] == "a dancer"
