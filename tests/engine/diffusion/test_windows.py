from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_cases import reference
from understudy_engine.diffusion.windows import (
    ceil_to_latent,
    plan_retake,
    plan_segments,
)
from understudy_engine.types import FrameRange, Segment

lengths = st.integers(1, 2000)
segment_lengths = st.integers(2, 20).map(lambda n: 4 * n + 1)
overlaps = st.sampled_from([1, 5])


@given(lengths, segment_lengths, overlaps)
def test_every_frame_is_delivered_exactly_once_and_in_order(frames, segment_frames, overlap):
    segments = plan_segments(frames, segment_frames=segment_frames, overlap=overlap)
    assert [k for s in segments for k in s.delivers.indices] == list(range(frames))


@given(lengths, segment_lengths, overlaps)
def test_every_segment_is_4n_plus_1_and_no_longer_than_allowed(frames, segment_frames, overlap):
    for segment in plan_segments(frames, segment_frames=segment_frames, overlap=overlap):
        assert segment.length % 4 == 1
        assert segment.length <= segment_frames
        assert segment.padding < 4


@given(lengths, segment_lengths, overlaps)
def test_a_segment_begins_with_the_last_frames_of_the_one_before(frames, segment_frames, overlap):
    segments = plan_segments(frames, segment_frames=segment_frames, overlap=overlap)
    for before, after in pairwise(segments):
        assert before.padding == 0
        assert after.overlap == overlap
        assert after.start + overlap == before.start + before.length


@given(lengths, segment_lengths, overlaps)
def test_no_plan_needs_fewer_segments(frames, segment_frames, overlap):
    count = len(plan_segments(frames, segment_frames=segment_frames, overlap=overlap))
    assert count == 1 or (count - 1) * (segment_frames - overlap) + overlap < frames


def test_a_one_frame_clip_is_one_segment_of_one_frame():
    assert plan_segments(1, segment_frames=77, overlap=1) == (
        Segment(index=0, start=0, length=1, overlap=0, padding=0),
    )


def test_78_frames_do_not_cost_two_full_segments():
    lengths = [s.length for s in plan_segments(78, segment_frames=77, overlap=1)]
    assert lengths == [41, 41]


# research/engine_spec.md §3.2, from the reference: (frames, overlap) -> (target, segments)
@pytest.mark.parametrize(
    ("frames", "overlap", "target", "count"),
    [
        (30, 1, 77, 1), (77, 5, 77, 1), (78, 1, 153, 2), (78, 5, 149, 2), (153, 5, 221, 3), (200, 1, 229, 3),
        (300, 1, 305, 4), (300, 5, 365, 5), (600, 1, 609, 8), (600, 5, 653, 9),
    ],
)  # fmt: skip
def test_windows_of_the_reference_are_as_it_counts_them(frames, overlap, target, count):
    segments = reference.windows(frames, segment_frames=77, overlap=overlap)
    assert len(segments) == count
    assert segments[-1].start + segments[-1].length == target
    assert [k for s in segments for k in s.delivers.indices] == list(range(frames))


@pytest.mark.parametrize(("frames", "expected"), [(1, 1), (2, 5), (5, 5), (6, 9), (77, 77), (78, 81)])
def test_ceil_to_latent(frames, expected):
    assert ceil_to_latent(frames) == expected


@st.composite
def spans(draw):
    frames = draw(st.integers(1, 300))
    start = draw(st.integers(0, frames - 1))
    return frames, FrameRange(start, draw(st.integers(start + 1, frames)))


@given(spans(), segment_lengths, overlaps)
def test_a_retake_delivers_its_span_exactly_once_and_in_order(shot, segment_frames, overlap):
    frames, span = shot
    segments = plan_retake(frames, span, segment_frames=segment_frames, overlap=overlap)
    assert [k for s in segments for k in s.delivers.indices] == list(span.indices)
    assert all(s.length % 4 == 1 and s.length <= segment_frames for s in segments)
    assert [s.index for s in segments] == list(range(len(segments)))


@given(spans(), segment_lengths, overlaps)
def test_a_retakes_segments_begin_with_frames_that_are_known_by_then(shot, segment_frames, overlap):
    frames, span = shot
    first, *others = plan_retake(frames, span, segment_frames=segment_frames, overlap=overlap)
    assert first.overlap == (overlap if span.start >= overlap else min(span.start, 1))
    for before, after in pairwise([first, *others]):
        assert before.start <= after.start
        assert after.delivers.start == before.delivers.end
        assert after.overlap in (1, overlap)


@given(spans(), segment_lengths, overlaps)
def test_a_retakes_last_segment_reaches_into_what_follows(shot, segment_frames, overlap):
    frames, span = shot
    last = plan_retake(frames, span, segment_frames=segment_frames, overlap=overlap)[-1]
    room = segment_frames - overlap - 1
    assert last.padding >= min(overlap, frames - span.end, room)


def test_a_span_of_one_frame_and_one_of_several_segments():
    assert plan_retake(20, FrameRange(7, 8), segment_frames=9, overlap=1) == (
        Segment(index=0, start=6, length=5, overlap=1, padding=3),
    )
    long = plan_retake(40, FrameRange(10, 34), segment_frames=9, overlap=1)
    assert [len(s.delivers) for s in long] == [6, 6, 6, 6]
