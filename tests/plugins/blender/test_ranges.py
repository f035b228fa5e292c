"""Timeline frames and clip frames."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.blender.support.extension import load

ranges = load("ranges")


def timing(start: int, length: int, *, left: int = 0, right: int = 0, trimmed: int = 0) -> Any:
    """Of a strip with *length* frames of content at *start*, *left* and *right* of them behind its handles."""
    return ranges.Timing(
        content_start=start,
        content_duration=length,
        content_trim_start=trimmed,
        left_handle=start + left,
        right_handle=start + length - right,
    )


def test_an_untrimmed_strip_shows_its_whole_clip_wherever_it_lies() -> None:
    assert ranges.visible_clip_range(timing(1, 24)) == (0, 24)
    assert ranges.visible_clip_range(timing(-300, 24)) == (0, 24)


def test_handles_and_content_trims_both_move_the_first_frame() -> None:
    assert ranges.visible_clip_range(timing(11, 24, left=5, right=7)) == (5, 17)
    assert ranges.visible_clip_range(timing(11, 20, left=5, trimmed=4)) == (9, 24)


@given(
    start=st.integers(-10_000, 10_000),
    length=st.integers(1, 5_000),
    trimmed=st.integers(0, 500),
    data=st.data(),
)
def test_the_clip_range_is_as_long_as_the_strip_and_lies_inside_the_clip(
    start: int, length: int, trimmed: int, data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, length - 1))
    right = data.draw(st.integers(0, length - 1 - left))
    strip = timing(start, length, left=left, right=right, trimmed=trimmed)
    first, end = ranges.visible_clip_range(strip)
    assert end - first == strip.duration
    assert trimmed <= first < end <= trimmed + length
    # the rule itself: frame f shows clip frame f - content_start + content_trim_start
    assert first == strip.left_handle - strip.content_start + trimmed


@pytest.mark.parametrize(("left", "right", "held"), [(-3, 0, 3), (0, -2, 2), (-3, -2, 5)])
def test_a_strip_that_holds_a_still_is_refused_with_the_number(left: int, right: int, held: int) -> None:
    with pytest.raises(ranges.Refusal, match=f"for {held} frames"):
        ranges.visible_clip_range(timing(11, 24, left=left, right=right))


def test_rates_a_thousandth_apart_are_two_rates() -> None:
    assert ranges.plays_one_to_one(24000 / 1001, 24 / 1.001)
    assert ranges.plays_one_to_one(23.976024627685547, 24 / 1.001)  # Blender keeps a strip's rate in 32 bits
    assert not ranges.plays_one_to_one(24000 / 1001, 24.0)
    assert not ranges.plays_one_to_one(0.0, 24.0)


def test_the_lowest_channel_above_that_is_free_for_the_whole_time_is_taken() -> None:
    occupied = [ranges.Occupied(3, 0, 10), ranges.Occupied(4, 19, 30), ranges.Occupied(5, 20, 30)]
    assert ranges.free_channel(occupied, [], above=2, start=10, end=20) == 3  # ends where we begin
    assert ranges.free_channel(occupied, [3], above=2, start=10, end=20) == 5  # begins where we end
    assert ranges.free_channel(occupied, [], above=3, start=5, end=40) == 6


def test_without_a_free_channel_the_frames_are_named_as_the_artist_counts_them() -> None:
    with pytest.raises(ranges.Refusal, match="from frame 10 to 19"):
        ranges.free_channel([], range(129), above=2, start=10, end=20)


def test_handles_go_as_far_as_the_clip_does() -> None:
    assert ranges.with_handles(ranges.ClipRange(10, 20), 4, 100) == (6, 24)
    assert ranges.with_handles(ranges.ClipRange(3, 20), 8, 22) == (0, 22)
    assert ranges.with_handles(ranges.ClipRange(3, 20), 0, 22) == (3, 20)


def test_a_clip_is_as_long_as_its_content_and_what_is_trimmed_off() -> None:
    assert ranges.clip_frames(timing(11, 20, trimmed=4)) == 24


def test_a_fitted_picture_is_seen_whole() -> None:
    assert ranges.fitting_scale((832, 480), (1664, 1080)) == 2.0
    assert ranges.fitting_scale((480, 832), (1920, 1080)) == 1080 / 832
