"""From the model's frames to what is stored: placed on the plate, cut by the matte, one picture a clip frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..media.info import ColourTags
from ..preprocess.sizing import Fit
from ..types import Layer, Picture
from .composite import character_with_alpha, composite, soften

Made = NDArray[np.float32]
"""One frame as the model made it: (H, W, 3) at model size, RGB, 0-1."""


class PlateFrame(NamedTuple):
    """A frame of the clip, and where the person is in it."""

    plate: Picture
    matte: NDArray[np.uint8]  # (h, w) at plate size, 255 = the person, grown as the model saw it


def replaced(
    made: Iterable[Made], plates: Iterable[PlateFrame], *, fit: Fit, colour: ColourTags, soften_px: float
) -> Iterator[Mapping[Layer, Picture]]:
    """Each made frame over its plate. Outside the matte the result is the plate, bit for bit."""
    for frame, (plate, matte) in zip(made, plates, strict=True):
        alpha = soften(matte, soften_px)
        generated = np.clip(fit.undo(frame), 0, 1)
        yield {
            Layer.RESULT: composite(plate, generated, alpha, colour),
            Layer.CHARACTER: character_with_alpha(generated, alpha),
            Layer.MATTE: Picture((np.rint(alpha * 255).astype(np.uint8),), "gray"),
        }


def animated(made: Iterable[Made], *, fit: Fit) -> Iterator[Mapping[Layer, Picture]]:
    """Each made frame as it is, without the canvas's padding."""
    for frame in made:
        content = frame[fit.content.rows, fit.content.columns]
        yield {Layer.RESULT: Picture((_to_bytes(content),), "rgb24")}


def _to_bytes(frame: Made) -> NDArray[np.uint8]:
    return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
