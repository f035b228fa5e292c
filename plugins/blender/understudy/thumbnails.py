# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of files, for the panel. Blender reads them when they are drawn, beside the drawing."""

from __future__ import annotations

from pathlib import Path

import bpy
import bpy.utils.previews

MOST = 200  # then it begins anew


class Thumbnails:
    """Icons of files, by path. They cost nothing until they are drawn."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()

    def icon(self, path: Path | str, kind: str = "IMAGE") -> int:
        """The icon of a file; *kind* is IMAGE or MOVIE."""
        name = str(path)
        if name not in self._previews:
            if len(self._previews) >= MOST:
                self._previews.clear()
            self._previews.load(name, name, kind)
        return self._previews[name].icon_id

    def forget(self, path: Path | str) -> None:
        """Reads *path* again next time."""
        self._previews.pop(str(path), None)

    def close(self) -> None:
        bpy.utils.previews.remove(self._previews)


_open: list[Thumbnails] = []


def thumbnails() -> Thumbnails:
    """Those of this session."""
    if not _open:
        _open.append(Thumbnails())
    return _open[0]


def register() -> None:
    pass  # nothing is read before it is drawn


def unregister() -> None:
    while _open:
        _open.pop().close()
