"""What a clip holds, told by hashes: read whole, or remembered while the files look unchanged."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from ..errors import EngineError
from ..media.atomic import atomic_file
from ..weights.hashes import file_hash

SETTLED_S = 2.0  # a file changed since then may change once more without looking it


def content_sha256(clip: Path) -> str:
    """Of a file, or of a folder's pictures with their names. Reads all of it, about 2 GB a second."""
    if clip.is_file():
        return file_hash(clip).sha256
    digest = hashlib.sha256()
    for file in sorted(path for path in clip.iterdir() if path.is_file()):
        digest.update(f"{file_hash(file).sha256}  {file.name}\n".encode())
    return digest.hexdigest()


def is_remembered(clip: Path, folder: Path) -> bool:
    """Whether `remembered_sha256` need not read it."""
    return _kept_in(folder, _looks(clip)[0]).exists()


def remembered_sha256(clip: Path, folder: Path) -> str:
    """`content_sha256`, kept in *folder* for as long as names, sizes and times of the files stay as they are."""
    looks, changed = _looks(clip)
    known = _kept_in(folder, looks)
    with suppress(OSError):
        return known.read_text("ascii")
    sha256 = content_sha256(clip)
    if time.time() - changed > SETTLED_S and _looks(clip)[0] == looks:
        with suppress(OSError, EngineError):  # it is read again the next time
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_file(known) as file:
                file.write(sha256.encode())
    return sha256


def _kept_in(folder: Path, looks: str) -> Path:
    return folder / f"clip-{hashlib.sha256(looks.encode()).hexdigest()[:32]}"


def _looks(clip: Path) -> tuple[str, float]:
    """All that is seen of a clip without reading it, and when it was last changed."""
    files = [clip] if clip.is_file() else sorted(path for path in clip.iterdir() if path.is_file())
    facts = [(str(file), file.stat()) for file in files]
    told = [(name, fact.st_size, fact.st_mtime_ns, fact.st_ino) for name, fact in facts]
    return repr(told), max((fact.st_mtime for _, fact in facts), default=0.0)
