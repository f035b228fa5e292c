from __future__ import annotations

import numpy as np

from understudy_engine.training.measure.spread import interval


def test_an_interval_holds_its_mean_and_is_the_same_every_time() -> None:
    values = list(np.random.default_rng(1).normal(5, 1, 64))
    found = interval(values)
    assert found is not None
    assert found == interval(values)
    assert found.low < found.mean < found.high
    assert abs((found.high - found.low) / 2 - 1.96 / 8) < 0.06  # the textbook's for a normal distribution


def test_more_clips_make_it_narrower() -> None:
    values = list(np.random.default_rng(2).normal(0, 1, 64))
    few, many = interval(values[:8]), interval(values)
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


def test_clips_without_the_figure_do_not_count() -> None:
    found = interval([1.0, None, 3.0])
    assert found is not None
    assert (found.mean, found.clips) == (2.0, 2)
    assert interval([None]) is None
