from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.estimate import (
    MatteCutter,
    PoseEstimator,
    limbs_in,
    plain_pixels,
)
from understudy_engine.preprocess.limbs import draw_limbs, draw_limbs_of_one
from understudy_engine.preprocess.matte import CropMatte
from understudy_engine.preprocess.onnx_net import OnnxNet
from understudy_engine.preprocess.pose import PoseCrop, crop_person, decode_heatmaps
from understudy_engine.training.nets.crops import crop_boxes
from understudy_engine.training.nets.pose import heat_maps, normalised
from understudy_engine.types import FrameSize

PERSON = Person(100, 50, 250, 450, 0.9)


def bells(places: list[tuple[float, float]]) -> np.ndarray:
    """Maps as the net is taught to draw them, (1, n, 64, 48); places in pixels of the crop."""
    points = torch.ones(1, len(places), 3)
    points[0, :, :2] = torch.tensor(places)
    return heat_maps(points, (64, 48)).numpy()


@pytest.mark.parametrize("there", [(180.0, 300.0), (100.3, 421.9), (242.2, 60.7)])
def test_what_the_net_is_taught_to_draw_is_decoded_to_where_it_was(there: tuple[float, float]) -> None:
    x0, y0, x1, y1 = crop_boxes(torch.tensor([PERSON[:4]]), 0.75)[0].tolist()
    in_crop = ((there[0] - x0) * 192 / (x1 - x0), (there[1] - y0) * 256 / (y1 - y0))
    crop = crop_person(np.zeros((480, 640, 3), np.uint8), np.array(PERSON))
    found = decode_heatmaps(bells([in_crop]), crop.centre[None], crop.size[None])[0, 0]
    assert found[:2] == pytest.approx(there, abs=0.7)
    assert found[2] == pytest.approx(1, abs=0.05)


def test_the_nets_are_fed_as_they_were_taught() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (256, 192, 3), dtype=np.uint8)
    crop = crop_person(picture, np.array([19.2, 25.6, 172.8, 230.4, 0.9]))  # a crop of just this picture
    taught = torch.from_numpy(picture).permute(2, 0, 1)[None] / 255
    np.testing.assert_allclose(crop.pixels, normalised(taught)[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(plain_pixels(crop), taught[0].numpy(), atol=1e-5)


def crop_at(x: float, y: float, width: float, height: float) -> PoseCrop:
    return PoseCrop(np.zeros((3, 256, 192), np.float32), np.array([x, y]), np.array([width, height]))


def laid_back(alpha: np.ndarray, crop: PoseCrop) -> np.ndarray:
    return CropMatte.packed(alpha, crop.centre, crop.size).laid_back(FrameSize(100, 100))


def test_a_matte_is_laid_back_where_its_crop_was() -> None:
    alpha = np.zeros((256, 192), np.uint8)
    alpha[:128] = 255  # the upper half
    whole = laid_back(alpha, crop_at(40, 50, 48, 64))
    assert whole.shape == (100, 100)
    assert whole[20:48, 18:62].min() == 255
    assert whole[53:].max() == 0
    assert whole[:, :15].max() == 0


def test_a_crop_beyond_the_edges_lays_back_what_is_in_the_picture() -> None:
    alpha = np.full((256, 192), 255, np.uint8)
    whole = laid_back(alpha, crop_at(0, 50, 96, 128))
    assert whole[:, :48].min() == 255
    assert whole[:, 49:].max() == 0
    assert laid_back(alpha, crop_at(-500, 50, 96, 128)).max() == 0


def test_the_matte_net_is_told_the_sure_points_alone() -> None:
    points = np.zeros((133, 3), np.float32)
    points[[5, 6]] = [[40, 50, 0.9], [40, 60, 0.2]]
    dots = limbs_in(crop_at(40, 50, 48, 64), points)[0, 1]
    assert dots[32, 24] > 0.7  # the crop's middle
    assert dots[42, 24] < 0.01


def test_estimators_hand_the_net_one_person_and_bring_the_answer_home() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    person = Person(60, 40, 120, 160, 0.9)
    pose = PoseEstimator(cast("OnnxNet", lambda crops: bells([(96.0, 128.0)] * 133)))
    found = pose.find(picture, person)
    assert found.shape == (133, 3)
    np.testing.assert_allclose(found[:, :2], [[90, 100]] * 133, atol=0.5)  # the middle of the box

    seen: list[tuple[int, ...]] = []

    def net(*inputs: np.ndarray) -> np.ndarray:
        seen.extend(array.shape for array in inputs)
        return np.ones((1, 1, 256, 192), np.float32)

    crop = MatteCutter(cast("OnnxNet", net)).find(picture, person, found)
    assert crop is not None
    matte = crop.laid_back(FrameSize(200, 200))
    assert seen == [(1, 3, 256, 192), (1, 2, 64, 48)]
    assert matte[100, 90] == 255
    assert matte[100, 5] == 0


def test_a_matte_that_covers_no_pixel_by_half_is_none() -> None:
    faint = MatteCutter(cast("OnnxNet", lambda *_: np.full((1, 1, 256, 192), 0.4, np.float32)))
    picture, points = np.zeros((200, 200, 3), np.uint8), np.zeros((133, 3), np.float32)
    assert faint.find(picture, Person(60, 40, 120, 160, 0.9), points) is None


@pytest.mark.parametrize("seen", [0.0, 0.5, 1.0])
def test_limbs_of_one_person_are_those_that_the_matte_net_learnt_from(seen: float) -> None:
    rng = np.random.default_rng(3)
    points = np.dstack([rng.uniform(-20, 280, (8, 133, 2)), rng.random((8, 133)) < seen]).astype(np.float32)
    points[0, 7] = points[0, 5]  # a limb without length
    learnt = draw_limbs(torch.from_numpy(points), 256, 192).numpy()
    drawn = [draw_limbs_of_one(own, 256, 192) for own in points]
    np.testing.assert_allclose(drawn, learnt, atol=2e-6)
