"""A picture to judge a matte by before a job: its outline, how far it grows, and where its edge is soft."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..finish.composite import soften
from ..preprocess.growth import grown
from ..preprocess.keypoints import Points
from ..preprocess.matte import Matte, binary
from ..preprocess.sizing import fit
from ..types import FrameSize, MatteOptions
from .pictures import OUTLINE, Rgb, scaled
from .sheet import BACKDROP, FONT, FONT_SCALE, GAP_PX, LINE_PX, WORDS

Colour = tuple[int, int, int]

PLAIN, GROWN, SOFT = OUTLINE, (255, 190, 60), (255, 70, 200)
LEGEND: tuple[tuple[str, Colour], ...] = (("matte", PLAIN), ("grown", GROWN), ("soft edge", SOFT))
TINT = 0.75  # of SOFT, where the edge is soft
SWATCH_PX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeBand:
    """What a job with these *options* would make of a matte, whose model works on about *work_area_px*."""

    work_area_px: int
    options: MatteOptions = field(default_factory=MatteOptions)

    def picture(self, rgb: Rgb, plain: Matte, points: Points, shown: FrameSize) -> Rgb:
        """*rgb* (H, W, 3) at the size *shown*, a legend under it: `size` tells how large that is.

        *plain* (H, W) as it was found, *points* (133, 3): both in pixels of *rgb*. The soft edge is what `soften` makes
        of the grown matte at the clip's own size.
        """
        scale = fit(FrameSize(rgb.shape[1], rgb.shape[0]), self.work_area_px).scale
        wide = binary(grown(plain, points, self.options, scale))
        alpha = soften(wide, self.options.soften_px)
        picture = scaled(rgb, shown)
        _outline(picture, binary(scaled(plain, shown)), PLAIN)
        _outline(picture, scaled(wide.astype(np.uint8) * 255, shown) >= 128, GROWN)
        share = scaled(np.asarray((alpha > 0) & (alpha < 1), np.float32), shown)[..., None] * np.float32(TINT)
        tinted = np.rint(picture + share * (np.array(SOFT, np.float32) - picture)).astype(np.uint8)
        return np.vstack([tinted, _legend(shown.width)])

    @staticmethod
    def size(shown: FrameSize) -> FrameSize:
        return FrameSize(shown.width, shown.height + LINE_PX)


def _outline(picture: Rgb, inside: NDArray[np.bool_], colour: Colour) -> None:
    """Just outside of it, so that it hides no part of the edge."""
    wider = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8))
    picture[(wider != 0) & ~inside] = colour


def _legend(width: int) -> Rgb:
    band = np.full((LINE_PX, width, 3), BACKDROP, np.uint8)
    x, baseline = GAP_PX, LINE_PX - 7
    for word, colour in LEGEND:
        cv2.rectangle(band, (x, baseline - SWATCH_PX), (x + SWATCH_PX, baseline), colour, cv2.FILLED)
        x += SWATCH_PX + GAP_PX // 2
        cv2.putText(band, word, (x, baseline), FONT, FONT_SCALE, WORDS, 1, cv2.LINE_AA)
        x += cv2.getTextSize(word, FONT, FONT_SCALE, 1)[0][0] + GAP_PX
    return band
