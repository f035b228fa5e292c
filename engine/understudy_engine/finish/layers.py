"""From the model's frames to what is stored: placed on the plate, cut by the matte, one picture a clip frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
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


class Older(NamedTuple):
    """What an earlier take generated for a frame, and how much of it there shall be."""

    frame: NDArray[np.uint8]  # (H, W, 3) at result size
    weight: float  # 0-1


NOTHING_OLDER: Iterable[Older | None] = repeat(None)


def replaced(
    made: Iterable[Made],
    plates: Iterable[PlateFrame],
    *,
    fit: Fit,
    colour: ColourTags,
    soften_px: float,
    older: Iterable[Older | None] = NOTHING_OLDER,
) -> Iterator[Mapping[Layer, Picture]]:
    """Each made frame over its plate. Outside the matte the result is the plate, bit for bit."""
    for (frame, (plate, matte)), before in zip(zip(made, plates, strict=True), older, strict=False):
        alpha = soften(matte, soften_px)
        generated = _blended(np.clip(fit.undo(frame), 0, 1), before)
        yield {
            Layer.RESULT: composite(plate, generated, alpha, colour),
            Layer.CHARACTER: character_with_alpha(generated, alpha),
            Layer.MATTE: Picture((np.rint(alpha * 255).astype(np.uint8),), "gray"),
        }


def animated(
    made: Iterable[Made], *, fit: Fit, older: Iterable[Older | None] = NOTHING_OLDER
) -> Iterator[Mapping[Layer, Picture]]:
    """Each made frame as it is, without the canvas's padding."""
    for frame, before in zip(made, older, strict=False):
        content = _blended(frame[fit.content.rows, fit.content.columns], before)
        yield {Layer.RESULT: Picture((_to_bytes(content),), "rgb24")}


def _blended(generated: Made, older: Older | None) -> Made:
    if older is None or older.weight <= 0:
        return generated
    before = older.frame.astype(np.float32) / np.float32(255)
    return generated + np.float32(older.weight) * (before - generated)


def _to_bytes(frame: Made) -> NDArray[np.uint8]:
    return np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
