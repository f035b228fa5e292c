"""Smoothing on made-up motion whose truth is known."""

from fractions import Fraction

import numpy as np
import pytest

from understudy_engine.preprocess.keypoints import FACE, LEFT_HAND, POINTS
from understudy_engine.preprocess.motion.smooth import Smoothing, Strength, smooth

FILM = Fraction(24000, 1001)
NOISE_PX = 1.5


def waving(rate: Fraction, hertz: float, seconds: float = 3, amplitude_px: float = 60) -> np.ndarray:
    """All points go left and right, (T, 133, 3)."""
    time_s = np.arange(round(seconds * rate)) / float(rate)
    points = np.ones((len(time_s), POINTS, 3), np.float32)
    points[..., 0] = 300 + amplitude_px * np.sin(2 * np.pi * hertz * time_s)[:, None]
    points[..., 1] = 200
    return points


def noisy(points: np.ndarray, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, NOISE_PX, (*points.shape[:2], 2))
    return np.concatenate([points[..., :2] + noise, points[..., 2:]], axis=-1).astype(np.float32)


def error_px(points: np.ndarray, truth: np.ndarray) -> float:
    return float(np.hypot(*np.moveaxis(points[..., :2] - truth[..., :2], -1, 0)).mean())


def tremble_px(points: np.ndarray, truth: np.ndarray) -> float:
    """Mean change of the error's change from frame to frame."""
    return error_px(np.diff(points, 2, axis=0), np.diff(truth, 2, axis=0))


def width(points: np.ndarray, rate: Fraction, hertz: float) -> float:
    """Amplitude of the wave in the points, of all of them together."""
    time_s = np.arange(len(points)) / float(rate)
    wave = np.sin(2 * np.pi * hertz * time_s)[:, None]
    return float(((points[..., 0] - 300) * wave).sum() / (wave**2).sum() / points.shape[1])


@pytest.mark.parametrize("rate", [FILM, Fraction(60)])
def test_slow_motion_loses_nine_tenths_of_its_tremble_and_half_of_its_error(rate):
    truth = waving(rate, 0.5)
    found = noisy(truth)
    smoothed = smooth(found, rate).points
    assert tremble_px(smoothed, truth) < 0.1 * tremble_px(found, truth)
    assert error_px(smoothed, truth) < 0.52 * error_px(found, truth)


@pytest.mark.parametrize("hertz", [2.0, 4.0])
@pytest.mark.parametrize("rate", [Fraction(24), Fraction(60)])
def test_a_fast_wave_does_not_shrink(rate, hertz):
    truth = waving(rate, hertz)
    found = noisy(truth)
    smoothed = smooth(found, rate).points
    assert width(smoothed, rate, hertz) > 0.97 * 60
    assert error_px(smoothed, truth) < error_px(found, truth)


def test_smoothing_does_not_lag():
    truth = waving(Fraction(24), 1.0)
    smoothed = smooth(noisy(truth), Fraction(24)).points
    late, early = (error_px(smoothed[1:-1], truth[k : len(truth) - 2 + k]) for k in (0, 2))
    assert error_px(smoothed, truth) < 0.25 * min(late, early)


def test_a_step_that_the_noise_does_not_explain_stays_a_step():
    truth = waving(Fraction(24), 0)
    truth[48:, :, 0] += 100
    smoothed = smooth(noisy(truth), Fraction(24)).points
    assert error_px(smoothed[46:50], truth[46:50]) < 3 * NOISE_PX


def test_points_without_noise_stay_where_they_are():
    truth = waving(Fraction(24), 2.0)
    assert error_px(smooth(truth, Fraction(24)).points, truth) < 0.01


def test_each_part_has_a_strength_of_its_own():
    found = noisy(waving(Fraction(24), 0.5))
    result = smooth(found, Fraction(24), smoothing=Smoothing(body=Strength(0), face=Strength(0))).points
    assert np.array_equal(result[:, : FACE.stop], found[:, : FACE.stop])
    assert not np.array_equal(result[:, LEFT_HAND], found[:, LEFT_HAND])


def test_unsure_points_count_less():
    """Every second frame is misread by far and says so."""
    truth = waving(Fraction(24), 0.5)
    found = noisy(truth)
    found[::3, :, :2] += np.random.default_rng(1).normal(0, 6, (len(found[::3]), POINTS, 2))
    told = found.copy()
    told[::3, :, 2] = 0.5
    assert error_px(smooth(told, Fraction(24)).points, truth) < error_px(
        smooth(found, Fraction(24)).points, truth
    )


def test_a_shot_is_smoothed_as_if_it_were_alone():
    one, other = noisy(waving(FILM, 1.0)), noisy(waving(FILM, 0.3, amplitude_px=90), seed=1)
    both = smooth(np.concatenate([one, other]), FILM, cuts=[len(one)])
    apart = [smooth(shot, FILM) for shot in (one, other)]
    assert np.array_equal(both.points, np.concatenate([shot.points for shot in apart]))


def test_scores_stay_and_points_below_the_drawn_score_stay_to_the_bit():
    found = noisy(waving(Fraction(24), 0.5))
    found[20:60, 9] = [7, 7, 0.3]
    result = smooth(found, Fraction(24))
    assert np.array_equal(result.points[20:60, 9], found[20:60, 9])
    assert np.array_equal(result.points[..., 2], found[..., 2])
    assert not result.filled.any()


def test_a_short_gap_is_filled_along_the_motion_and_marked():
    truth = waving(Fraction(24), 1.0)
    found = noisy(truth)
    found[40:44, 9] = 0
    result = smooth(found, Fraction(24))
    assert error_px(result.points[40:44, 9:10], truth[40:44, 9:10]) < 8  # the wave is 120 px wide
    assert (result.points[40:44, 9, 2] == 1).all()
    assert result.filled.sum() == 4
    assert result.filled[40:44, 9].all()


def test_a_gap_of_a_fifth_of_a_second_is_short_at_every_rate():
    for rate, frames in ((Fraction(24), 5), (Fraction(60), 12)):
        for gap, is_filled in ((frames, True), (frames + 1, False)):
            found = waving(rate, 0.5)
            found[30 : 30 + gap, 9] = 0
            assert smooth(found, rate).filled.any() == is_filled


def test_nothing_is_filled_at_the_ends_or_across_a_cut():
    found = waving(Fraction(24), 0.5)
    found[:2, 9] = found[-2:, 9] = found[47:49, 9] = 0
    assert not smooth(found, Fraction(24), cuts=[48]).filled.any()


def test_nothing_is_carried_over_a_long_gap():
    found = noisy(waving(Fraction(24), 0.5))
    found[30:50] = 0
    whole = smooth(found, Fraction(24)).points
    found[50:, :, :2] += 300
    assert np.array_equal(smooth(found, Fraction(24)).points[:30], whole[:30])


def test_a_point_that_jumps_away_for_one_frame_is_put_back_and_marked():
    truth = waving(Fraction(24), 1.0)
    found = noisy(truth)
    found[50, 9, 0] += 200
    result = smooth(found, Fraction(24))
    assert error_px(result.points[50:51, 9:10], truth[50:51, 9:10]) < 5
    assert result.filled[50, 9]
    assert result.filled.sum() == 1


@pytest.mark.parametrize("frames", [1, 2, 5, 6])
def test_a_clip_too_short_to_know_its_tremble_stays_as_it_is(frames):
    found = noisy(waving(Fraction(24), 1.0))[:frames]
    result = smooth(found, Fraction(24))
    assert np.array_equal(result.points, found)
    assert result.points.dtype == np.float32
