"""The character as it stands in its own picture: where its arms are, which way it faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize, RgbFrames
from .draw import draw_skeleton
from .keypoints import skeleton_of
from .nets import NetFolder
from .perceive import points_of_character


def own_skeleton(picture: NDArray[np.uint8], nets: NetFolder) -> RgbFrames:
    """(1, H, W, 3) of whom *picture* (H, W, 3) shows; black where nobody is found.

    Raises WeightsMissing or WeightsMismatch if *nets* are not as they should be.
    """
    height, width = picture.shape[:2]
    points = points_of_character(picture, nets)
    if points is None:
        return np.zeros((1, height, width, 3), np.uint8)
    return draw_skeleton(skeleton_of(points), FrameSize(width, height))[None]
