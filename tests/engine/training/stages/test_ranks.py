"""Several processes train one model: what each draws counts, and all of them hold the same weights."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import torch
from torch import nn
from torch.multiprocessing.spawn import spawn

from tests.engine.training.stages.test_trainer import CPU, Squares
from understudy_engine.training.stages.checkpoint import load_checkpoint
from understudy_engine.training.stages.ranks import (
    ALONE,
    SEEDS_APART,
    Ranks,
    join_ranks,
    leave_ranks,
    seeds_of,
)
from understudy_engine.training.stages.trainer import Recipe, Trainer, read_log

RECIPE = Recipe(steps=20, learning_rate=1e-2, warmup=5, log_every=10, weight_decay=0.0)


class OfRank(Squares):
    """Squares with footage of its own."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.first = 1_000_000 + SEEDS_APART * rank

    def seeds(self) -> tuple[tuple[int, int], ...]:
        return ((self.first, self.first + 10),)


def _one_of_two(rank: int, folder: Path, port: int) -> None:
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks, device = join_ranks(CPU)
    parameter = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.full((3,), float(rank))
    ranks.average_gradients([parameter])
    assert parameter.grad.tolist() == [0.5] * 3
    assert ranks.any(rank == 1, device)

    late = 1000 if rank else 3  # one of them is out of time long before the other
    ticks = iter(range(1000))
    recipe = Recipe(steps=900, learning_rate=1e-2, log_every=10)
    cut = Trainer(
        OfRank(rank),
        recipe,
        folder / "cut",
        device=device,
        deadline=late,
        clock=lambda: next(ticks),
        ranks=ranks,
    )
    assert not cut.run()
    assert cut.progress.step == 10

    trainer = Trainer(OfRank(rank), RECIPE, folder / "whole", device=device, ranks=ranks)
    assert trainer.run()
    torch.save(trainer.trained, folder / f"rank{rank}.pt")
    leave_ranks(ranks)


def test_two_ranks_learn_one_model_from_both_their_footage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    spawn(_one_of_two, (tmp_path, port), nprocs=2)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    alone = Trainer(Squares(), RECIPE, tmp_path / "alone", device=CPU)
    alone.run()
    assert not torch.equal(first["0.weight"], alone.trained["0.weight"])
    seeds = load_checkpoint(tmp_path / "whole").progress.seeds
    assert seeds == ((1_000_000, 1_000_010), (1_100_000, 1_100_010))
    assert len(read_log(tmp_path / "whole")) == 2  # one of them writes


def test_a_process_alone_waits_for_nobody() -> None:
    assert join_ranks(CPU) == (ALONE, CPU)
    parameter = nn.Parameter(torch.zeros(2))
    ALONE.average_gradients([parameter])
    assert parameter.grad is None
    assert [ALONE.any(flag, CPU) for flag in (True, False)] == [True, False]
    assert ALONE.joined((1, 2)) == (1, 2)


def test_ranks_film_clips_of_their_own() -> None:
    assert [seeds_of(Ranks(rank, 2), 1_000_000) for rank in (0, 1)] == [1_000_000, 1_100_000]
