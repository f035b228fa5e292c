"""A picture to judge proportions by: the clip's frame, its person's skeleton, and the one to be followed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize
from .draw import draw_skeleton
from .keypoints import Skeleton

FRAME_SHARE = 0.45  # of the frame's light: lines stand out from it
DRIVER = (255, 255, 255)


def overlay(rgb: NDArray[np.uint8], driver: Skeleton, followed: Skeleton) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: the frame darkened, *driver* in white outlines, *followed* over it in the model's colours.

    Both skeletons in pixels of the frame: what `proportioned` gives is, what `retarget` gives becomes so by `in_clip`.
    """
    size = FrameSize(rgb.shape[1], rgb.shape[0])
    picture: NDArray[np.uint8] = np.rint(rgb * FRAME_SHARE).astype(np.uint8)
    own = draw_skeleton(driver, size).any(axis=2).astype(np.uint8)
    picture[(own - cv2.erode(own, np.ones((3, 3), np.uint8))) > 0] = DRIVER
    lines = draw_skeleton(followed, size)
    drawn = lines.any(axis=2)
    picture[drawn] = lines[drawn]
    return picture
