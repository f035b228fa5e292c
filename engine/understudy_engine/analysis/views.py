"""Further movies of an analysis that its folder may hold; each has a row in the contact sheet too."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..preprocess.following import OnCanvas, Retargeted, WithLimbs
from ..preprocess.keypoint_files import read_keypoints
from ..preprocess.keypoints import Skeleton, skeleton_of
from ..preprocess.matte import Matte
from ..preprocess.nets import NetFolder
from ..preprocess.overlay import overlay
from ..preprocess.retarget import in_clip
from ..preprocess.sizing import Box, Fit
from ..preprocess.sources import Each, Indexed
from ..types import FrameSize, LimbFactors
from .edge_band import EdgeBand
from .pictures import Rgb, scaled
from .types import Analysis

EDGE_MOVIE, OVERLAY_MOVIE = "edge_band.mp4", "overlay.mp4"


class View(Protocol):
    file: str  # of its movie
    caption: str

    def size(self, shown: FrameSize) -> FrameSize:
        """Of pictures that show frames at *shown*, whose sides are even, as are these."""
        ...

    def draw(self, index: int, rgb: Rgb, matte: Matte | None, shown: FrameSize) -> Rgb:
        """Frame *index* of the analysis, (H, W, 3) and what was found of its matte (H, W), at the clip's size."""
        ...


class EdgeView:
    """How mattes grow and where their edges are soft. Of analyses with a matte."""

    file, caption = EDGE_MOVIE, "edges"

    def __init__(self, analysis: Analysis, band: EdgeBand) -> None:
        self._points, self._band = _points_of(analysis), band

    def size(self, shown: FrameSize) -> FrameSize:
        return self._band.size(shown)

    def draw(self, index: int, rgb: Rgb, matte: Matte | None, shown: FrameSize) -> Rgb:
        assert matte is not None
        return self._band.picture(rgb, matte, self._points[index], shown)


class OverlayView:
    """The clip's person, and the skeleton that the character would follow."""

    file, caption = OVERLAY_MOVIE, "followed"

    def __init__(self, analysis: Analysis, followed: Indexed[Skeleton]) -> None:
        """*followed*: a frame, in pixels of the clip."""
        points = _points_of(analysis)
        self._clip_size = analysis.size
        self._driver = Each(lambda index: skeleton_of(points[index]), len(points))
        self._followed = followed

    def size(self, shown: FrameSize) -> FrameSize:
        return shown

    def draw(self, index: int, rgb: Rgb, matte: Matte | None, shown: FrameSize) -> Rgb:
        onto = Fit(self._clip_size, shown, Box(0, 0, *shown))
        driver, followed = (OnCanvas(each, onto)[index] for each in (self._driver, self._followed))
        return overlay(scaled(rgb, shown), driver, followed)


def with_limbs(analysis: Analysis, limbs: LimbFactors) -> OverlayView:
    """Of a job that follows the clip's proportions."""
    return OverlayView(analysis, WithLimbs(_points_of(analysis), limbs))


def of_character(
    analysis: Analysis, picture: Rgb, nets: NetFolder, limbs: LimbFactors, *, reference_bgr: bool
) -> OverlayView:
    """Of an Animate that follows the proportions of whom *picture* (H, W, 3) shows.

    Raises PassMissing if it, or the clip, shows no shoulders.
    """
    moved = Retargeted(_points_of(analysis), analysis.size, picture, nets, limbs, reference_bgr=reference_bgr)
    plan = moved.compare()
    return OverlayView(analysis, Each(lambda index: in_clip(plan, moved[index]), len(moved)))


def _points_of(analysis: Analysis) -> NDArray[np.float32]:
    """(T, 133, 3) in pixels of the clip."""
    return read_keypoints(analysis.keypoints, analysis.size).points
