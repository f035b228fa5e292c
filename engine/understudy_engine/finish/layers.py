"""From the model's frames to what is stored: placed on the plate, cut by the matte, one picture a clip frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..media.info import ColourTags
from ..preprocess.sizing import Fit
from ..types import Layer, Picture
from .composite import character_with_alpha, composite

Made = NDArray[np.float32]
"""One frame as the model made it: (H, W, 3) at model size, RGB, 0-1."""


class PlateFrame(NamedTuple):
    """A frame of the clip, and how much of it becomes the character's."""

    plate: Picture
    alpha: NDArray[np.float32]  # (h, w) in 0-1, at plate size


class Cut(NamedTuple):
    """One role's frame at the plate's size, ready to be put over it."""

    generated: NDArray[np.float32]  # (h, w, 3) in 0-1
    alpha: NDArray[np.float32]  # (h, w) in 0-1


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
    older: Iterable[Older | None] = NOTHING_OLDER,
) -> Iterator[Mapping[Layer, Picture]]:
    """Each made frame over its plate. Where alpha is 0 the result is the plate, bit for bit."""
    for (frame, (plate, alpha)), before in zip(zip(made, plates, strict=True), older, strict=False):
        cut = cut_of(frame, alpha, fit=fit, older=before)
        yield {Layer.RESULT: stacked(plate, [cut], colour), **layers_of(cut)}


def cut_of(frame: Made, alpha: NDArray[np.float32], *, fit: Fit, older: Older | None = None) -> Cut:
    """A made frame as it goes over a plate by *alpha* (h, w)."""
    return Cut(_blended(np.clip(fit.undo(frame), 0, 1), older), alpha)


def stacked(plate: Picture, back_to_front: Sequence[Cut], colour: ColourTags) -> Picture:
    """The cuts over *plate*, one after the other. Outside all of them the result is the plate, bit for bit."""
    for cut in back_to_front:
        plate = composite(plate, cut.generated, cut.alpha, colour)
    return plate


def layers_of(cut: Cut) -> Mapping[Layer, Picture]:
    """What is stored of one role's frame."""
    return {
        Layer.CHARACTER: character_with_alpha(cut.generated, cut.alpha),
        Layer.MATTE: Picture((np.rint(cut.alpha * 255).astype(np.uint8),), "gray"),
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
