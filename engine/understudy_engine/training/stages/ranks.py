"""Several devices that train one model: each draws its own samples, all step by the mean of their gradients.

One process a device, as torchrun starts them. A process alone is a rank of its own and waits for nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

T = TypeVar("T")

SEEDS_APART = 100_000  # of footage, between one rank's clips and the next one's


@dataclass(frozen=True, slots=True)
class Ranks:
    """Whatever is asked here is asked by every rank at the same place, or they wait for each other for ever."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        if self.alone:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        means = (flat / self.size).split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [m.view_as(g) for m, g in zip(means, gradients, strict=True)])

    def any(self, mine: bool, device: torch.device) -> bool:
        """Whether it holds for one of them; waits for the device."""
        if self.alone:
            return mine
        flag = torch.tensor(float(mine), device=device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def joined(self, mine: tuple[T, ...]) -> tuple[T, ...]:
        """Everybody's, the first rank's before the others'."""
        if self.alone:
            return mine
        everybodys: list[tuple[T, ...]] = [()] * self.size
        dist.all_gather_object(everybodys, mine)
        return tuple(item for theirs in everybodys for item in theirs)


ALONE = Ranks()


def join_ranks(device: torch.device) -> tuple[Ranks, torch.device]:
    """What torchrun says this process is, and its device; alone if nobody says anything."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE, device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Ranks(dist.get_rank(), size), device


def leave_ranks(ranks: Ranks) -> None:
    if not ranks.alone:
        dist.barrier()
        dist.destroy_process_group()


def seeds_of(ranks: Ranks, first: int) -> int:
    """Where this rank's footage begins if the first rank's begins at *first*."""
    return first + ranks.rank * SEEDS_APART
