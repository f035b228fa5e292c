"""Mattes of single frames that somebody painted, to take the place of those that were found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import PassMismatch, UnsupportedMedia
from ..media.read import Opener
from ..media.rgb import RgbSource
from ..media.second_name import second_name
from ..types import FrameRange, FrameSize
from .files import WholeMatte


def given_mattes(folder: Path | None, frames: FrameRange) -> dict[int, Path]:
    """The pictures in *folder* of *frames*, counted from their start.

    Raises UnsupportedMedia for a name without a number.
    """
    found = {}
    for file in sorted(folder.glob("*.png")) if folder is not None else ():
        if not file.stem.isdecimal():
            raise UnsupportedMedia(
                f"{file.name} does not tell the frame whose matte it is. Name it like 00000012.png.",
                file=file.name,
            )
        if int(file.stem) in frames.indices:
            found[int(file.stem) - frames.start] = file
    return found


def read_given(given: Mapping[int, Path], size: FrameSize, opener: Opener) -> Mapping[int, WholeMatte | None]:
    """*given* pictures, all opened by one decoder; None for those that show nobody. White = the person.

    Raises PassMismatch for another size than *size*, and MediaError.
    """
    with TemporaryDirectory() as folder:
        for number, file in enumerate(given.values()):
            second_name(file, Path(folder) / f"{number:08d}.png")
        with opener(Path(folder)) as clip:
            if clip.info.size != size:
                raise PassMismatch(
                    f"A matte of a frame is {clip.info.size.width}x{clip.info.size.height}, but the clip is "
                    f"{size.width}x{size.height}. Give it at the clip's size.",
                    width=clip.info.size.width,
                    height=clip.info.size.height,
                )
            pictures = RgbSource(clip)
            mattes = (pictures.read([number])[0, ..., 0] for number in range(len(given)))
            return {
                index: WholeMatte.packed(alpha) if alpha.any() else None
                for index, alpha in zip(given, mattes, strict=True)
            }
