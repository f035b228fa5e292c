"""A finished master, or a layer, in the form the artist asked for; read back and checked before it is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from ..errors import CorruptMedia
from .atomic import atomic_file, staged
from .encode import (
    DNXHR_HQX,
    H264,
    PRORES_422_HQ,
    PRORES_4444,
    MovieFormat,
    check_movie,
    write_movie,
)
from .mux import Progress
from .read import open_clip
from .sequence import Exr, Png, Stills, check_sequence, write_sequence

_WRITING = 0.6  # of the work; the rest is reading back
_PIECE_BYTES = 1 << 20


class DeliveryCodec(StrEnum):
    H264 = "h264"  # MP4, visually lossless, 4:2:0 of 8 or 10 bits as the master has
    PRORES_422_HQ = "prores_422_hq"  # MOV, 4:2:2 of 10 bits
    PRORES_4444 = "prores_4444"  # MOV, 4:4:4 of 10 bits, straight alpha where the master has it
    DNXHR_HQX = "dnxhr_hqx"  # MOV, 4:2:2 of 10 bits, from 256 x 120
    FFV1 = "ffv1"  # the lossless master itself, MKV
    PNG_SEQUENCE = "png_sequence"  # a folder of pictures of 8 or 16 bits, sound beside them
    EXR_SEQUENCE = "exr_sequence"  # a folder of half-float pictures in linear light, sound beside them

    @property
    def suffix(self) -> str:
        """The usual ending of the file's name; "" for a folder."""
        if self is DeliveryCodec.FFV1:
            return ".mkv"
        return f".{_MOVIES[self].container}" if self in _MOVIES else ""


_MOVIES: Mapping[DeliveryCodec, MovieFormat] = {
    DeliveryCodec.H264: H264,
    DeliveryCodec.PRORES_422_HQ: PRORES_422_HQ,
    DeliveryCodec.PRORES_4444: PRORES_4444,
    DeliveryCodec.DNXHR_HQX: DNXHR_HQX,
}


def _unheard(fraction: float) -> None: ...


def deliver(
    master: Path, out: Path, codec: DeliveryCodec, *, light: bool = True, progress: Progress = _unheard
) -> None:
    """Writes *master* to *out*, a file or a folder, replacing what is there; whole and checked, or not at all.

    Rate, timecode, colour tags and pixel aspect are kept. Sound is copied where the container takes it, and
    otherwise becomes AAC (MP4) or PCM (MOV). Codecs with subsampled chroma want even sizes: of odd ones the last
    row or column is repeated. RGB masters become BT.709 Y'CbCr. Where a codec has no alpha, the picture lies over
    black. Pictures are numbered from 1, as ``NAME.000001.png``.

    What was written is read back before it takes its place: FFV1 must be the master's bytes, pictures must hold
    exactly the samples that were meant, and movies must agree with the master frame by frame (`PSNR_FLOOR_DB`) and
    in length, rate, size, timecode and sound tracks.

    Args:
        light: False for a matte, whose samples are amounts: EXR keeps them as they are.

    Raises:
        UnsupportedMedia: the master has no frame rate, or its size or transfer curve does not suit the codec.
        CorruptMedia, DiskFull: nothing is left behind.
    """
    if codec is DeliveryCodec.FFV1:
        _copy(master, out, progress)
        return
    with open_clip(master) as clip, staged(out) as made:

        def writing(fraction: float) -> None:
            progress(_WRITING * fraction)

        def checking(fraction: float) -> None:
            progress(_WRITING + (1 - _WRITING) * fraction)

        movie = _MOVIES.get(codec)
        if movie is not None:
            write_movie(clip, made, movie, writing)
            check_movie(clip, made, movie, checking)
        else:
            exr = codec is DeliveryCodec.EXR_SEQUENCE
            stills: Stills = Exr(clip.info, light=light) if exr else Png()
            write_sequence(clip, made, stills, writing)
            check_sequence(clip, made, stills, checking)


def _copy(master: Path, out: Path, progress: Progress) -> None:
    size, meant, found = master.stat().st_size, hashlib.sha256(), hashlib.sha256()
    with master.open("rb") as source, atomic_file(out) as target:
        while piece := source.read(_PIECE_BYTES):
            target.write(piece)
            meant.update(piece)
            progress(_WRITING * source.tell() / size)
        target.flush()
        with Path(target.name).open("rb") as written:
            while piece := written.read(_PIECE_BYTES):
                found.update(piece)
                progress(_WRITING + (1 - _WRITING) * written.tell() / size)
        if meant.digest() != found.digest():
            raise CorruptMedia(
                f"The copy {out.name} came back with other bytes. Check the disk and export again."
            )
