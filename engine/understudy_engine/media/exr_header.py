"""OpenEXR attributes that FFmpeg does not write: rate, timecode and primaries, put into a finished file's header."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from fractions import Fraction

_MAGIC_BYTES = 8
_LABEL = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")

# x and y of red, green, blue and white (ITU-T H.273 table 2).
_CHROMATICITIES: Mapping[str, tuple[float, ...]] = {
    "bt709": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "bt470bg": (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "smpte170m": (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, 0.3127, 0.3290),
    "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "smpte431": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351),
    "smpte432": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290),
}


def described(exr: bytes, *, rate: Fraction | None, timecode: str, primaries: str) -> bytes:
    """*exr*, a scanline file, with what is known of the picture; values that are not known are left out."""
    attributes = b""
    if rate is not None:
        attributes += _attribute("framesPerSecond", "rational", struct.pack("<iI", *rate.as_integer_ratio()))
    if label := _LABEL.fullmatch(timecode):
        attributes += _attribute("timeCode", "timecode", struct.pack("<II", _smpte_12m(label), 0))
    if primaries in _CHROMATICITIES:
        attributes += _attribute(
            "chromaticities", "chromaticities", struct.pack("<8f", *_CHROMATICITIES[primaries])
        )
    end = _header_end(exr)
    (first_block,) = struct.unpack_from("<Q", exr, end + 1)
    offsets = struct.unpack(f"<{(first_block - end - 1) // 8}Q", exr[end + 1 : first_block])
    moved = struct.pack(f"<{len(offsets)}Q", *(offset + len(attributes) for offset in offsets))
    return exr[:end] + attributes + b"\0" + moved + exr[first_block:]


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def _header_end(exr: bytes) -> int:
    """Where the zero lies that closes the header; the table of the blocks' offsets follows it."""
    at = _MAGIC_BYTES
    while exr[at]:
        name_end = exr.index(b"\0", at)
        kind_end = exr.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<i", exr, kind_end + 1)
        at = kind_end + 5 + size
    return at


def _smpte_12m(label: re.Match[str]) -> int:
    """Hours, minutes, seconds and frames as binary coded decimals, a byte each, and the drop frame flag."""
    hours, minutes, seconds, frames = (int(label[i]) for i in (1, 2, 3, 5))
    packed = 0
    for shift, value in ((0, frames), (8, seconds), (16, minutes), (24, hours)):
        packed |= (value // 10 << 4 | value % 10) << shift
    return packed | (label[4] != ":") << 6
