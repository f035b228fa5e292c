"""The loop learns, stops in time, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from understudy_engine.errors import EngineNaN
from understudy_engine.training.stages.checkpoint import load_checkpoint
from understudy_engine.training.stages.trainer import Recipe, Trainer, read_log

CPU = torch.device("cpu")
RECIPE = Recipe(steps=60, learning_rate=1e-2, warmup=5, log_every=10, weight_decay=0.0)


class Squares:
    """Learns y = W x from noisy batches."""

    name = "squares"

    def __init__(self, name: str = "squares", broken_at: int = -1) -> None:
        torch.manual_seed(1)
        self.name, self.model = name, nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 8))
        self.target = torch.randn(12, 8)
        self.calls, self.broken_at = 0, broken_at

    def draw(self, generator: torch.Generator) -> Mapping[str, Tensor]:
        x = torch.randn(64, 12, generator=generator)
        return {"x": x, "y": x @ self.target / 4}

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        loss = (self.model(batch["x"]) - batch["y"]).square().mean()
        self.calls += 1
        return {"loss": loss * float("nan") if 0 <= self.broken_at < self.calls else loss}

    def seeds(self) -> tuple[tuple[int, int], ...]:
        return ((1_000_000, 1_000_010),)

    def plain(self) -> None: ...


def train(out: Path, recipe: Recipe = RECIPE, resume: Path | None = None) -> Trainer:
    trainer = Trainer(Squares(), recipe, out, device=CPU)
    if resume:
        trainer.resume(load_checkpoint(resume))
    trainer.run()
    return trainer


def test_the_loss_falls_and_is_logged_with_a_curve(tmp_path: Path) -> None:
    train(tmp_path)
    losses = [line["loss"] for line in read_log(tmp_path)]
    assert len(losses) == 6
    assert losses[-1] < 0.5 * losses[0]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_resumed_run_goes_on_with_the_same_losses_to_rounding(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    clock = iter(range(1000))
    half = Trainer(Squares(), RECIPE, tmp_path / "half", device=CPU, deadline=34, clock=lambda: next(clock))
    assert not half.run()
    assert 0 < half.progress.step < 60
    rest = train(tmp_path / "rest", resume=tmp_path / "half")
    assert rest.progress.step == 60
    expected = {line["step"]: line["loss"] for line in read_log(tmp_path / "whole")}
    found = {line["step"]: line["loss"] for line in read_log(tmp_path / "rest")}
    assert found[60] == pytest.approx(expected[60], rel=0.05)
    for name, mean in whole.average.items():
        torch.testing.assert_close(rest.average[name], mean, rtol=0.05, atol=0.02)


def test_the_run_ends_with_a_checkpoint_when_the_time_is_up(tmp_path: Path) -> None:
    seconds: Iterator[int] = count()
    trainer = Trainer(
        Squares(),
        Recipe(steps=100_000, learning_rate=1e-2),
        tmp_path,
        device=CPU,
        deadline=50,
        clock=lambda: next(seconds),
    )
    assert trainer.run() is False
    assert load_checkpoint(tmp_path).progress.step == trainer.progress.step < 60


def test_another_stage_takes_the_averaged_weights_and_begins_at_step_0(tmp_path: Path) -> None:
    before = train(tmp_path / "before")
    after = Trainer(Squares("other"), RECIPE, tmp_path / "after", device=CPU)
    after.resume(load_checkpoint(tmp_path / "before"))
    assert after.progress.step == 0
    assert after.progress.history == ("squares 60",)
    for name, parameter in after.task.model.named_parameters():
        torch.testing.assert_close(parameter.detach(), before.average[name], rtol=1e-3, atol=1e-4)


def test_a_step_without_a_finite_gradient_changes_nothing(tmp_path: Path) -> None:
    trainer = Trainer(Squares(broken_at=0), RECIPE, tmp_path, device=CPU)
    before = [p.detach().clone() for p in trainer.task.model.parameters()]
    trainer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.task.model.parameters(), strict=True))


def test_a_run_that_only_makes_nan_says_so(tmp_path: Path) -> None:
    trainer = Trainer(Squares(broken_at=20), RECIPE, tmp_path, device=CPU)
    with pytest.raises(EngineNaN, match="at step 30"):
        trainer.run()


def test_seeds_used_are_in_the_checkpoint_each_once(tmp_path: Path) -> None:
    train(tmp_path)
    assert load_checkpoint(tmp_path).progress.seeds == ((1_000_000, 1_000_010),)
