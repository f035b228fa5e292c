"""133 points and a matte of one person in a picture, found by nets that look at the same crop."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .detect import Person
from .limbs import draw_limbs
from .onnx_net import Floats, OnnxNet
from .pose import INPUT_HEIGHT, INPUT_WIDTH, MEAN, STD, PoseCrop, corners_of, crop_person, decode_heatmaps

LEAST_POINT_SCORE = 0.3  # of points that the matte net is told
NOBODY = Person(0, 0, 0, 0, -1)


class PoseEstimator:
    """*bgr*: swap the channels, as the reference does by mistake."""

    def __init__(self, net: OnnxNet, *, bgr: bool = False) -> None:
        self._net, self._bgr = net, bgr

    def find(self, rgb: NDArray[np.uint8], person: Person | None) -> Floats:
        """(133, 3) of *person*, or of whoever is in the picture: x, y in pixels of (H, W, 3), and a score, about 1
        for a sure one."""
        crop = crop_person(rgb, np.array(person or NOBODY), bgr=self._bgr)
        found = decode_heatmaps(self._net(crop.pixels[None]), crop.centre[None], crop.size[None])
        return np.asarray(found[0])


class MatteCutter:
    """nano's matte net: a crop and the person's limbs -> how much of each pixel the person covers."""

    def __init__(self, net: OnnxNet) -> None:
        self._net = net

    def find(self, rgb: NDArray[np.uint8], person: Person | None, points: Floats) -> NDArray[np.uint8]:
        """(H, W), 255 = the person, 0 outside the crop; *points* (133, 3) in pixels of the picture."""
        crop = crop_person(rgb, np.array(person or NOBODY))
        alpha = self._net(plain_pixels(crop)[None], limbs_in(crop, points))[0, 0]
        return laid_back(alpha, crop, rgb.shape[1], rgb.shape[0])


def plain_pixels(crop: PoseCrop) -> Floats:
    """The crop's (3, 256, 192) in 0-1."""
    return np.asarray(crop.pixels * STD[:, None, None] + MEAN[:, None, None])


def limbs_in(crop: PoseCrop, points: Floats) -> Floats:
    """(1, 2, 64, 48): what the matte net is told of whom it shall cut out."""
    inside = points.astype(np.float32)
    inside[:, :2] = (points[:, :2] - (crop.centre - crop.size / 2)) * (
        [INPUT_WIDTH, INPUT_HEIGHT] / crop.size
    )
    inside[points[:, 2] < LEAST_POINT_SCORE, 2] = 0
    return np.asarray(draw_limbs(torch.from_numpy(inside)[None], INPUT_HEIGHT, INPUT_WIDTH).numpy())


def laid_back(alpha: Floats, crop: PoseCrop, width: int, height: int) -> NDArray[np.uint8]:
    """The crop's (256, 192) in 0-1 in its place in a picture, (H, W) in 0-255."""
    start, end = corners_of(crop.centre, crop.size)
    part = cv2.resize(alpha, (end - start).tolist(), interpolation=cv2.INTER_LINEAR)
    low, high = np.maximum(start, 0), np.minimum(end, [width, height])
    whole = np.zeros((height, width), np.uint8)
    if (low < high).all():
        (x0, y0), (x1, y1) = low - start, high - start
        whole[low[1] : high[1], low[0] : high[0]] = np.rint(part[y0:y1, x0:x1].clip(0, 1) * 255)
    return whole
