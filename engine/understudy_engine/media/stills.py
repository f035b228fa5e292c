"""Single pictures and folders of numbered pictures as clips."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.error import FFmpegError

from ..errors import CorruptMedia, MediaNotFound, UnsupportedMedia
from ..types import FrameRange, Picture
from .container import opened, video_stream
from .exif import exif_orientation
from .info import ClipInfo, ColourTags
from .limits import PICTURE_SUFFIXES, check_frame, check_length, check_still
from .orient import upright
from .pixels import picture_of, pixel_format, size_of

_NAMED_GAPS = 6
_NUMBERED = re.compile(r"(?P<head>.*?)(?P<number>\d+)(?P<tail>\D*)")


class Still(NamedTuple):
    picture: Picture  # upright
    colour: ColourTags
    degrees: int  # clockwise, already turned by
    codec: str


def read_still(path: Path, *, of_movie: bool = False) -> Still:
    """One picture file, EXIF orientation applied.

    EXR is scene-linear floating point; it becomes 16 bits in the sRGB curve, clipped to 0-1.

    Args:
        of_movie: hold it to a movie frame's limit instead of a single picture's.

    Raises:
        MediaNotFound, UnsupportedMedia, CorruptMedia, MediaTooLarge
    """
    with opened(path, pictures=True) as container:
        stream = video_stream(path, container)
        check = check_frame if of_movie else check_still
        check(path, stream.codec_context.width, stream.codec_context.height)
        try:
            frame = next(iter(container.decode(stream)), None)
        except FFmpegError as error:
            raise _broken(path) from error
        if frame is None or frame.is_corrupt:
            raise _broken(path)
        orientation = exif_orientation(path)
        picture = upright(picture_of(frame), orientation)
        codes = (frame.color_primaries, frame.color_trc, int(frame.colorspace), int(frame.color_range))
        codec = stream.codec_context.codec.name
    if codec == "exr":
        return Still(
            _srgb(picture), ColourTags("bt709", "iec61966-2-1", "gbr", "pc"), orientation.degrees, codec
        )
    return Still(picture, ColourTags.from_codes(*codes), orientation.degrees, codec)


def _broken(path: Path) -> CorruptMedia:
    return CorruptMedia(f"The picture {path.name} is damaged or cut short. Export or copy it again.", frame=0)


def _srgb(linear: Picture) -> Picture:
    """The sRGB curve (IEC 61966-2-1) over 16-bit linear light; alpha stays."""
    x = np.arange(65536) / 65535
    curve = np.rint(65535 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)).astype(
        np.uint16
    )
    alpha = pixel_format(linear.pix_fmt).channels.find("a")
    planes = tuple(plane if i == alpha else curve[plane] for i, plane in enumerate(linear.planes))
    return Picture(planes, linear.pix_fmt)


class StillsClip:
    """A `Clip` over picture files, one a frame, without rate or sound; `open_clip` makes it."""

    def __init__(self, path: Path, files: list[Path]) -> None:
        check_length(path, len(files))
        self._files = files
        first = read_still(files[0], of_movie=len(files) > 1)
        notes: tuple[str, ...] = ()
        if first.codec == "exr":
            notes = ("EXR is read in the sRGB curve at 16 bits; light above 1.0 is clipped.",)
        self.info = ClipInfo(
            path=path,
            size=size_of(first.picture),
            rate=None,
            frame_count=len(files),
            pix_fmt=first.picture.pix_fmt,
            bit_depth=pixel_format(first.picture.pix_fmt).bits,
            colour=first.colour,
            rotation_degrees=first.degrees,
            codec=first.codec,
            notes=notes,
        )

    def close(self) -> None:
        """Nothing stays open between pictures."""

    def read(self, frames: FrameRange) -> Iterator[Picture]:
        """See `Clip.read`."""
        for k in frames.indices:
            picture = read_still(self._files[k], of_movie=len(self._files) > 1).picture
            if picture.pix_fmt != self.info.pix_fmt or size_of(picture) != self.info.size:
                raise UnsupportedMedia(
                    f"{self._files[k].name} is {_kind(picture)}, but the sequence begins with "
                    f"{self.info.size.width} x {self.info.size.height} {self.info.pix_fmt}. "
                    "Export all pictures alike.",
                    frame=k,
                )
            yield picture


def _kind(picture: Picture) -> str:
    return f"{size_of(picture).width} x {size_of(picture).height} {picture.pix_fmt}"


def numbered_pictures(folder: Path) -> list[Path]:
    """The folder's one picture sequence, in the order of its numbers.

    Raises:
        MediaNotFound: no numbered pictures.
        UnsupportedMedia: more than one sequence.
        CorruptMedia: numbers are missing; the message names them.
    """
    found: dict[tuple[str, str], dict[int, Path]] = defaultdict(dict)
    for file in sorted(folder.iterdir()):
        match = _NUMBERED.fullmatch(file.stem)
        if file.suffix.lower() in PICTURE_SUFFIXES and match and not file.name.startswith("."):
            found[match["head"], match["tail"] + file.suffix][int(match["number"])] = file
    if not found:
        raise MediaNotFound(f"The folder {folder.name} holds no numbered pictures.", path=str(folder))
    if len(found) > 1:
        names = ", ".join(f"{head}#{tail}" for head, tail in sorted(found)[:4])
        raise UnsupportedMedia(
            f"The folder {folder.name} holds {len(found)} picture sequences ({names}). Keep one in it.",
            path=str(folder),
        )
    (files,) = found.values()
    missing = max(files) - min(files) + 1 - len(files)
    if missing:
        gaps = (number for number in count(min(files)) if number not in files)
        names = ", ".join(str(number) for number in islice(gaps, min(missing, _NAMED_GAPS)))
        more = ", ..." if missing > _NAMED_GAPS else ""
        raise CorruptMedia(
            f"The sequence in {folder.name} lacks {missing} pictures: {names}{more}. Render them again.",
            path=str(folder),
            missing=missing,
        )
    return [files[number] for number in sorted(files)]
