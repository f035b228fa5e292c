"""FFV1's own checksums. FFmpeg's decoder patches slices that fail them and says so only in its log."""

from __future__ import annotations

import zlib

_FOOTER_BYTES = 8  # slice size (3), error status (1), CRC (4): RFC 9043, 4.9
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ONES = 0xFFFFFFFF


def slices_intact(packet: bytes) -> bool:
    """Whether every slice of an FFV1 version 3 packet agrees with its CRC; False if it has none.

    The CRC-32 over a slice and its own CRC is 0 (RFC 9043, 4.9.3). It is taken most significant bit first and
    begins with 0; zlib's is the same, mirrored, and begins with ones.
    """
    mirrored = packet.translate(_MIRRORED)
    end = len(packet)
    while end > 0:
        size = int.from_bytes(packet[max(0, end - _FOOTER_BYTES) : max(0, end - 5)], "big") + _FOOTER_BYTES
        start = end - size
        if start < 0 or zlib.crc32(mirrored[start:end], _ONES) != _ONES:
            return False
        end = start
    return True
