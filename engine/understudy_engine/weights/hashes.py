"""Whether a folder of weights holds what was packed: every file against hashes.json. Needs no torch."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from ..errors import WeightsMismatch, WeightsMissing
from ..media.atomic import atomic_file

HASHES = "hashes.json"
FORMAT, VERSION = "understudy.weights", 1
TOLD = 3  # broken files in one sentence
REMEMBERED = ".hashed.json"
AT_ONCE = 4  # files that are hashed side by side


class FileHash(NamedTuple):
    sha256: str
    size_bytes: int


def file_hash(path: Path) -> FileHash:
    """Reads the file whole, about 2 GB a second."""
    with path.open("rb") as stream:
        return FileHash(hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size)


def remembered_hashes(folder: Path, names: Iterable[str]) -> dict[str, FileHash]:
    """What the files hold, read only if their size or time is not as when they were last read; those of 57 GB take
    half a minute. Remembered in the folder, if it can be written to."""
    known, found, fresh = _remembered(folder), dict[str, FileHash](), list[str]()
    for name in sorted(names):
        status = (folder / name).stat()
        size, mtime_ns, sha256 = known.get(name, (-1, -1, ""))
        if (size, mtime_ns) == (status.st_size, status.st_mtime_ns):
            found[name] = FileHash(sha256, size)
        else:
            fresh.append(name)
    if fresh:
        times = {name: (folder / name).stat().st_mtime_ns for name in fresh}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            hashed = zip(fresh, pool.map(file_hash, [folder / name for name in fresh]), strict=True)
            found |= dict(hashed)
        remember_hashes(folder, {name: found[name] for name in fresh}, times)
    return found


def remember_hashes(
    folder: Path, hashes: Mapping[str, FileHash], times_ns: Mapping[str, int] | None = None
) -> None:
    """Files that are known to hold this, at the times they had when they were read; now, if none are given."""
    times_ns = times_ns or {name: (folder / name).stat().st_mtime_ns for name in hashes}
    known = _remembered(folder)
    known |= {name: (found.size_bytes, times_ns[name], found.sha256) for name, found in hashes.items()}
    with contextlib.suppress(OSError):  # it only saves time
        (folder / REMEMBERED).write_text(json.dumps(known), "utf-8")


def _remembered(folder: Path) -> dict[str, tuple[int, int, str]]:
    try:
        found = json.loads((folder / REMEMBERED).read_text("utf-8"))
        return {name: (int(size), int(time), str(sha256)) for name, (size, time, sha256) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # it only saves time


def forget_hashes(folder: Path) -> bool:
    """The next look reads every file; False if the folder cannot be written, and remembers as before."""
    try:
        (folder / REMEMBERED).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def write_hashes(folder: Path, names: Iterable[str], known: Mapping[str, FileHash] | None = None) -> Path:
    """Writes down what the files called *names* hold now; *known* spares reading those."""
    known = known or {}
    hashes = {name: known.get(name) or file_hash(folder / name) for name in sorted(names)}
    files = {name: {"sha256": found.sha256, "bytes": found.size_bytes} for name, found in hashes.items()}
    document = {"format": FORMAT, "version": VERSION, "files": files}
    path = folder / HASHES
    with atomic_file(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())
    return path


def read_hashes(folder: Path) -> dict[str, FileHash]:
    """What the files of *folder* held when they were packed, by name; empty where nobody wrote it down.

    Raises WeightsMismatch if hashes.json is damaged or of a version that is not known here.
    """
    path = folder / HASHES
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text("utf-8"))
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError("another format")
        return {
            name: FileHash(str(file["sha256"]), int(file["bytes"]))
            for name, file in document["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsMismatch(
            f"{path} is damaged, or of another version than {VERSION}. Get the weights again.", file=str(path)
        ) from error


def check_hashes(
    folder: Path,
    remedy: str,
    names: Collection[str] | None = None,
    *,
    required: bool = False,
    remember: bool = False,
) -> dict[str, FileHash]:
    """What the files of *folder* hold, if that is what hashes.json says; *remedy* is what to do if it is not.

    *names*: only these of them. *required*: a folder without hashes.json has lost it. *remember*: files that look as
    when they were last read are not read again.

    Raises:
        WeightsMissing: a file is not there. WeightsMismatch: a file is not as it was. Both name the first such files.
    """
    if required and not (folder / HASHES).is_file():
        raise WeightsMissing(
            f"{HASHES} is missing from {folder}: nothing says what the weights there should be. {remedy}",
            file=str(folder / HASHES),
        )
    packed = {name: was for name, was in read_hashes(folder).items() if names is None or name in names}
    there = [name for name in packed if (folder / name).is_file()]
    now = remembered_hashes(folder, there) if remember else {name: file_hash(folder / name) for name in there}
    if faults := [fault for name, was in packed.items() if (fault := _fault(name, was, now.get(name)))]:
        kind = WeightsMismatch if all((folder / name).is_file() for name in packed) else WeightsMissing
        more = [f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else []
        told = "; ".join([*faults[:TOLD], *more])
        raise kind(f"Weights in {folder} are not as they were packed: {told}. {remedy}", faults=len(faults))
    return packed


def _fault(name: str, packed: FileHash, found: FileHash | None) -> str:
    """What is wrong with the file, or nothing."""
    expected = f"expected sha256 {packed.sha256}"
    if found is None:
        return f"{name} is missing ({expected}, {packed.size_bytes} bytes, found no file)"
    if found == packed:
        return ""
    if found.size_bytes < packed.size_bytes:
        done = f"is truncated to {found.size_bytes} of {packed.size_bytes} bytes"
    else:
        done = "is altered"
    return f"{name} {done} ({expected}, found {found.sha256})"
