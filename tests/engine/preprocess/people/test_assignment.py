from __future__ import annotations

from itertools import combinations, permutations

import numpy as np

from understudy_engine.preprocess.people.assignment import NEVER, assign


def cheapest(costs: np.ndarray, alone: float) -> float:
    """By trying everything."""
    rows, columns = costs.shape
    totals = [alone * rows]
    for size in range(1, min(rows, columns) + 1):
        for chosen in combinations(range(rows), size):
            for order in permutations(range(columns), size):
                totals.append(sum(costs[chosen, order]) + alone * (rows - size))
    return min(totals)


def test_no_other_choice_of_pairs_costs_less() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        rows, columns = random.integers(0, 5, 2).tolist()
        costs = random.random((rows, columns))
        costs[random.random(costs.shape) < 0.3] = NEVER
        pairs = assign(costs, 0.6)
        total = sum(costs[pair] for pair in pairs) + 0.6 * (rows - len(pairs))
        assert abs(total - cheapest(costs, 0.6)) < 1e-9
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        assert pairs == sorted(pairs)


def test_a_pair_that_must_not_be_is_never_made() -> None:
    assert assign(np.array([[NEVER, NEVER], [NEVER, 900.0]]), 1000) == [(1, 1)]


def test_rather_alone_than_in_a_pair_that_costs_more() -> None:
    assert assign(np.array([[0.7]]), 0.6) == []
    assert assign(np.array([[0.5]]), 0.6) == [(0, 0)]


def test_a_hundred_people_are_no_hurdle() -> None:
    costs = np.random.default_rng(0).random((100, 100))
    shuffled = np.random.default_rng(1).permutation(100)
    costs[np.arange(100), shuffled] = -1
    assert assign(costs, 2) == list(enumerate(shuffled.tolist()))
