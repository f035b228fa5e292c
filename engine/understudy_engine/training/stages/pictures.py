"""Pictures of a run, with nothing but torch and zlib: sample sheets and the loss curve."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor


def write_png(file: Path, picture: Tensor) -> None:
    """picture (3, H, W) uint8, RGB."""
    rows = picture.permute(1, 2, 0).cpu().contiguous()  # (H, W, 3)
    height, width, _ = rows.shape
    filtered = F.pad(rows.flatten(1), (1, 0))  # every row begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(filtered.numpy().tobytes(), 6)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sheet(rows: Sequence[Tensor], gap_px: int = 2) -> Tensor:
    """Rows of pictures, each (n, 3, H, W) in [-1, 1], as one picture (3, H, W) uint8."""
    lines = [torch.cat([F.pad(p, (0, gap_px, 0, gap_px), value=1.0) for p in row], dim=2) for row in rows]
    width = max(line.shape[2] for line in lines)
    joined = torch.cat([F.pad(line, (0, width - line.shape[2]), value=1.0) for line in lines], dim=1)
    return joined.float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def curve(values: Sequence[float], width: int = 640, height: int = 320) -> Tensor:
    """Values above 0 from left to right on a logarithmic scale, a faint line at each power of ten: (3, H, W) uint8."""
    logs = torch.tensor([value for value in values if value > 0], dtype=torch.float64).log10()
    canvas = torch.full((3, height, width), 255, dtype=torch.uint8)
    if len(logs) < 2:
        return canvas
    low, high = float(logs.min()) - 0.05, float(logs.max()) + 0.05

    def row(log: Tensor) -> Tensor:
        return ((high - log) / (high - low) * (height - 1)).round().long().clamp(0, height - 1)

    for power in range(int(low) - 1, int(high) + 2):
        if low < power < high:
            canvas[:, row(torch.tensor(float(power)))] = 210
    dense = F.interpolate(logs[None, None], size=width * 8, mode="linear", align_corners=True)[0, 0]
    columns = torch.arange(width * 8) // 8
    canvas[0, row(dense), columns] = 30
    canvas[1, row(dense), columns] = 90
    return canvas
