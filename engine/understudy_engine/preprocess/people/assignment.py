"""Who is who, decided for all at once: the pairs of rows and columns that cost least together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEVER = np.inf  # the cost of a pair that must not be
DEARER = 1e6  # than all pairs that may be, together


def assign(costs: NDArray[np.float64], alone: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of (N, M) *costs*, each row and each column in one at most, by rising row.

    No other choice costs less, if every row that is left out costs *alone*. Costs are at most 1000, or NEVER.
    For N <= M O(N^2 (N + M)): shortest augmenting paths, after Jonker and Volgenant (Computing 38, 1987).
    """
    rows, columns = costs.shape
    if rows > columns:  # a pair saves as much, whichever side would else be left out
        return sorted((row, column) for column, row in assign(costs.T, alone))
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
        column, reached_from = _cheapest_path(costs, row, taken_by, row_price, column_price)
        while column >= 0:  # back along the path, each row takes the column that it reached
            before = int(reached_from[column])
            taken_by[column] = row if before < 0 else taken_by[before]
            column = before
    return taken_by


def _cheapest_path(
    costs: NDArray[np.float64],
    row: int,
    taken_by: list[int],
    row_price: NDArray[np.float64],
    column_price: NDArray[np.float64],
) -> tuple[int, NDArray[np.int64]]:
    """From *row* by way of taken columns to a free one: that column, and for each column the one before it on its
    path, -1 for none. Raises the prices by what the path costs (Dijkstra's search; no price may be undercut)."""
    columns = costs.shape[1]
    distance, reached_from = np.full(columns, np.inf), np.full(columns, -1)
    done = np.zeros(columns, bool)
    at, column, here = row, -1, 0.0
    while True:
        through = here + costs[at] - row_price[at] - column_price
        nearer = ~done & (through < distance)
        distance[nearer], reached_from[nearer] = through[nearer], column
        column = int(np.where(done, np.inf, distance).argmin())
        here = float(distance[column])
        if taken_by[column] < 0:
            break
        done[column], at = True, taken_by[column]
    row_price[row] += here
    for other in np.flatnonzero(done):
        row_price[taken_by[other]] += here - distance[other]
        column_price[other] -= here - distance[other]
    return column, reached_from
