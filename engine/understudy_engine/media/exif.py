"""The orientation that a camera noted in a picture file (EXIF tag 0x0112)."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from .orient import Orientation

# EXIF 2.32, 4.6.4 A: how the stored picture is turned to be upright.
_ORIENTATIONS = {
    1: Orientation(),
    2: Orientation(mirror_x=True),
    3: Orientation(mirror_x=True, mirror_y=True, degrees=180),
    4: Orientation(mirror_y=True, degrees=180),
    5: Orientation(transpose=True, degrees=90),
    6: Orientation(transpose=True, mirror_x=True, degrees=90),
    7: Orientation(transpose=True, mirror_x=True, mirror_y=True, degrees=270),
    8: Orientation(transpose=True, mirror_y=True, degrees=270),
}
_ORIENTATION_TAG = 0x0112


def exif_orientation(path: Path) -> Orientation:
    """Of a JPEG, PNG, WebP or TIFF file; upright where there is no such note, or a senseless one."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return _ORIENTATIONS.get(_orientation_tag(_exif_block(data)), Orientation())
        except (IndexError, struct.error):
            return Orientation()


def _exif_block(data: mmap.mmap) -> bytes | mmap.mmap:
    """The TIFF structure that holds the tags; b"" if the file has none."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    if data[:3] == b"\xff\xd8\xff":
        return _in_jpeg(data)
    if data[:4] == b"\x89PNG":
        return _in_chunks(data, 8, ">I4s", b"eXIf", after=4)  # each chunk ends with a CRC
    if data[:4] == b"RIFF":
        return _in_chunks(data, 12, "<4sI", b"EXIF", after=0).removeprefix(b"Exif\0\0")
    return b""


def _in_jpeg(data: mmap.mmap) -> bytes:
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:  # up to the start of scan
        (size,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 10 : at + 2 + size]
        at += 2 + size
    return b""


def _in_chunks(data: mmap.mmap, at: int, head: str, wanted: bytes, after: int) -> bytes:
    while at + 8 <= len(data):
        fields = struct.unpack_from(head, data, at)
        name, size = sorted(fields, key=lambda field: isinstance(field, int))
        if name == wanted:
            return data[at + 8 : at + 8 + size]
        at += 8 + size + (after or size % 2)  # RIFF pads to even
    return b""


def _orientation_tag(block: bytes | mmap.mmap) -> int:
    """The tag in the first directory (TIFF 6.0, section 2); 0 if it is not there."""
    if not block:
        return 0
    order = "<" if block[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, _, _, value = struct.unpack_from(order + "HHIH", block, entry)
        if tag == _ORIENTATION_TAG:
            return int(value)
    return 0
