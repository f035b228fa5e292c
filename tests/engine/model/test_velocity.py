from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.support.segments import conditions, noise
from tests.support.tiny import TINY
from understudy_engine.model.velocity import completed
from understudy_engine.weights.load import load_transformer
from understudy_engine.weights.sources import StandIn

CPU = torch.device("cpu")


@pytest.mark.parametrize("level", [0.02, 0.3, 0.5, 0.8, 0.98])
def test_what_the_guess_lacks_has_nothing_to_do_with_the_noisy_latents_and_variance_1(level: float) -> None:
    draw = torch.Generator().manual_seed(0)
    clean, added = torch.randn(2, 1, 16, 4, 64, 64, generator=draw)
    sigma = torch.tensor([level])
    x = (1 - level) * clean + level * added
    guess = completed(torch.zeros_like(x), x, sigma)
    share = completed(torch.ones_like(x), x, sigma) - guess
    lacking = (added - clean - guess) / share
    assert float(lacking.var()) == pytest.approx(1, abs=0.01)
    assert float((lacking * x).mean()) == pytest.approx(0, abs=0.01)


def test_a_preconditioned_model_completes_the_guess_at_its_own_noise_level() -> None:
    plain = load_transformer(TINY, StandIn(), device=CPU, dtype=torch.float32)
    spec = replace(TINY, transformer=replace(TINY.transformer, preconditioned=True))
    model = load_transformer(spec, StandIn(), device=CPU, dtype=torch.float32)
    x, inputs = noise(TINY, batch=2), plain.prepare(**conditions(TINY, batch=2))
    timestep = torch.tensor([999, 250])
    with torch.no_grad():
        expected = completed(plain(x, timestep, inputs), x, torch.tensor([0.999, 0.25]))
        torch.testing.assert_close(model(x, timestep, inputs), expected)
