"""Noise levels. A flow model moves along x = (1 - sigma) * clean + sigma * noise, sigma from 1 to 0.

Source: Wan2.2 reference, wan/utils/fm_solvers.py and fm_solvers_unipc.py. Both shift the levels towards noise by
sigma' = shift * sigma / (1 + (shift - 1) * sigma), but start from different lines, and the difference is visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Solver

TRAIN_STEPS = 1000  # timesteps are sigma * 1000, cut to whole numbers as in training
UNIPC_SIGMA_MAX = 0.999  # 1 - 1/1000: UniPC's lambda must stay finite


@dataclass(frozen=True, slots=True)
class Schedule:
    """``sigmas`` has one entry more than ``timesteps``: the last is 0, where the clean latent is."""

    timesteps: tuple[int, ...]
    sigmas: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.timesteps)


def make_schedule(solver: Solver, steps: int, shift: float) -> Schedule:
    """The levels of *steps* denoising steps; raises ValueError if steps < 1 or shift <= 0."""
    if steps < 1 or shift <= 0:
        raise ValueError(f"steps must be at least 1 and shift above 0, not {steps} and {shift}")
    top = UNIPC_SIGMA_MAX if solver is Solver.UNIPC else 1.0
    line: NDArray[np.float64] = np.linspace(top, 0.0, steps + 1)[:-1]
    sigmas = shift * line / (1 + (shift - 1) * line)
    timesteps = (sigmas * TRAIN_STEPS).astype(np.int64)
    return Schedule(tuple(timesteps.tolist()), (*sigmas.tolist(), 0.0))
