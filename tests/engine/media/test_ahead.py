"""Pictures that are fetched ahead come as they would have come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from threading import get_ident

import pytest

from understudy_engine.media.ahead import AHEAD, ahead


def test_all_come_in_order_from_one_other_thread() -> None:
    threads = set()

    def pictures() -> Iterator[int]:
        for number in range(20):
            threads.add(get_ident())
            yield number

    with ahead(pictures()) as taken:
        assert list(taken) == list(range(20))
    assert len(threads) == 1
    assert get_ident() not in threads


def test_what_is_raised_comes_behind_what_was_there_before_it() -> None:
    def pictures() -> Iterator[int]:
        yield from range(5)
        raise OSError("damaged")

    with ahead(pictures()) as taken:
        assert [next(taken) for _ in range(5)] == list(range(5))
        with pytest.raises(OSError, match="damaged"):
            next(taken)


def test_whoever_takes_no_more_leaves_no_thread_behind() -> None:
    fetched: list[int] = []

    def pictures() -> Iterator[int]:
        for number in range(1000):
            fetched.append(number)
            yield number

    with ahead(pictures()) as taken:
        assert next(taken) == 0
    assert len(fetched) <= AHEAD + 1
    assert not [each for each in threading.enumerate() if each.name.startswith("ahead")]
