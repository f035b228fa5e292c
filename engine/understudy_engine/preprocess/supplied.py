"""The passes of one role as files, opened for the requested range; what does not belong to the clip is refused."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from ..media.read import Clip, Opener
from ..media.rgb import RgbSource
from ..types import FrameRange, FrameSource, Mode, SwapRequest
from .conform import content_of, corrections_of_range, frames_of_range, other_shape, same_aspect
from .conform_rate import read_timed
from .document_child import corrections_isolated, keypoints_isolated
from .keypoints import Keypoints
from .masks import Greys, refuse_white
from .motion.corrections import Corrections, put_right
from .sizing import Box, Fit
from .sources import Still

ANY_RATE = Fraction(24)  # of a clip of pictures, which has none
CORRECTIONS_OUTSIDE = "{outside} of {all} corrections are of frames outside the range and are left out."


class Supplied:
    """Files are closed by *stack*.

    Attributes:
        clip: the range of it; None where a drawn skeleton takes its place.
        rate: of the clip.
        corrections: those of the range; None where none is of it.
        keypoints: the range's, with corrections, in pixels of the clip.
        warnings: what the artist is told of the files; grows as they are opened.
    """

    def __init__(
        self,
        request: SwapRequest,
        clip: Clip | None,
        frames: FrameRange,
        fit: Fit,
        opener: Opener,
        stack: ExitStack,
    ) -> None:
        self.files = request.passes
        self._replace = request.mode is Mode.REPLACE
        self._frames = frames
        self._fit = fit
        self._opener = opener
        self._stack = stack
        self.clip = None if clip is None else self.own(clip)
        self._clip_frames = frames.end if clip is None else clip.info.frame_count
        self.warnings: list[str] = []
        rate = None if clip is None else clip.info.rate
        self._clip_rate, self.rate = rate, rate or ANY_RATE
        self.corrections = self._read_corrections()
        self.keypoints = self._read_keypoints()

    def own(self, clip: Clip) -> FrameSource:
        """The range of the clip. Opened once more: the caller goes on reading the one it handed in."""
        again = self._stack.enter_context(self._opener(clip.info.path))
        return RgbSource(again, frames=self._frames)

    def of_range(self, length: int, what: str) -> FrameRange:
        """Which frames of a pass of *length* frames belong to the requested range."""
        return frames_of_range(length, what, self._frames, self._clip_frames)

    def shaped(self, path: Path, what: str) -> tuple[FrameSource, Box]:
        """Pictures of the clip's shape, or one for all frames, and where in them the clip is."""
        source = self.open(path, what, still=True)
        content = content_of(source.size, self._fit.source)
        if content is None:
            raise other_shape(what, source.size, self._fit.source)
        return source, content

    def open(self, path: Path, what: str, *, still: bool = False) -> FrameSource:
        """A pass's pictures for the requested range."""
        opened = self._stack.enter_context(self._opener(path))
        count = opened.info.frame_count
        if still and count == 1:
            return Still(RgbSource(opened), len(self._frames))
        if self.clip is None and what == "skeleton":  # it takes the clip's place
            self._clip_frames = count
        source, told = read_timed(opened, what, self._frames, self._clip_frames, self._clip_rate)
        self.warnings.extend(told)
        return source

    def mask(self, name: str) -> Greys | None:
        path: Path | None = getattr(self.files, name)
        if path is None or not self._replace:
            return None
        mask = Greys(*self.shaped(path, name), self._fit.source)
        refuse_white(mask, f"{name} mask")
        return mask

    def _read_keypoints(self) -> Keypoints | None:
        """The range's keypoints in pixels of the clip. Without a clip there is nothing that they belong to."""
        if self.files.keypoints is None or self.clip is None:
            return None
        keypoints = keypoints_isolated(self.files.keypoints, self.clip.size)
        if not same_aspect(keypoints.size, self.clip.size):
            raise other_shape("keypoint", keypoints.size, self.clip.size)
        frames = self.of_range(len(keypoints), "keypoint")
        own = keypoints.cut(frames).scaled_to(self.clip.size)
        right = self.corrections
        return own if right is None else Keypoints(put_right(own.points, right, self.rate), own.size)

    def _read_corrections(self) -> Corrections | None:
        """Those of the range; None where none is of it."""
        if self.files.corrections is None or self.clip is None:
            return None
        read = corrections_isolated(self.files.corrections)
        own = corrections_of_range(read, self.clip.size, self._frames, self._clip_frames)
        if outside := len(read.items) - len(own.items):
            self.warnings.append(CORRECTIONS_OUTSIDE.format(outside=outside, all=len(read.items)))
        return own if own.items else None
