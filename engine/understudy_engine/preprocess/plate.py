"""The plate's matte and what is left of the plate around it, both from one source.

The compositor's matte at plate size and the model's mask on the canvas are made of the same grown matte, so
that the pixels which are composited are exactly those the model was asked to make; among several roles, those of them
that are no other role's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MatteEmpty
from ..types import FrameSize, FrameSource, MatteOptions, RgbFrames
from .growth import grown
from .keypoints import Points
from .masks import NO_MASKS, Greys, Masks
from .matte import Matte, binary, cut_out, margin
from .sizing import Box, Fit
from .sources import AT_ONCE, Indexed, gather


class Neighbour(NamedTuple):
    """Somebody else who is replaced, and whose matte comes near."""

    matte: PlateMatte
    is_in_front: bool


class PlateMatte:
    """A matte at the plate's size, grown; *content* is the plate's place in the matte's pictures.

    The model makes all of it but what *masks* keep of the plate. In the result everybody keeps their own pixels from
    the margins of those whom *touching* gives for a frame, and where two are in one place it is who is in front.
    """

    def __init__(
        self,
        source: FrameSource,
        content: Box,
        fit: Fit,
        options: MatteOptions,
        touching: Callable[[int], Sequence[Neighbour]] | None = None,
        masks: Masks = NO_MASKS,
        points: Indexed[Points] | None = None,
    ) -> None:
        """*points*: (133, 3) of the person a frame, in the plate's pixels; growth by parts needs them."""
        self._mattes = Greys(source, content, fit.source)
        self._masks = masks
        self._fit = fit
        self._options = options
        self._touching = touching
        self._points = points if options.grows_parts else None
        self._is_still = (
            self._mattes.is_still
            and (masks.garbage is None or masks.garbage.is_still)
            and self._points is None
        )
        self._last: dict[int, Matte] = {}  # one entry: a single picture is prepared once for all frames

    def __len__(self) -> int:
        return len(self._mattes)

    @property
    def has_garbage(self) -> bool:
        return self._masks.garbage is not None

    @property
    def margin_px(self) -> int:
        """How far it grows, pixels of the plate."""
        return margin(self._options, self._fit.scale)

    def plate(self, index: int) -> Matte:
        """(h, w) uint8 at plate size, 255 = grown, and not another's. Not to be written to."""
        matte = self.grown(index)
        for other in self._touching(index) if self._touching else ():
            theirs = binary(other.matte.plain([index])[0])
            if not other.is_in_front:
                theirs &= ~binary(self.plain([index])[0])
            matte = np.where(theirs, np.uint8(0), matte)
        return matte

    def grown(self, index: int) -> Matte:
        """(h, w) uint8 at plate size, 255 = made by the model, but for what is kept. Not to be written to."""
        place = 0 if self._is_still else index
        if place not in self._last:
            points = None if self._points is None else self._points[index]
            self._last = {place: grown(self.plain([index])[0], points, self._options, self._fit.scale)}
        return self._last[place]

    def model(self, indices: Sequence[int]) -> NDArray[np.bool_]:
        """(len(indices), H, W) on the canvas, True = made by the model."""
        if not len(indices):
            return np.zeros((0, self._fit.canvas.height, self._fit.canvas.width), np.bool_)
        return gather(indices, lambda some: np.stack([self._made(index) for index in some]))

    def _made(self, index: int) -> NDArray[np.bool_]:
        made, kept = self._fit.apply_mask(self.grown(index)), self.kept(index)
        return made if kept is None else made & ~self._fit.apply_mask(kept)

    def kept(self, index: int) -> Matte | None:
        """(h, w) uint8 at plate size: how much of the plate stays, 255 = all. None: nothing is said of it."""
        return None if self._masks.keep is None else self._masks.keep.read([index])[0]

    def plain(self, indices: Sequence[int]) -> list[Matte]:
        """(h, w) uint8 each at plate size as they came, not grown, without garbage. Not to be written to."""
        mattes = self._mattes.read(indices)
        if self._masks.garbage is None:
            return mattes
        garbage = self._masks.garbage.read(indices)
        return [np.where(binary(g), np.uint8(0), m) for m, g in zip(mattes, garbage, strict=True)]

    def refuse_empty(self) -> None:
        """Raises MatteEmpty if no frame selects anything. Reads up to the first frame that does."""
        for start in range(0, len(self), AT_ONCE):
            mattes = self.plain(range(start, min(start + AT_ONCE, len(self))))
            if any(binary(matte).any() for matte in mattes):
                return
        if self.has_garbage:
            raise MatteEmpty(
                f"The garbage mask leaves nothing of the matte in all {len(self)} frames, so there is nobody to "
                "replace. White marks where the matte is wrong; invert the mask if it is the other way round.",
                frames=len(self),
            )
        raise MatteEmpty(
            f"The matte is black in all {len(self)} frames, so there is nobody to replace. "
            "White marks the person; invert the matte if it is the other way round.",
            frames=len(self),
        )


class CutPlate:
    """The plate on the canvas with the person cut to black."""

    def __init__(self, plate: FrameSource, matte: PlateMatte, fit: Fit) -> None:
        self._plate = plate
        self._matte = matte
        self._fit = fit

    @property
    def size(self) -> FrameSize:
        return self._fit.canvas

    def __len__(self) -> int:
        return len(self._plate)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        if not len(indices):
            return np.zeros((0, self.size.height, self.size.width, 3), np.uint8)
        return gather(indices, self._read)

    def _read(self, indices: list[int]) -> RgbFrames:
        return cut_out(self._fit.apply(self._plate.read(indices)), self._matte.model(indices))


class WithKept:
    """*background*, on the canvas, with the plate wherever *matte* keeps it."""

    def __init__(self, background: FrameSource, plate: FrameSource, matte: PlateMatte, fit: Fit) -> None:
        self._background = background
        self._plate = plate
        self._matte = matte
        self._fit = fit

    @property
    def size(self) -> FrameSize:
        return self._fit.canvas

    def __len__(self) -> int:
        return len(self._background)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        return gather(indices, self._read) if len(indices) else self._background.read([])

    def _read(self, indices: list[int]) -> RgbFrames:
        frames = self._background.read(indices)
        for frame, index in zip(frames, indices, strict=True):
            kept = self._matte.kept(index)
            if kept is not None and kept.any():
                stays = self._fit.apply_mask(kept)
                frame[stays] = self._fit.apply(self._plate.read([index])[0])[stays]
        return frames
