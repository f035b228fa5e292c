import numpy as np
import pytest

from understudy_engine.preprocess.pose import (
    INPUT_HEIGHT,
    INPUT_WIDTH,
    MEAN,
    STD,
    crop_person,
    decode_heatmaps,
)


def frame_of(width: int, height: int):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_box_of_the_networks_shape_is_cut_with_a_quarter_more():
    crop = crop_person(frame_of(400, 400), np.array([100, 100, 196, 228, 0.9]))
    assert crop.centre.tolist() == [148, 164]
    assert crop.size.tolist() == [120, 160]
    assert crop.pixels.shape == (3, INPUT_HEIGHT, INPUT_WIDTH)


@pytest.mark.parametrize("box", [[0, 0, 0, 0, -1], [10, 10, 15, 200, 0.9], [10, 10, 90, 12, 0.9]])
def test_without_a_usable_box_the_whole_frame_is_taken(box):
    crop = crop_person(frame_of(300, 400), np.array(box))
    assert crop.centre.tolist() == [150, 200]
    assert crop.size.tolist() == [375, 500]


def test_what_lies_outside_the_frame_is_black():
    pixels = crop_person(frame_of(100, 100), np.array([-400, -400, -300, -300, 0.9])).pixels
    assert np.allclose(pixels, (-MEAN / STD)[:, None, None])


def test_the_reference_swaps_the_channels():
    frame, box = frame_of(200, 200), np.array([50, 50, 150, 150, 0.9])
    swapped = crop_person(frame, box, reference_bgr=True).pixels
    assert np.array_equal(swapped, crop_person(frame[..., ::-1], box).pixels)


def gaussian(x: float, y: float):
    rows, columns = np.mgrid[0:64, 0:48]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)


def test_a_peak_between_pixels_is_found_to_a_twentieth():
    heatmaps = np.stack([gaussian(20.3, 30.7), gaussian(31.5, 9.25)])[None]
    found = decode_heatmaps(heatmaps, np.array([[24.0, 32.0]]), np.array([[48.0, 64.0]]))
    assert found[0, :, :2] == pytest.approx(np.array([[20.3, 30.7], [31.5, 9.25]]), abs=0.05)
    assert (found[0, :, 2] > 0.9).all()


def test_a_map_without_a_peak_has_no_score():
    found = decode_heatmaps(np.zeros((1, 1, 64, 48)), np.array([[240.0, 320.0]]), np.array([[48.0, 64.0]]))
    assert found[0, 0].tolist() == [240 - 24 - 1, 320 - 32 - 1, 0]


def test_people_are_decoded_in_their_own_crops():
    heatmaps = np.stack([gaussian(24, 32)[None]] * 2)
    found = decode_heatmaps(heatmaps, np.array([[100.0, 50.0], [10.0, 20.0]]), np.array([[96.0, 128.0]] * 2))
    assert found[:, 0, :2] == pytest.approx(np.array([[100, 50], [10, 20]]), abs=1e-3)
