import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden_cases import reference
from understudy_engine.preprocess.frames import reflect_index


def test_a_clip_plays_back_and_forth_without_repeating_its_ends():
    assert [reflect_index(i, 5) for i in range(12)] == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]


def test_a_clip_of_one_frame_shows_it_for_ever():
    assert {reflect_index(i, 1) for i in range(9)} == {0}


def test_a_clip_without_frames_is_refused():
    with pytest.raises(ValueError, match="0 frames"):
        reflect_index(0, 0)


@given(st.integers(0, 10_000), st.integers(1, 500))
def test_reflection_moves_one_frame_at_a_time_and_stays_inside(index: int, length: int):
    here, there = reflect_index(index, length), reflect_index(index + 1, length)
    assert 0 <= here < length
    assert abs(here - there) == (1 if length > 1 else 0)


@given(st.integers(1, 300), st.integers(1, 120))
def test_at_its_own_rate_every_frame_is_taken_once(frames: int, fps: int):
    assert reference.frame_indices(frames, fps, frames, fps) == list(range(frames))


@given(st.integers(1, 300), st.floats(1, 120), st.integers(1, 600), st.floats(1, 120))
def test_resampling_never_leaves_the_clip_nor_runs_backwards(frames, video_fps, length, fps):
    indices = reference.frame_indices(frames, video_fps, length, fps)
    assert len(indices) == length
    assert indices == sorted(indices)
    assert 0 <= indices[0] <= indices[-1] < frames
