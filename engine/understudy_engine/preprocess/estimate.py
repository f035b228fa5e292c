"""133 points and a matte of one person in a picture, found by nets that look at the same crop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..types import FrameRange
from .detect import Person
from .limbs import draw_limbs_of_one
from .matte import CropMatte
from .mattes import FollowsMatte, Shown
from .onnx_net import Floats, OnnxNet
from .pose import INPUT_HEIGHT, INPUT_WIDTH, MEAN, STD, PoseCrop, crop_person, decode_heatmaps
from .upside_down import UNSURE, fits_turned, is_upside_down, sureness, turned, turned_back, turned_over

LEAST_POINT_SCORE = 0.3  # of points that the matte net is told
HALF = 0.5  # of a pixel: less in all of them is nobody
NOBODY = Person(0, 0, 0, 0, -1)


class PoseEstimator:
    """A pose net; *tries_turned*: one that learnt upright people, and is shown unsure crops turned over as well."""

    def __init__(self, net: OnnxNet, *, tries_turned: bool = False) -> None:
        self._net = net
        self._tries_turned = tries_turned

    def find(self, rgb: NDArray[np.uint8], person: Person | None, *, reference_bgr: bool = False) -> Floats:
        """(133, 3) of *person*, or of whoever is in the picture: x, y in pixels of (H, W, 3), and a score, about 1
        for a sure one. *reference_bgr* as in `crop_person`."""
        return self.find_in(crop_person(rgb, np.array(person or NOBODY), reference_bgr=reference_bgr))

    def find_in(self, crop: PoseCrop) -> Floats:
        """(133, 3) of whoever is in the middle of *crop*, in pixels of the picture."""
        found = self._points(crop)
        if not self._tries_turned or sureness(found) >= UNSURE:
            return found
        other = turned_back(self._points(turned_over(crop)), crop)
        return other if fits_turned(found, other) else found

    def _points(self, crop: PoseCrop) -> Floats:
        found = decode_heatmaps(self._net(crop.pixels[None]), crop.centre[None], crop.size[None])
        return np.asarray(found[0])


class MatteCutter:
    """nano's matte net: a crop and the person's limbs -> how much of each pixel the person covers."""

    def __init__(self, net: OnnxNet) -> None:
        self._net = net

    def through(self, shots: Sequence[FrameRange], look: Callable[[int], Shown | None]) -> FollowsMatte:
        return self.alone()

    def alone(self) -> FollowsMatte:
        """It looks at each frame by itself."""
        return _FrameByFrame(self)

    def find(self, rgb: NDArray[np.uint8], person: Person | None, points: Floats) -> CropMatte | None:
        """Of *person* in (H, W, 3); *points* (133, 3) in pixels of the picture. None: nothing of them is seen."""
        return self.find_in(crop_person(rgb, np.array(person or NOBODY)), points)

    def find_in(self, crop: PoseCrop, points: Floats) -> CropMatte | None:
        """Of whom *points* (133, 3) in pixels of the picture mean. None: nothing of them is seen."""
        alpha = self._cover(plain_pixels(crop)[None], limbs_in(crop, points), is_upside_down(points))
        if alpha.max() < HALF:
            return None
        return CropMatte.packed(np.rint(alpha.clip(0, 1) * 255).astype(np.uint8), crop.centre, crop.size)

    def _cover(self, pixels: Floats, limbs: Floats, upside_down: bool) -> Floats:
        """(256, 192) in 0-1; the net learnt upright people."""
        if upside_down:
            return turned(self._net(turned(pixels), turned(limbs))[0, 0])
        return np.asarray(self._net(pixels, limbs)[0, 0])


class _FrameByFrame:
    def __init__(self, cutter: MatteCutter) -> None:
        self._cutter = cutter

    def find(self, index: int, shown: Shown) -> CropMatte | None:
        if shown.crop is not None:
            return self._cutter.find_in(shown.crop, shown.points)
        return self._cutter.find(shown.rgb, shown.person, shown.points)


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
    return draw_limbs_of_one(inside, INPUT_HEIGHT, INPUT_WIDTH)[None]
