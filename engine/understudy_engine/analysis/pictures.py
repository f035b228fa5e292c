"""Pictures to judge passes by: skeleton, face and matte over a frame of the clip, and people by themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..preprocess.detect import Person
from ..preprocess.draw import draw_skeleton
from ..preprocess.face import Edges
from ..preprocess.joints import FARTHEST_PX, MIN_SCORE
from ..preprocess.keypoints import Points, skeleton_of
from ..preprocess.overlay import FRAME_SHARE
from ..types import FrameSize

Rgb = NDArray[np.uint8]

OUTLINE, FACE_COLOUR = (80, 200, 120), (255, 255, 255)
UNSURE_COLOUR, SURE_COLOUR = (255, 70, 50), OUTLINE  # of joints that score MIN_SCORE, and 1
GUESSED = 0.2  # from this score on a joint that is not drawn has a ring
JOINTS = [*range(23), *range(91, 133)]  # body, feet and hands
HANDS_FROM = 91
JOINT_SHARE = 1 / 180  # of the frame's height: a body joint's radius
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
        """The darkened frame with the skeleton that the model follows, and the face's crop.

        Joints are green where they are sure and red where they hardly are; a red ring is one that is not drawn.
        """
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
        self._mark_joints(result)
        if self.face is not None:
            x0, y0, x1, y1 = (round(edge) for edge in self.face)
            cv2.rectangle(result, (x0, y0), (x1, y1), FACE_COLOUR, 1)
        return result

    def _mark_joints(self, picture: Rgb) -> None:
        body_px = max(1, round(JOINT_SHARE * picture.shape[0]))
        for joint in JOINTS:
            x, y, score = self.points[joint].tolist()
            if score >= GUESSED and max(abs(x), abs(y)) < FARTHEST_PX:
                radius = body_px if joint < HANDS_FROM else max(1, body_px // 2)
                filled = cv2.FILLED if score >= MIN_SCORE else 1
                cv2.circle(picture, (round(x), round(y)), radius, sure_colour(score), filled, cv2.LINE_AA)


def sure_colour(score: float) -> tuple[int, int, int]:
    """From UNSURE_COLOUR for a score of MIN_SCORE and less to SURE_COLOUR for 1."""
    share = min(1.0, max(0.0, (score - MIN_SCORE) / (1 - MIN_SCORE)))
    red, green, blue = (
        round(low + share * (high - low)) for low, high in zip(UNSURE_COLOUR, SURE_COLOUR, strict=True)
    )
    return red, green, blue


def sure_parts(points: Points) -> dict[str, list[float]]:
    """Of (T, 133, 3), a frame: the mean score of the part's points that were found at all; 0 where none was."""
    parts = {"body": points[:, :23, 2], "hands": points[:, HANDS_FROM:, 2]}
    found = {name: scores >= GUESSED for name, scores in parts.items()}
    return {
        name: ((scores * found[name]).sum(axis=1) / np.maximum(1, found[name].sum(axis=1))).tolist()
        for name, scores in parts.items()
    }


def thumbnail(rgb: Rgb, box: Person, height_px: int) -> Rgb:
    """*box* of (H, W, 3), *height_px* high and at most twice as wide."""
    part = rgb[max(0, int(box.y0)) : int(box.y1) + 1, max(0, int(box.x0)) : int(box.x1) + 1]
    width = min(2 * height_px, max(1, round(part.shape[1] * height_px / part.shape[0])))
    return scaled(part, FrameSize(width, height_px))
