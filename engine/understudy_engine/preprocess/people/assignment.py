"""Who is who, decided for all at once: the pairs of rows and columns that cost least together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEVER = np.inf  # the cost of a pair that must not be
DEARER = 1e6  # than all pairs that may be, together


def assign(costs: NDArray[np.float64], alone: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of (N, M) *costs*, each row and each column in one at most, by rising row.

    No other choice costs less, if every row that is left out costs *alone*. Costs are at most 1000, or NEVER.
    O(N^2 (N + M)): shortest augmenting paths, after Jonker and Volgenant (Computing 38, 1987).
    """
    rows, columns = costs.shape
    leave_out = np.full((rows, rows), alone)
    open_to_all = np.hstack([np.where(np.isfinite(costs), costs, DEARER), leave_out])
    taken_by = _augmented(open_to_all)[:columns]
    return sorted((row, column) for column, row in enumerate(taken_by) if row >= 0)


def _augmented(costs: NDArray[np.float64]) -> list[int]:
    """Which row has each column, -1 for none; all rows get one. *costs* is no taller than wide."""
    rows, columns = costs.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    taken_by = [-1] * columns
    for row in range(rows):
        reached_from = np.full(columns, -1)
        distance = np.full(columns, np.inf)
        done = np.zeros(columns, bool)
        at, column = row, -1
        while True:
            here = 0.0 if column < 0 else distance[column]
            through = here + costs[at] - row_price[at] - column_price
            nearer = ~done & (through < distance)
            distance[nearer], reached_from[nearer] = through[nearer], column
            column = int(np.where(done, np.inf, distance).argmin())
            if taken_by[column] < 0:
                break
            done[column] = True
            at = taken_by[column]
        end = distance[column]
        row_price[row] += end
        for other in np.flatnonzero(done):
            row_price[taken_by[other]] += end - distance[other]
            column_price[other] -= end - distance[other]
        while column >= 0:
            before = int(reached_from[column])
            taken_by[column] = row if before < 0 else taken_by[before]
            column = before
    return taken_by
