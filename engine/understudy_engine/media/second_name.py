"""A file under a second name, at once and without its bytes twice where the file system can do that."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def second_name(file: Path, name: Path) -> None:
    """*name* becomes *file* as well: a hard link, or a copy on another disk, on exFAT and on some shares."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
