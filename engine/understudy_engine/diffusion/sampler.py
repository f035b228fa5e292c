"""Solvers of the flow: each turns the model's velocity at one noise level into the latent at the next.

One model call a step for all of them. In every solver ``clean = x - sigma * velocity`` is the model's guess of the
clean latent, alpha = 1 - sigma and lambda = ln(alpha / sigma). Coefficients are computed in float64, latents stay
in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from ..types import Solver
from .schedule import Schedule


class Stepper(Protocol):
    def step(self, i: int, x: Tensor, velocity: Tensor) -> Tensor:
        """The latent at sigmas[i + 1], from *x* and the model's *velocity* at sigmas[i]. Call in order, once each."""
        ...


def make_stepper(solver: Solver, schedule: Schedule) -> Stepper:
    steppers: dict[Solver, Callable[[Schedule], Stepper]] = {
        Solver.UNIPC: UniPC,
        Solver.DPMPP: DpmSolverPP,
        Solver.EULER: Euler,
    }
    return steppers[solver](schedule)


def _lambda(sigma: float) -> float:
    if sigma <= 0:
        return math.inf
    return math.log1p(-sigma) - math.log(sigma) if sigma < 1 else -math.inf


class Euler:
    """x moves straight along the velocity. First order."""

    def __init__(self, schedule: Schedule) -> None:
        self._sigmas = schedule.sigmas

    def step(self, i: int, x: Tensor, velocity: Tensor) -> Tensor:
        return x + (self._sigmas[i + 1] - self._sigmas[i]) * velocity


class DpmSolverPP:
    """DPM-Solver++(2M), midpoint; first and last step are of first order.

    Lu et al., "DPM-Solver++" (https://arxiv.org/abs/2211.01095), algorithm 2.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._sigmas = schedule.sigmas
        self._lambdas = [_lambda(s) for s in schedule.sigmas]
        self._clean_before: Tensor | None = None

    def step(self, i: int, x: Tensor, velocity: Tensor) -> Tensor:
        sigma, sigma_next = self._sigmas[i], self._sigmas[i + 1]
        clean = x - sigma * velocity
        h = self._lambdas[i + 1] - self._lambdas[i]
        pull = -(1 - sigma_next) * math.expm1(-h)
        moved = (sigma_next / sigma) * x + pull * clean
        if self._clean_before is not None and sigma_next > 0:
            h_before = self._lambdas[i] - self._lambdas[i - 1]
            # from sigma = 1 the step before is infinitely long in lambda: its slope counts nothing
            slope = 0.0 if math.isinf(h_before) else h / h_before
            moved = moved + (0.5 * pull * slope) * (clean - self._clean_before)
        self._clean_before = clean
        return moved


class UniPC:
    """UniPC, variant B(h) = e^h - 1, order 2: a predictor, and a corrector that reuses the next model call.

    Zhao et al., "UniPC" (https://arxiv.org/abs/2302.04867).
    """

    def __init__(self, schedule: Schedule) -> None:
        self._sigmas = schedule.sigmas
        self._lambdas = [_lambda(s) for s in schedule.sigmas]
        self._cleans: list[Tensor] = []  # guesses at the last two levels, newest last
        self._x_before: Tensor | None = None
        self._order = 0  # of the last predictor step

    def step(self, i: int, x: Tensor, velocity: Tensor) -> Tensor:
        clean = x - self._sigmas[i] * velocity
        if self._x_before is not None:
            x = self._corrected(i, self._x_before, clean)
        self._cleans = [*self._cleans[-1:], clean]
        self._order = min(2, len(self._sigmas) - 1 - i, len(self._cleans))
        self._x_before = x
        return self._predicted(i, x)

    def _predicted(self, i: int, x: Tensor) -> Tensor:
        h = self._lambdas[i + 1] - self._lambdas[i]
        clean = self._cleans[-1]
        change = clean
        if self._order == 2:
            r = (self._lambdas[i - 1] - self._lambdas[i]) / h
            change = clean + 0.5 * (self._cleans[-2] - clean) / r
        return self._moved(i, i + 1, x, change, h)

    def _corrected(self, i: int, x_before: Tensor, clean: Tensor) -> Tensor:
        """The sample at level i again, from level i - 1, now that the model was called at level i."""
        h = self._lambdas[i] - self._lambdas[i - 1]
        clean_before = self._cleans[-1]
        if self._order == 1:
            change = clean_before + 0.5 * (clean - clean_before)
        else:
            r = (self._lambdas[i - 2] - self._lambdas[i - 1]) / h
            rho_before, rho_now = _corrector_weights(h, r)
            change = (
                clean_before
                + rho_before * (self._cleans[-2] - clean_before) / r
                + rho_now * (clean - clean_before)
            )
        return self._moved(i - 1, i, x_before, change, h)

    def _moved(self, start: int, end: int, x: Tensor, change: Tensor, h: float) -> Tensor:
        sigma, sigma_next = self._sigmas[start], self._sigmas[end]
        return (sigma_next / sigma) * x - (1 - sigma_next) * math.expm1(-h) * change


def _corrector_weights(h: float, r: float) -> tuple[float, float]:
    """Solves [[1, 1], [r, 1]] rho = (phi2 / B, 2 phi3 / B) at -h."""
    b = math.expm1(-h)
    phi2 = b / -h - 1
    phi3 = phi2 / -h - 0.5
    first, second = phi2 / b, 2 * phi3 / b
    rho_before = (first - second) / (1 - r)
    return rho_before, first - rho_before
