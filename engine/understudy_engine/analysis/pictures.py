"""Pictures to judge passes by: skeleton, face and matte over a frame of the clip, and people by themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import Person
from ..preprocess.draw import draw_skeleton
from ..preprocess.face import Edges
from ..preprocess.keypoints import Points, skeleton_of
from ..preprocess.overlay import FRAME_SHARE
from ..types import FrameSize

Rgb = NDArray[np.uint8]

OUTLINE, FACE_COLOUR = (80, 200, 120), (255, 255, 255)
OUTSIDE_SHARE = 0.3  # of the light of what a matte leaves out


def fitted(size: FrameSize, most: FrameSize) -> FrameSize:
    """*size* scaled down to lie within *most*, in even sides of 2 at least; never enlarged but to be even."""
    scale = min(1.0, most.width / size.width, most.height / size.height)
    return FrameSize(*(max(2, 2 * round(side * scale / 2)) for side in size))


def scaled(picture: NDArray[np.uint8], size: FrameSize) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


class Seen(NamedTuple):
    """What one frame shows, all at the size of *rgb*."""

    rgb: Rgb  # (H, W, 3)
    points: Points  # (133, 3)
    face: Edges | None
    matte: NDArray[np.uint8] | None  # (H, W)

    def with_skeleton(self) -> Rgb:
        """The darkened frame with the skeleton that the model follows, and the face's crop."""
        return self._drawn(self.rgb * FRAME_SHARE)

    def with_matte(self) -> Rgb:
        """The frame as it is inside the matte, dark outside, and a line between."""
        assert self.matte is not None
        alpha = self.matte[..., None] / np.float32(255)
        picture = np.rint(self.rgb * (OUTSIDE_SHARE + (1 - OUTSIDE_SHARE) * alpha)).astype(np.uint8)
        outlines, _ = cv2.findContours(
            (self.matte >= 128).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(picture, outlines, -1, OUTLINE, 1)
        return picture

    def with_all(self) -> Rgb:
        return self.with_skeleton() if self.matte is None else self._drawn(self.with_matte())

    def _drawn(self, picture: NDArray[Any]) -> Rgb:
        result: Rgb = np.rint(picture).astype(np.uint8)
        lines = draw_skeleton(skeleton_of(self.points), FrameSize(self.rgb.shape[1], self.rgb.shape[0]))
        drawn = lines.any(axis=2)
        result[drawn] = lines[drawn]
        if self.face is not None:
            x0, y0, x1, y1 = (round(edge) for edge in self.face)
            cv2.rectangle(result, (x0, y0), (x1, y1), FACE_COLOUR, 1)
        return result


def thumbnail(rgb: Rgb, box: Person, height_px: int) -> Rgb:
    """*box* of (H, W, 3), *height_px* high and at most twice as wide."""
    part = rgb[max(0, int(box.y0)) : int(box.y1) + 1, max(0, int(box.x0)) : int(box.x1) + 1]
    width = min(2 * height_px, max(1, round(part.shape[1] * height_px / part.shape[0])))
    return scaled(part, FrameSize(width, height_px))
