"""Timecode of the range's first frame, dropped numbers included."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_engine.media.timecode import advance

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("start", "frames", "rate", "label"),
    [
        ("01:00:00:00", 0, Fraction(24), "01:00:00:00"),
        ("01:00:00:00", 25, Fraction(24), "01:00:01:01"),
        ("00:59:59:23", 1, Fraction(24000, 1001), "01:00:00:00"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        # SMPTE 12M-1: numbers 0 and 1 are dropped each minute but each tenth.
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:00;00", 17982, NTSC, "00:10:00;00"),
        ("00:00:00.00", 1800, NTSC, "00:01:00;02"),
        ("00:00:00;00", 2589408, NTSC, "00:00:00;00"),  # one day of 29.97
        ("00:00:59;59", 1, Fraction(60000, 1001), "00:01:00;04"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),  # not dropping, also a custom of NTSC
        ("00:00:59;23", 1, Fraction(24), "00:01:00:00"),  # nothing to drop at 24
    ],
)
def test_known_labels(start: str, frames: int, rate: Fraction, label: str) -> None:
    assert advance(start, frames, rate) == label


@pytest.mark.parametrize("text", ["", "nonsense", "01:00:00", "01:61:00:00", "01:00:00:24"])
def test_what_is_no_timecode_is_left_out(text: str) -> None:
    assert advance(text, 5, Fraction(24)) == ""


@given(
    st.integers(0, 20_000),
    st.integers(0, 20_000),
    st.sampled_from([Fraction(25), NTSC, Fraction(60000, 1001)]),
)
def test_two_steps_are_one(a: int, b: int, rate: Fraction) -> None:
    start = "00:58:30;10" if rate.denominator > 1 else "00:58:30:10"
    assert advance(advance(start, a, rate), b, rate) == advance(start, a + b, rate)


def test_no_label_is_given_twice_or_dropped_ones_at_all() -> None:
    labels = [advance("00:00:00;00", k, NTSC) for k in range(18000)]
    assert len(set(labels)) == len(labels)
    dropped = [label for label in labels if label[-5:] in ("00;00", "00;01") and label[4] != "0"]
    assert dropped == []
