"""Frame arithmetic: every number stays in its space, timecode counts as Resolve's, nothing is lost on the way."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_davinci.frames import (
    Handles,
    Rate,
    RecordSpan,
    SourceSpan,
    absolute,
    frame_of,
    handles,
    is_retimed,
    marked,
    record_length,
    relative,
    render_marks,
    shown_source,
    source_length,
    timecode,
    with_handles,
)

RATES = [
    Rate.read(text) for text in ("23.976", "24", "25", "29.97", "30", "47.952", "48", "50", "59.94", "60")
]
DROP = [Rate.read(text) for text in ("29.97 DF", "59.94 DF")]
HOUR = 3600
rates = st.sampled_from(RATES + DROP)
starts = st.integers(0, 10**6)
lengths = st.integers(1, 10**4)
spans = st.builds(lambda start, length: RecordSpan(start, start + length), starts, lengths)


@pytest.mark.parametrize(
    ("told", "fps", "drop"),
    [
        ("23.976", Fraction(24000, 1001), False),
        ("23.98", Fraction(24000, 1001), False),
        (24.0, Fraction(24), False),
        ("24", Fraction(24), False),
        ("25.0", Fraction(25), False),
        ("29.97 DF", Fraction(30000, 1001), True),
        (29.97, Fraction(30000, 1001), False),
        ("59.94 DF", Fraction(60000, 1001), True),
        ("30 DF", Fraction(30), True),
    ],
)
def test_a_rate_is_read_as_resolve_writes_it(told: object, fps: Fraction, drop: bool) -> None:
    assert Rate.read(told) == Rate(fps, drop)


@pytest.mark.parametrize("told", ["", "fast", "0", "-24", "DF"])
def test_what_is_no_rate_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Rate.read(told)


@pytest.mark.parametrize("rate", RATES + DROP)
def test_a_rate_is_written_as_it_is_read(rate: Rate) -> None:
    assert Rate.read(rate.setting) == rate


@given(rate=rates, frame=st.integers(0, 30 * HOUR * 60))
def test_timecode_names_one_frame(rate: Rate, frame: int) -> None:
    assert frame_of(timecode(frame, rate), rate) == frame


@given(rate=rates, frame=st.integers(0, 10**6))
def test_timecode_goes_up_with_frames(rate: Rate, frame: int) -> None:
    assert timecode(frame, rate) < timecode(frame + 1, rate)


@pytest.mark.parametrize(
    ("text", "rate", "frame"),
    [
        ("01:00:00:00", "24", 86400),
        ("01:00:00:00", "23.976", 86400),  # numbers, not seconds
        ("01:00:00:00", "25", 90000),
        ("01:00:00;00", "29.97 DF", 107892),
        ("01:00:00;00", "59.94 DF", 215784),
        ("00:01:00;02", "29.97 DF", 1800),
        ("00:10:00;00", "29.97 DF", 17982),
        ("00:00:59;29", "29.97 DF", 1799),
    ],
)
def test_known_timecodes(text: str, rate: str, frame: int) -> None:
    assert frame_of(text, Rate.read(rate)) == frame
    assert timecode(frame, Rate.read(rate)) == text


@pytest.mark.parametrize("text", ["01:00:00:24", "01:60:00:00", "1000", "00:01:00;00", "00:09:00;01", ""])
def test_timecodes_that_name_no_frame_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="timecode"):
        frame_of(text, Rate.read("29.97 DF") if ";" in text else Rate.read("24"))


@given(rate=st.sampled_from(DROP), hours=st.integers(1, 23))
def test_drop_frame_timecode_keeps_to_the_clock(rate: Rate, hours: int) -> None:
    seconds = Fraction(frame_of(f"{hours:02}:00:00;00", rate)) / rate.fps
    assert abs(seconds - hours * HOUR) < Fraction(1, 10) * hours


@given(span=spans)
def test_render_marks_include_the_last_frame(span: RecordSpan) -> None:
    first, last = render_marks(span)
    assert len(range(first, last + 1)) == span.length


@given(start=starts, frame=starts)
def test_a_timelines_markers_count_from_its_start(start: int, frame: int) -> None:
    assert absolute(float(relative(frame, start)), start) == frame


@given(timeline=spans, first=st.integers(0, 500), length=st.integers(0, 500))
def test_marks_include_the_frame_of_out(timeline: RecordSpan, first: int, length: int) -> None:
    found = marked(first, first + length, timeline)
    assert (found.start, found.length) == (timeline.start + first, length + 1)


def test_marks_that_are_not_set_leave_the_whole_timeline() -> None:
    assert marked(None, None, RecordSpan(86400, 86500)) == RecordSpan(86400, 86500)
    assert marked(10, None, RecordSpan(86400, 86500)) == RecordSpan(86410, 86500)
    assert marked(None, 9, RecordSpan(86400, 86500)) == RecordSpan(86400, 86410)


@given(one=spans, other=spans)
def test_spans_overlap_in_what_both_cover(one: RecordSpan, other: RecordSpan) -> None:
    both = one.overlap(other)
    assert both.length == len(set(range(*one)) & set(range(*other))) if one.length < 200 else True
    assert both.length == other.overlap(one).length


@given(left=starts, cut=spans, data=st.data())
def test_a_part_shows_the_frames_that_the_cut_shows_there(
    left: int, cut: RecordSpan, data: st.DataObject
) -> None:
    first = data.draw(st.integers(cut.start, cut.end - 1))
    part = RecordSpan(first, data.draw(st.integers(first + 1, cut.end)))
    source = shown_source(left, cut, part)
    assert source.length == part.length
    assert source.start - left == part.start - cut.start


@given(start=st.integers(0, 400), length=lengths, spare=st.integers(0, 400), wanted=st.integers(0, 100))
def test_handles_lie_inside_the_file(start: int, length: int, spare: int, wanted: int) -> None:
    shown = SourceSpan(start, start + length)
    beside = handles(shown, shown.end + spare, wanted)
    whole = with_handles(shown, beside)
    assert 0 <= whole.start <= shown.start
    assert shown.end <= whole.end <= shown.end + spare
    assert beside == Handles(min(wanted, start), min(wanted, spare))


def test_a_file_that_tells_too_few_frames_gives_no_tail() -> None:
    assert handles(SourceSpan(10, 40), 30, 8) == Handles(8, 0)


@given(frames=lengths, source=st.sampled_from(RATES), timeline=st.sampled_from(RATES))
def test_resolve_rounds_down_where_rates_differ(frames: int, source: Rate, timeline: Rate) -> None:
    exact = frames * timeline.fps / source.fps
    assert exact - 1 < record_length(frames, source, timeline) <= exact
    assert record_length(frames, source, source) == frames


@pytest.mark.parametrize(
    ("first", "last", "same", "length"),
    [(10, 34, True, 24), (10, 33, False, 24), (34, 10, True, -24), (33, 10, False, -24), (0, 0, True, 0)],
)
def test_the_end_of_the_source_counts_by_the_rates(first: int, last: int, same: bool, length: int) -> None:
    assert source_length(first, last, same_rate=same) == length


@given(left=starts, length=lengths)
def test_a_clip_that_plays_as_shot_is_not_retimed(left: int, length: int) -> None:
    assert not is_retimed(left, left, left + length, length)
    assert not is_retimed(left, left + 1, left + length, length)  # one too far, as Resolve says now and then


@given(
    left=starts,
    length=st.integers(4, 10**4),
    speed=st.sampled_from([Fraction(1, 2), Fraction(2), Fraction(-1)]),
)
def test_a_clip_that_does_not_is(left: int, length: int, speed: Fraction) -> None:
    first, last = left, left + int(length * abs(speed))
    if speed < 0:
        first, last = last, first
    assert is_retimed(int(left / abs(speed)), first, last, length)


def test_where_nobody_can_tell_it_counts_as_retimed() -> None:
    assert is_retimed(0, 0, 0, 24)
