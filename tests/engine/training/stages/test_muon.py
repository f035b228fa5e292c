"""Muon's steps are orthogonal, as large as they should be, and leave everything alone when told to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.engine.training.stages.test_trainer import CPU, Squares
from understudy_engine.training.stages.checkpoint import load_checkpoint
from understudy_engine.training.stages.muon import LIKE_ADAM, Muon, orthogonal
from understudy_engine.training.stages.trainer import Recipe, Trainer, read_log


def matrices(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 48, 16), (2, 16, 48)])
def test_every_direction_of_a_step_is_about_as_long(shape: tuple[int, ...]) -> None:
    least, most = torch.linalg.svdvals(orthogonal(matrices(*shape))).aminmax()
    assert 0.5 < least <= most < 1.3


def test_a_step_is_as_large_as_adams_whatever_the_gradients_size() -> None:
    for scale in (1e-6, 1e3):
        parameter = nn.Parameter(torch.zeros(64, 64))
        parameter.grad = scale * matrices(64, 64)
        Muon([parameter], lr=0.1).step()
        assert parameter.detach().square().mean().sqrt() == pytest.approx(0.1 * LIKE_ADAM, rel=0.2)


def test_matrices_of_one_shape_do_not_change_each_other() -> None:
    gradients = matrices(2, 8, 24)
    together = [nn.Parameter(torch.ones(8, 24)) for _ in gradients]
    for parameter, gradient in zip(together, gradients, strict=True):
        parameter.grad = gradient.clone()
    Muon(together, lr=0.1).step()
    for parameter, gradient in zip(together, gradients, strict=True):
        alone = nn.Parameter(torch.ones(8, 24))
        alone.grad = gradient.clone()
        Muon([alone], lr=0.1).step()
        torch.testing.assert_close(parameter, alone)


def test_a_step_with_an_unusable_gradient_changes_nothing() -> None:
    parameter = nn.Parameter(torch.ones(4, 4))
    muon = Muon([parameter], lr=0.1, weight_decay=0.1)
    parameter.grad = torch.eye(4)
    muon.step()
    before, momentum = parameter.detach().clone(), muon.state[parameter]["exp_avg"].clone()
    parameter.grad = torch.full((4, 4), float("nan"))
    muon.found_inf = torch.ones(())
    muon.step()
    assert torch.equal(parameter, before)
    assert torch.equal(muon.state[parameter]["exp_avg"], momentum)


class Blocks(Squares):
    """The same task by a model whose matrices are in blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential()
        self.model.add_module("blocks", nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 8)))


def test_a_run_by_muon_learns_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    recipe = Recipe(steps=60, learning_rate=1e-2, muon=2.0, warmup=5, log_every=10, weight_decay=0.0)
    ticks = iter(range(1000))
    half = Trainer(Blocks(), recipe, tmp_path / "half", device=CPU, deadline=34, clock=lambda: next(ticks))
    assert not half.run()
    checkpoint = load_checkpoint(tmp_path / "half")
    assert set(checkpoint.second) == {"blocks.0.bias", "blocks.2.bias"}
    assert set(checkpoint.first) == set(checkpoint.second) | {"blocks.0.weight", "blocks.2.weight"}
    rest = Trainer(Blocks(), recipe, tmp_path / "rest", device=CPU)
    rest.resume(checkpoint)
    assert rest.run()
    whole = Trainer(Blocks(), recipe, tmp_path / "whole", device=CPU)
    assert whole.run()
    found, expected = (read_log(tmp_path / name)[-1]["loss"] for name in ("rest", "whole"))
    assert found == pytest.approx(expected, rel=0.1)
    assert expected < 0.5 * read_log(tmp_path / "whole")[0]["loss"]


def test_another_optimizers_moments_are_left_behind(tmp_path: Path) -> None:
    """A run by AdamW can go on by Muon: its mean of squares is not needed any more."""
    recipe = Recipe(steps=10, learning_rate=1e-2, log_every=10)
    Trainer(Blocks(), recipe, tmp_path / "adam", device=CPU).run()
    longer = Recipe(steps=20, learning_rate=1e-2, log_every=10, muon=1.0)
    muon = Trainer(Blocks(), longer, tmp_path / "muon", device=CPU)
    muon.resume(load_checkpoint(tmp_path / "adam"))
    assert muon.run()
    back = Trainer(
        Blocks(), Recipe(steps=30, learning_rate=1e-2, log_every=10), tmp_path / "back", device=CPU
    )
    back.resume(load_checkpoint(tmp_path / "muon"))
    assert back.run()
