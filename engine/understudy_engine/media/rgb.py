"""Pictures as RGB and back, and clips as streams of RGB frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedMedia
from ..types import FrameRange, FrameSize, Picture, RgbFrames
from .colour import Float, clipped, downsample, quantise, resolved, scale_and_offset, upsample, yuv_matrix
from .info import ColourTags
from .pixels import assemble, components, pixel_format, size_of
from .read import Clip, Opener, check_range, open_clip

_CACHED_FRAMES = 8
_FORWARD_FRAMES = 24  # decoding this far ahead costs no more than going back to a keyframe
_BACKDROP = 0.5  # mid grey, behind transparent pictures


def to_rgb(picture: Picture, colour: ColourTags) -> NDArray[np.uint8]:
    """(H, W, 3) full-range RGB in the picture's own transfer curve; alpha is left out.

    Matrix and range follow the tags, or `colour.resolved` where they are silent.

    Raises:
        UnsupportedMedia: a colour matrix that is not supported.
    """
    layout = pixel_format(picture.pix_fmt)
    if not layout.is_yuv and layout.bits == 8:
        channels = components(picture)
        return np.stack([channels[letter] for letter in ("yyy" if layout.is_gray else "rgb")], axis=-1)
    return np.asarray(
        cv2.convertScaleAbs(to_rgb_float(picture, colour), alpha=255)
    )  # as np.rint, in one pass


def to_rgb_float(picture: Picture, colour: ColourTags) -> Float:
    """(H, W, 3) float32 in 0-1, as `to_rgb` but at the picture's full depth. Peak memory 24 bytes a pixel."""
    layout = pixel_format(picture.pix_fmt)
    width, height = size_of(picture)
    tags = resolved(colour, layout, height)
    channels = components(picture)
    scale, offset = scale_and_offset(layout, tags.range, chroma=False)
    if not layout.is_yuv:
        stacked = np.stack([channels[letter] for letter in ("yyy" if layout.is_gray else "rgb")], axis=-1)
        return clipped((stacked.astype(np.float32) - offset) / scale)
    chroma_scale, chroma_offset = scale_and_offset(layout, tags.range, chroma=True)
    yuv = np.empty((height, width, 3), np.float32)
    yuv[..., 0] = (channels["y"].astype(np.float32) - offset) / scale
    for i, letter in ((1, "u"), (2, "v")):
        samples = (channels[letter].astype(np.float32) - chroma_offset) / chroma_scale
        yuv[..., i] = upsample(samples, layout.chroma_shift, width, height)
    rgb = cv2.transform(yuv, np.linalg.inv(yuv_matrix(tags.matrix).astype(np.float64)))
    return clipped(rgb)


def from_rgb(rgb: Float, pix_fmt: str, colour: ColourTags) -> Picture:
    """A picture of *pix_fmt* from (H, W, 3) float32 RGB in 0-1, each sample rounded once; alpha is opaque.

    Raises:
        UnsupportedMedia: a pixel format or colour matrix that is not supported.
    """
    layout = pixel_format(pix_fmt)
    return assemble({k: quantise(v, layout) for k, v in sample_values(rgb, pix_fmt, colour).items()}, pix_fmt)


def sample_values(rgb: Float, pix_fmt: str, colour: ColourTags) -> dict[str, Float]:
    """What `from_rgb` rounds: the channels by letter at their own resolution, in sample values."""
    layout = pixel_format(pix_fmt)
    tags = resolved(colour, layout, len(rgb))
    scale, offset = scale_and_offset(layout, tags.range, chroma=False)
    if layout.is_gray:
        luma = cv2.transform(rgb, yuv_matrix("bt709")[:1])
        return {"y": luma.reshape(rgb.shape[:2]) * scale + offset}
    if not layout.is_yuv:
        return {letter: rgb[..., i] * scale + offset for i, letter in enumerate("rgb")}
    yuv = cv2.transform(rgb, yuv_matrix(tags.matrix))
    chroma_scale, chroma_offset = scale_and_offset(layout, tags.range, chroma=True)
    u, v = (downsample(np.ascontiguousarray(yuv[..., i]), layout.chroma_shift) for i in (1, 2))
    return {
        "y": yuv[..., 0] * scale + offset,
        "u": u * chroma_scale + chroma_offset,
        "v": v * chroma_scale + chroma_offset,
    }


class RgbSource:
    """A `FrameSource` over an open clip, or over *frames* of it; frame 0 is then the range's first.

    Ascending reads decode each frame once; others seek. Holds at most 8 frames.
    """

    def __init__(self, clip: Clip, *, frames: FrameRange | None = None) -> None:
        self._clip = clip
        self._frames = (
            FrameRange(0, clip.info.frame_count) if frames is None else frames
        )  # a range may be empty
        check_range(clip.info, self._frames)
        self._recent: dict[int, NDArray[np.uint8]] = {}
        self._stream: Iterator[Picture] = iter(())
        self._next = -1  # the clip frame that _stream gives next; -1: none

    @property
    def size(self) -> FrameSize:
        return self._clip.info.size

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        """(len(indices), H, W, 3). Raises IndexError outside the source, CorruptMedia for damaged frames."""
        out = np.empty((len(indices), self.size.height, self.size.width, 3), np.uint8)
        for row, index in enumerate(indices):
            if not 0 <= index < len(self):
                raise IndexError(f"frame {index} of {len(self)}")
            out[row] = self._frame(self._frames.start + index)
        return out

    def _frame(self, k: int) -> NDArray[np.uint8]:
        if k not in self._recent:
            if not 0 <= k - self._next < _FORWARD_FRAMES or self._next < 0:
                self._stream, self._next = self._clip.read(FrameRange(k, self._frames.end)), k
            for _ in range(k - self._next):
                next(self._stream)
            self._recent[k] = to_rgb(next(self._stream), self._clip.info.colour)
            self._next = k + 1
            if len(self._recent) > _CACHED_FRAMES:
                del self._recent[next(iter(self._recent))]
        return self._recent[k]


def read_picture(path: Path, opener: Opener = open_clip) -> NDArray[np.uint8]:
    """A picture file as (H, W, 3) full-range RGB, EXIF orientation applied, transparency over mid grey.

    Raises:
        MediaNotFound, UnsupportedMedia (not a picture), CorruptMedia, MediaTooLarge (over 50 megapixels)
    """
    with opener(path) as clip:
        if clip.info.rate is not None or path.is_dir():
            raise UnsupportedMedia(f"{path.name} is not a single picture. Choose a PNG, JPEG, TIFF or EXR.")
        (picture,), colour = clip.read(FrameRange(0, 1)), clip.info.colour
    layout = pixel_format(picture.pix_fmt)
    if not layout.has_alpha:
        return to_rgb(picture, colour)
    alpha = components(picture)["a"].astype(np.float32)[..., None] / layout.maximum
    flattened = to_rgb_float(picture, colour) * alpha + _BACKDROP * (1 - alpha)
    return np.rint(flattened * 255).astype(np.uint8)
