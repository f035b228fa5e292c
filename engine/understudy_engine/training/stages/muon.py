"""Muon: steps of matrices made orthogonal, so that every direction of a matrix learns as fast as any other.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon), with steps as large as AdamW's at the same rate (Liu et
al. 2025, https://arxiv.org/abs/2502.16982, equation 4). torch.optim.Muon takes one matrix after the other and
knows no steps that are left out; nano has some hundred small matrices, so here all of one shape are one batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

ROUNDS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic whose iteration drives singular values to about 1
LIKE_ADAM = 0.2  # the root mean square of AdamW's steps, in parts of the rate


class Muon(torch.optim.Optimizer):
    """For matrices alone; their momentum is kept as "exp_avg". With *found_inf* 1 a step changes nothing."""

    found_inf: Tensor | None = None

    def __init__(
        self,
        matrices: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override] # there is no loss to hand back
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape].append(parameter)
            for parameters in alike.values():
                self._step_alike(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _step_alike(self, parameters: list[nn.Parameter], rate: float, momentum: float, decay: float) -> None:
        gradients = torch.stack([p.grad for p in parameters if p.grad is not None]).nan_to_num(0.0, 0.0, 0.0)
        kept = [self._momentum(p) for p in parameters]
        means = torch.stack(kept)
        usable = 1 - (means.new_zeros(()) if self.found_inf is None else self.found_inf)
        means = means + (1 - momentum) * usable * (gradients - means)
        ahead = gradients.lerp(means, momentum)  # Nesterov's
        size = rate * LIKE_ADAM * max(ahead.shape[1:]) ** 0.5
        changes = orthogonal(ahead).to(means.dtype) * (size * usable)
        torch._foreach_copy_(kept, list(means.unbind()))
        values: list[Tensor] = [*parameters]
        torch._foreach_mul_(values, 1 - rate * decay * usable)
        torch._foreach_sub_(values, list(changes.unbind()))

    def _momentum(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(parameter)
        mean: Tensor = state["exp_avg"]
        return mean


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, rows, columns) -> about the nearest with singular values of 0.7 to 1.2, by Newton and Schulz's iteration."""
    a, b, c = COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    turned: Tensor = x.mT if tall else x
    return turned
