"""The passes of one request, opened: everything a segment needs besides noise and the character.

Supplied files of any size and of the range's or the whole clip's length come in; streams at the model's size
come out, read at any place and never held whole. What does not fit is refused here, before the model runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import PassMismatch, PassMissing
from ..media.read import Clip, Opener, open_clip
from ..media.rgb import RgbSource
from ..types import FrameRange, FrameSize, FrameSource, Mode, SwapRequest
from .document_child import face_boxes_isolated, keypoints_isolated
from .face import face_box
from .keypoints import Keypoints
from .matte import Matte
from .plate import CutPlate, PlateMatte
from .sizing import Box, Fit, letterbox_box, paste, reference_content, resize
from .sources import Black, DrawnSkeletons, FaceCrops, Mapped, Still

NO_FACES = (
    "There is no face pass, so the character keeps a neutral expression. Supply keypoints or face crops."
)
SOME_FACES = "No face is to be seen in {missing} of {all} frames; the expression is left to the model there."
MATTE_UNUSED = "Animate makes the whole picture and does not use the matte."


@dataclass(frozen=True, slots=True)
class Passes:
    """What the model reads of a shot. Frame 0 is the first of the requested range, which all streams span."""

    pose: FrameSource  # skeletons on the canvas
    faces: FrameSource  # square face crops; black where no face is to be seen
    background: FrameSource  # Replace: the plate on the canvas without the person; Animate: black
    matte: PlateMatte | None  # Replace only
    warnings: tuple[str, ...] = ()

    def matte_model(self, indices: Sequence[int]) -> NDArray[np.bool_]:
        """(len(indices), H, W) on the canvas, True = made by the model."""
        return self._matte().model(indices)

    def matte_plate(self, index: int) -> Matte:
        """(h, w) uint8 at plate size, 255 = made by the model: the same region as `matte_model`'s."""
        return self._matte().plate(index)

    def _matte(self) -> PlateMatte:
        if self.matte is None:
            raise PassMissing("Animate has no matte: the whole picture is made by the model.")
        return self.matte


@contextmanager
def open_passes(
    request: SwapRequest,
    clip: Clip | None,
    frames: FrameRange,
    fit: Fit,
    face_px: int,
    opener: Opener = open_clip,
) -> Iterator[Passes]:
    """The passes of *request*'s *frames* on *fit*'s canvas, with faces of *face_px*.

    *clip* is None only where a drawn skeleton takes its place (Animate). In Replace *fit* is the clip's, in
    Animate the character picture's; the clip's motion is then letterboxed into the picture.

    Raises:
        MediaError: a pass cannot be read. PassMissing, PassMismatch, MatteEmpty: the passes do not suffice,
        are of another length or shape than the clip, or select nothing.
    """
    refuse_missing(request)
    with ExitStack() as stack:
        yield _Opening(request, clip, frames, fit, face_px, opener, stack).passes()


def refuse_missing(request: SwapRequest) -> None:
    """Raises PassMissing for a request that no file could fulfil; opens none."""
    passes = request.passes
    if passes.pose is None and passes.keypoints is None:
        raise PassMissing(
            "There is no pose to follow. Supply keypoints (pose.json, OpenPose, DWPose) or a drawn skeleton; "
            "this version does not find people by itself."
        )
    if request.mode is Mode.REPLACE and passes.matte is None:
        raise PassMissing(
            "Replace needs a matte of the person. Supply one as video, picture sequence or a single picture, "
            "white = the person."
        )


class _Opening:
    """One call of `open_passes`: the request and what has been opened for it so far."""

    def __init__(
        self,
        request: SwapRequest,
        clip: Clip | None,
        frames: FrameRange,
        fit: Fit,
        face_px: int,
        opener: Opener,
        stack: ExitStack,
    ) -> None:
        self._files = request.passes
        self._options = request.matte
        self._replace = request.mode is Mode.REPLACE
        self._frames = frames
        self._fit = fit
        self._face_px = face_px
        self._opener = opener
        self._stack = stack
        self._clip = None if clip is None else self._own(clip)
        self._clip_frames = frames.end if clip is None else clip.info.frame_count
        self._warnings: list[str] = []
        self._keypoints = self._read_keypoints()

    def passes(self) -> Passes:
        pose = self._pose()
        faces = self._faces()
        if self._replace:
            matte = self._matte()
            return Passes(pose, faces, self._background(matte), matte, tuple(self._warnings))
        if self._files.matte is not None:
            self._warnings.append(MATTE_UNUSED)
        return Passes(pose, faces, Black(self._fit.canvas, len(self._frames)), None, tuple(self._warnings))

    # ---- Pose

    def _read_keypoints(self) -> Keypoints | None:
        """The range's keypoints in pixels of the clip. Without a clip there is nothing that they belong to."""
        if self._files.keypoints is None or self._clip is None:
            return None
        keypoints = keypoints_isolated(self._files.keypoints, self._clip.size)
        if not _same_aspect(keypoints.size, self._clip.size):
            raise _other_shape("keypoint", keypoints.size, self._clip.size)
        frames = self._range_of(len(keypoints), "keypoint")
        return keypoints.cut(frames).scaled_to(self._clip.size)

    def _pose(self) -> FrameSource:
        if self._files.pose is not None:
            return self._placed(self._open(self._files.pose, "skeleton"), "skeleton")
        if self._keypoints is None:
            raise PassMissing("The keypoints belong to a clip. Name the clip as well.")
        return DrawnSkeletons(self._keypoints.fitted(self._motion_fit(self._keypoints.size)))

    def _motion_fit(self, size: FrameSize) -> Fit:
        """Where pictures of the clip's motion lie on the canvas."""
        if self._replace:
            return self._fit
        content = self._fit.content
        inside = letterbox_box(size, content.size)
        box = inside._replace(x=inside.x + content.x, y=inside.y + content.y)
        return Fit(size, self._fit.canvas, box)

    def _placed(self, source: FrameSource, what: str) -> FrameSource:
        """Drawn pictures on the canvas, black around them."""
        content = _content(source.size, self._fit.source)
        if content is None and self._replace:
            raise _other_shape(what, source.size, self._fit.source)
        if content is None:
            content, box = Box(0, 0, *source.size), self._motion_fit(source.size).content
        else:
            box = self._fit.content

        def place(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
            part = resize(frame[content.rows, content.columns], box.size, enlarge=cv2.INTER_LINEAR)
            return paste(part, box, self._fit.canvas)

        return Mapped(source, self._fit.canvas, place)

    # ---- Faces

    def _faces(self) -> FrameSource:
        size = FrameSize(self._face_px, self._face_px)
        if self._files.face is not None:
            crops = self._open(self._files.face, "face")
            return Mapped(crops, size, lambda frame: resize(frame, size, enlarge=cv2.INTER_LINEAR))
        boxes = self._face_boxes()
        missing = boxes.count(None)
        if self._clip is None or missing == len(boxes):
            self._warnings.append(NO_FACES)
            return Black(size, len(self._frames))
        if missing:
            self._warnings.append(SOME_FACES.format(missing=missing, all=len(boxes)))
        return FaceCrops(self._clip, boxes, self._face_px)

    def _face_boxes(self) -> list[Box | None]:
        """One a frame of the range; none at all where nothing says where the face is."""
        if self._clip is None:
            return []
        if self._files.face_boxes is not None:
            boxes = face_boxes_isolated(self._files.face_boxes, self._clip.size)
            frames = self._range_of(len(boxes), "face box")
            return boxes[frames.start : frames.end]
        if self._keypoints is None:
            return []
        return [face_box(points, self._clip.size) for points in self._keypoints.points]

    # ---- Matte and background

    def _matte(self) -> PlateMatte:
        assert self._files.matte is not None  # refuse_missing
        source = self._open(self._files.matte, "matte", still=True)
        content = _content(source.size, self._fit.source)
        if content is None:
            raise _other_shape("matte", source.size, self._fit.source)
        matte = PlateMatte(source, content, self._fit, self._options)
        matte.refuse_empty()
        return matte

    def _background(self, matte: PlateMatte) -> FrameSource:
        if self._files.background is None:
            if self._clip is None:
                raise PassMissing("Replace needs the clip whose person is replaced. Name the clip.")
            return CutPlate(self._clip, matte, self._fit)
        source = self._open(self._files.background, "background", still=True)
        content = _content(source.size, self._fit.source)
        if content is None:
            raise _other_shape("background", source.size, self._fit.source)
        fit = Fit(content.size, self._fit.canvas, self._fit.content)
        return Mapped(source, fit.canvas, lambda frame: fit.apply(frame[content.rows, content.columns]))

    # ---- Files

    def _own(self, clip: Clip) -> FrameSource:
        """The range of the clip. Opened once more: the caller goes on reading the one it handed in."""
        again = self._stack.enter_context(self._opener(clip.info.path))
        return RgbSource(again, frames=self._frames)

    def _open(self, path: Path, what: str, *, still: bool = False) -> FrameSource:
        """A pass's pictures for the requested range."""
        opened = self._stack.enter_context(self._opener(path))
        count = opened.info.frame_count
        if still and count == 1:
            return Still(RgbSource(opened), len(self._frames))
        if self._clip is None and what == "skeleton":  # it takes the clip's place
            self._clip_frames = count
        return RgbSource(opened, frames=self._range_of(count, what))

    def _range_of(self, length: int, what: str) -> FrameRange:
        """Which frames of a pass of *length* frames belong to the requested range."""
        wanted = len(self._frames)
        if length == wanted:
            return FrameRange(0, wanted)
        if length == self._clip_frames:
            return self._frames
        whole = f", the whole clip {self._clip_frames}" if self._clip_frames != wanted else ""
        raise PassMismatch(
            f"The {what} pass has {length} frames; the range has {wanted}{whole}. "
            "Supply it as long as the range or as the whole clip.",
            what=what,
            frames=length,
            expected=wanted,
        )


def _same_aspect(a: FrameSize, b: FrameSize) -> bool:
    """To the rounding of a pixel, or half a percent."""
    return abs(a.height - a.width * b.height / b.width) <= max(1, 0.005 * a.height)


def _content(size: FrameSize, source: FrameSize) -> Box | None:
    """Where pictures of *size* show a clip of *source*'s shape; None where they are of another shape."""
    if _same_aspect(size, source):
        return Box(0, 0, *size)
    return reference_content(source, size)


def _other_shape(what: str, size: FrameSize, source: FrameSize) -> PassMismatch:
    return PassMismatch(
        f"The {what} pass is {size.width}x{size.height}, of another shape than the clip's "
        f"{source.width}x{source.height}. Supply it at the clip's size, or scaled evenly.",
        what=what,
        width=size.width,
        height=size.height,
    )
