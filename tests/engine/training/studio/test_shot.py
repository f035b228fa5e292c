from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
import torch

from understudy_engine.preprocess.face import reference_face_box
from understudy_engine.training import DemoShot, render_shot
from understudy_engine.types import FrameSize

FRAMES, SIZE = 5, 128
NOSE, EYES, SHOULDERS, WRISTS = 0, [1, 2], [5, 6], [9, 10]
FACE, LEFT_HAND, RIGHT_HAND = slice(23, 91), slice(91, 112), slice(112, 133)


@pytest.fixture(scope="module")
def shot() -> DemoShot:
    return render_shot(3, frames=FRAMES, size=SIZE)


def test_every_pass_is_as_long_and_as_large_as_the_plate(shot: DemoShot) -> None:
    picture = (FRAMES, SIZE, SIZE, 3)
    assert shot.plate.shape == shot.truth_replace.shape == shot.truth_animate.shape == picture
    assert shot.matte.shape == shot.truth_matte.shape == picture[:3]
    assert shot.character.shape == shot.clean_plate.shape == picture[1:]
    assert shot.keypoints.shape == (FRAMES, 133, 3)
    assert shot.face_boxes.shape == (FRAMES, 4)
    assert shot.character_keypoints.shape == (133, 3)
    assert shot.keypoints.dtype == shot.face_boxes.dtype == np.float32
    assert shot.rate == Fraction(24)


def test_the_same_seed_gives_the_same_shot_to_the_last_bit(shot: DemoShot) -> None:
    again = render_shot(3, frames=FRAMES, size=SIZE)
    for field in fields(DemoShot):
        first, second = getattr(shot, field.name), getattr(again, field.name)
        assert np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second, field.name


def test_a_longer_shot_begins_as_the_shorter_one_does(shot: DemoShot) -> None:
    longer = render_shot(3, frames=FRAMES + 1, size=SIZE)
    assert np.allclose(longer.keypoints[:FRAMES], shot.keypoints, atol=1e-3)
    difference = np.abs(longer.plate[:FRAMES].astype(int) - shot.plate.astype(int))
    assert (difference > 2).mean() < 1e-3


def test_another_seed_gives_another_figure_place_and_light(shot: DemoShot) -> None:
    other = render_shot(4, frames=FRAMES, size=SIZE)
    for name in ("plate", "clean_plate", "character", "matte", "sound"):
        assert not np.array_equal(getattr(shot, name), getattr(other, name)), name
    assert shot.light != other.light


def test_the_plate_differs_from_the_empty_place_only_inside_the_matte(shot: DemoShot) -> None:
    differs = (shot.plate != shot.clean_plate).any(axis=-1)
    inside = shot.matte == 255
    assert set(np.unique(shot.matte)) == {0, 255}
    assert not (differs & ~inside).any()
    assert (differs & inside).sum() > 0.99 * inside.sum()


def test_the_perfect_replace_leaves_the_plate_alone_outside_the_character(shot: DemoShot) -> None:
    differs = (shot.truth_replace != shot.clean_plate).any(axis=-1)
    assert not (differs & (shot.truth_matte == 0)).any()
    untouched = (shot.matte == 0) & (shot.truth_matte == 0)
    assert np.array_equal(shot.truth_replace[untouched], shot.plate[untouched])


def test_the_perfect_animate_keeps_the_pictures_own_background(shot: DemoShot) -> None:
    corner = (slice(0, 12), slice(0, 12))
    assert not shot.truth_matte[:, corner[0], corner[1]].any()
    for frame in shot.truth_animate:
        assert np.array_equal(frame[corner], shot.character[corner])


def test_the_character_is_lit_by_the_plate_in_one_truth_and_by_its_studio_in_the_other(
    shot: DemoShot,
) -> None:
    inside = shot.truth_matte == 255
    replaced, animated = shot.truth_replace[inside].mean(axis=0), shot.truth_animate[inside].mean(axis=0)
    assert np.abs(replaced - animated).max() > 8


def test_body_face_and_hand_points_lie_on_the_figure(shot: DemoShot) -> None:
    on_it = [NOSE, *EYES, *SHOULDERS, *range(26, 88), *range(91, 133)]
    for frame, points in enumerate(shot.keypoints):
        seen = points[on_it]
        seen = seen[seen[:, 2] > 0]
        column, row = seen[:, 0].astype(int), seen[:, 1].astype(int)
        assert (shot.matte[frame][row, column] == 255).mean() > 0.98


def test_the_nose_and_eyes_lie_in_the_face_box(shot: DemoShot) -> None:
    for points, (x0, y0, x1, y1) in zip(shot.keypoints, shot.face_boxes, strict=True):
        for x, y in points[[NOSE, *EYES], :2]:
            assert x0 < x < x1
            assert y0 < y < y1


def test_the_persons_left_is_at_the_right_of_the_picture(shot: DemoShot) -> None:
    x = shot.keypoints[:, :, 0]
    assert (x[:, 1] > x[:, 2]).all()
    assert (x[:, 5] > x[:, 6]).all()
    assert (x[:, 23 + 16] > x[:, 23]).all()


def test_wrists_of_the_body_and_of_the_hands_are_the_same_points(shot: DemoShot) -> None:
    assert np.allclose(shot.keypoints[:, 9], shot.keypoints[:, 91])
    assert np.allclose(shot.keypoints[:, 10], shot.keypoints[:, 112])


def test_points_outside_the_picture_score_nothing_and_all_others_one(shot: DemoShot) -> None:
    xy, score = shot.keypoints[..., :2], shot.keypoints[..., 2]
    inside = ((xy >= 0) & (xy < SIZE)).all(axis=-1)
    assert np.array_equal(score, inside.astype(np.float32))
    assert not score[:, 13:23].any()  # knees, ankles and feet


@pytest.mark.parametrize("seed", range(6))
def test_the_figure_is_framed_from_the_waist_up_with_a_large_face(seed: int) -> None:
    framed = render_shot(seed, frames=3, size=SIZE)
    assert not framed.matte[:, 0].any(), "headroom"
    assert framed.matte[:, -1].any(axis=-1).all(), "cut at the waist"
    face = framed.face_boxes[:, 2:] - framed.face_boxes[:, :2]
    assert (face >= 0.25 * SIZE).all()  # 64 px at 256
    assert framed.keypoints[:, [*SHOULDERS, *WRISTS], 2].all()
    assert 0.2 < (framed.matte == 255).mean() < 0.6


def test_the_face_box_is_the_one_that_preprocessing_would_crop(shot: DemoShot) -> None:
    for points, (x0, y0, x1, y1) in zip(shot.keypoints, shot.face_boxes, strict=True):
        box = reference_face_box(points[FACE], FrameSize(SIZE, SIZE))
        assert box == (x0, y0, x1 - x0, y1 - y0)


def test_the_face_performs() -> None:
    """Within a clip the head turns, the mouth opens and the eyes blink."""
    points = render_shot(3, frames=49, size=32).keypoints[:, FACE]
    height = points[:, 8, 1] - points[:, 27, 1]
    opening = (points[:, 66, 1] - points[:, 62, 1]) / height
    eye = (points[:, 41, 1] - points[:, 37, 1]) / height
    nose_between_cheeks = (points[:, 30, 0] - points[:, 0, 0]) / (points[:, 16, 0] - points[:, 0, 0])
    assert np.ptp(opening) > 0.1
    assert eye.min() < 0.5 * eye.max()
    assert np.ptp(nose_between_cheeks) > 0.2


@pytest.mark.parametrize("frames", [1, 5, 49])
def test_the_sound_is_exactly_as_long_as_the_frames(frames: int) -> None:
    rendered = render_shot(1, frames=frames, size=16)
    assert rendered.sound.dtype == np.int16
    assert Fraction(len(rendered.sound), rendered.sample_rate) == frames / rendered.rate


def test_the_voice_is_loud_where_the_mouth_is_open() -> None:
    rendered = render_shot(3, frames=49, size=32)
    points = rendered.keypoints[:, FACE]
    opening = points[:, 66, 1] - points[:, 62, 1]
    loudness = np.abs(rendered.sound.astype(np.float64)).mean(axis=1).reshape(49, -1).mean(axis=1)
    assert np.corrcoef(opening, loudness)[0, 1] > 0.6


def test_a_shot_of_no_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 frame"):
        render_shot(0, frames=0)


def test_the_figures_of_a_shot_are_easy_to_tell_apart() -> None:
    for seed in range(4):
        rendered = render_shot(seed, frames=1, size=64)
        inside = rendered.truth_matte[0] & rendered.matte[0] == 255
        difference = np.abs(rendered.plate[0].astype(int) - rendered.truth_replace[0].astype(int))
        assert difference[inside].mean() > 12


def test_drawing_leaves_torchs_own_random_state_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    render_shot(0, frames=1, size=16)
    assert torch.equal(before, torch.get_rng_state())
