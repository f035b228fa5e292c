# SPDX-License-Identifier: Apache-2.0
"""Pictures as small PNGs, which Tk can show. Each is decoded by a short-lived process: it may be a stranger's."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

DECODE_S = 15.0
MOST_BYTES = 200 * 10**6
CHILD = """
import sys
import cv2, numpy
picture = cv2.imdecode(numpy.frombuffer(sys.stdin.buffer.read(), numpy.uint8), cv2.IMREAD_COLOR)
height, width = picture.shape[:2]
wide, high = int(sys.argv[1]), int(sys.argv[2])
share = max(wide / width, high / height)
size = max(round(width * share), wide), max(round(height * share), high)
scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)
left, top = (size[0] - wide) // 2, (size[1] - high) // 3
sys.stdout.buffer.write(cv2.imencode(".png", scaled[top : top + high, left : left + wide])[1].tobytes())
"""


def thumbnail(source: Path | bytes, width_px: int, height_px: int) -> bytes | None:
    """A PNG that fills the given size, its edges cut; None for what is no picture."""
    try:
        data = source if isinstance(source, bytes) else _read(source)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(width_px), str(height_px)],
            input=data,
            capture_output=True,
            timeout=DECODE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


class Thumbnails:
    """Makes them beside the window's thread, each once."""

    def __init__(self, tell: Callable[[Callable[[], None]], None]) -> None:
        """*tell* has something called on the window's thread."""
        self._tell = tell
        self._made: dict[tuple[Path | bytes, int, int], bytes | None] = {}
        self._asked: set[tuple[Path | bytes, int, int]] = set()

    def get(self, source: Path | bytes, width_px: int, height_px: int) -> bytes | None:
        """None until it is made, and for what is no picture."""
        key = (source, width_px, height_px)
        if key not in self._asked:
            self._asked.add(key)
            threading.Thread(target=self._make, args=(key,), name="understudy-picture", daemon=True).start()
        return self._made.get(key)

    def _make(self, key: tuple[Path | bytes, int, int]) -> None:
        made = thumbnail(*key)
        self._tell(lambda: self._made.update({key: made}))
