"""The published model from the Hugging Face hub: looked up, fetched where it broke off, and held against its hashes.

Everything lands in a hidden folder beside the model's own and moves there when what a model needs is whole, so that no
server takes a half of one for a model. HF_ENDPOINT names another hub, as for all programs of huggingface_hub.
"""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial as partly
from itertools import groupby
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from understudy_engine.errors import DiskFull, RequestError, WeightsMismatch, WeightsMissing
from understudy_engine.weights.hashes import (
    FileHash,
    file_hash,
    read_hashes,
    remember_hashes,
    remembered_hashes,
    write_hashes,
)
from understudy_engine.weights.release import FILES, NEEDED, ReleaseFile, Use

from .alone import alone
from .fetching import fetch, hub_library, reason, remedy
from .models import partial_folder

SPARE_BYTES = 1 << 30  # stays free on the disk
FETCHED = ".fetched"  # a folder for what is not whole yet
DEFAULT_USES = (Use.DETECTOR, Use.MODEL, Use.PROMPTS, Use.RELIGHTING, Use.POINTS, Use.MATTES)
"""In this order: a detector whose licence is Apache 2.0 comes first, since the release's own is under the AGPL."""


@dataclass(frozen=True, slots=True)
class Progress:
    file: str
    done_bytes: int  # of all files
    total_bytes: int


Tell = Callable[[Progress], None]


def look_up(uses: Collection[Use], files: Iterable[ReleaseFile] = FILES) -> list[ReleaseFile]:
    """The files for *uses* as the hub has them now: names, sizes, hashes and one revision each.

    Raises WeightsMissing if the hub does not answer or lacks one, WeightsMismatch if one is not what was published.
    """
    order = list(uses)
    wanted = sorted((file for file in files if file.use in uses), key=lambda file: order.index(file.use))
    found: list[ReleaseFile] = []
    for (repository, revision), group in groupby(wanted, lambda file: (file.repository, file.revision)):
        commit, known = _siblings(repository, revision)
        found += [each for file in group for each in _resolved(file, commit, known)]
    return found


def _siblings(repository: str, revision: str) -> tuple[str, dict[str, Any]]:
    hub, endpoint = hub_library()
    try:
        info = hub.HfApi(endpoint=endpoint).model_info(repository, revision=revision, files_metadata=True)
    except Exception as error:  # huggingface_hub's kinds, and those of the library below it, by version
        raise WeightsMissing(
            f"The hub did not tell what is in {repository} ({reason(error)}). {remedy(error)}",
            repository=repository,
        ) from error
    return info.sha or revision, {sibling.rfilename: sibling for sibling in info.siblings or []}


def _resolved(file: ReleaseFile, commit: str, known: Mapping[str, Any]) -> list[ReleaseFile]:
    names = fnmatch.filter(known, file.at_hub) if "*" in file.at_hub else [file.at_hub]
    if not names or any(name not in known for name in names):
        raise WeightsMissing(
            f"{file.repository} has no {file.at_hub} at {commit[:12]}. "
            "A newer version of Understudy may know where it went.",
            file=file.at_hub,
        )
    if outside := [name for name in names if _is_outside(name)]:
        raise WeightsMismatch(
            f"{file.repository} names a file outside of its folder, {outside[0]}: do not trust this hub. "
            "Nothing was fetched.",
            file=outside[0],
        )
    return [_one(file, name, commit, known[name]) for name in names]


def _is_outside(name: str) -> bool:
    return any(".." in path(name).parts or path(name).anchor for path in (PurePosixPath, PureWindowsPath))


def _one(file: ReleaseFile, name: str, commit: str, sibling: Any) -> ReleaseFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    size = int(sibling.size or 0)
    alone = "*" not in file.at_hub
    for told, published in ((sha256, file.sha256), (size, file.size_bytes)):
        if alone and told and published and told != published:
            raise WeightsMismatch(
                f"{name} at the hub is not the file that was published: expected {published}, found {told}. "
                "Nothing was fetched.",
                file=name,
            )
    return replace(
        file,
        name=file.name if alone else name,
        source=name,
        revision=commit,
        size_bytes=size,
        sha256=sha256 or (file.sha256 if alone else ""),
    )


def pull(folder: Path, files: list[ReleaseFile], tell: Tell = lambda _: None) -> bool:
    """Fetches what of *files* is not in *folder* yet; whether the model there is whole afterwards.

    Raises:
        DiskFull: before anything is fetched. WeightsMissing: it broke off; called again, it goes on there.
        WeightsMismatch: a file came that is not the hub's.
        RequestError: another command is on it, or the folder cannot be written.
    """
    folder = folder.resolve()  # of a link: what is fetched lies beside it, on the same disk
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder} is a file. Take it away: the model's folder belongs there.")
    with alone(folder):
        return _pulled(folder, files, tell)


def _pulled(folder: Path, files: list[ReleaseFile], tell: Tell) -> bool:
    partial = partial_folder(folder)
    partial.mkdir(exist_ok=True)
    known = {**_hashes(partial), **_hashes(folder)}
    looked = {file.name: _found(file, folder, partial, known) for file in files}
    there = {name: found for name, found in looked.items() if found}
    missing = [file for file in files if file.name not in there]
    hashes = {name: found for name, found in there.items() if (partial / name).is_file()}
    hashes = {**_hashes(partial), **hashes}  # also of what came whole just before a pull was killed
    _require_room(partial, missing)
    total = sum(file.size_bytes for file in files)
    done = total - sum(file.size_bytes for file in missing)
    for file in missing:
        hashes[file.name] = _fetched(file, partial, partly(_tell, tell, file.name, done, total))
        write_hashes(partial, hashes, hashes)
        done += file.size_bytes
    write_hashes(partial, hashes, hashes)
    tell(Progress("", done, total))
    return _settle(folder, partial, files, there)


def _tell(tell: Tell, name: str, before: int, total: int, here: int) -> None:
    tell(Progress(name, before + here, total))


def _hashes(folder: Path) -> dict[str, FileHash]:
    """Of the files that are there. A list that is damaged is made anew, from the hub's hashes."""
    try:
        return {name: found for name, found in read_hashes(folder).items() if (folder / name).is_file()}
    except WeightsMismatch:
        return {}


def _found(file: ReleaseFile, folder: Path, partial: Path, known: Mapping[str, FileHash]) -> FileHash | None:
    """A file of this name and size, and with the hub's hash; where the hub has none, as it was when it was fetched."""
    wanted = file.sha256 or (known[file.name].sha256 if file.name in known else "")
    for place in (folder, partial):
        path = place / file.name
        if wanted and path.is_file() and path.stat().st_size == file.size_bytes:
            found = remembered_hashes(place, [file.name])[file.name]
            if found.sha256 == wanted:
                return found
    return None


def _require_room(partial: Path, missing: list[ReleaseFile]) -> None:
    begun = sum(path.stat().st_size for path in (partial / FETCHED).rglob("*") if path.is_file())
    needed = max(0, sum(file.size_bytes for file in missing) - begun)
    free = shutil.disk_usage(partial).free
    if missing and free < needed + SPARE_BYTES:
        raise DiskFull(
            f"{len(missing)} files of {needed / 1e9:.1f} GB are to be fetched, and {partial.parent} has "
            f"{free / 1e9:.1f} GB free. Make room, or move the data folder (UNDERSTUDY_HOME).",
            needed_bytes=needed,
            free_bytes=free,
        )


def _fetched(file: ReleaseFile, partial: Path, tell: Callable[[int], None]) -> FileHash:
    """Into its place in *partial*, once its hash is known to be right."""
    begun = partial / FETCHED / f"{file.name}.{(file.sha256 or file.revision)[:12]}"
    fetch(file, begun, tell)
    found = file_hash(begun)
    if found.size_bytes != file.size_bytes or file.sha256 not in ("", found.sha256):
        begun.unlink()
        expected = file.sha256 or f"{file.size_bytes} bytes"
        raise WeightsMismatch(
            f"{file.name} arrived damaged: expected {expected}, found {found.sha256} of {found.size_bytes} bytes. It "
            "was deleted; pull again.",
            file=file.name,
        )
    target = partial / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    begun.replace(target)
    remember_hashes(partial, {file.name: found})
    return found


def _settle(folder: Path, partial: Path, files: list[ReleaseFile], there: Mapping[str, FileHash]) -> bool:
    """Moves what was fetched to *folder* if the model is whole with it."""
    if not folder.is_dir() and not {file.use for file in files}.issuperset(NEEDED):
        return False
    hashes = {**_hashes(folder), **there, **_hashes(partial)}
    shutil.rmtree(partial / FETCHED, ignore_errors=True)
    if folder.is_dir():
        for name in _hashes(partial):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).replace(folder / name)
        write_hashes(folder, hashes, hashes)
        shutil.rmtree(partial)
    else:
        partial.replace(folder)  # at once: no server sees a part of it
    remember_hashes(folder, hashes)
    return True
