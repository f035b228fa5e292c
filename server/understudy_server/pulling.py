"""The published model from the Hugging Face hub: looked up, fetched where it broke off, and held against its hashes.

Everything lands in a hidden folder beside the model's own and moves there when what a model needs is whole, so that no
server takes a half of one for a model. HF_ENDPOINT names another hub, as for all programs of huggingface_hub.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from understudy_engine.errors import DiskFull, WeightsMismatch, WeightsMissing
from understudy_engine.weights.hashes import (
    FileHash,
    read_hashes,
    remember_hashes,
    remembered_hashes,
    write_hashes,
)
from understudy_engine.weights.release import FILES, NEEDED, ReleaseFile, Use

POLL_S = 0.25
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


def _hub() -> tuple[Any, str | None]:
    """huggingface_hub, and the hub to ask if it is not the usual one."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when it is imported
    import huggingface_hub

    return huggingface_hub, os.environ.get("HF_ENDPOINT")


def _siblings(repository: str, revision: str) -> tuple[str, dict[str, Any]]:
    hub, endpoint = _hub()
    try:
        info = hub.HfApi(endpoint=endpoint).model_info(repository, revision=revision, files_metadata=True)
    except Exception as error:  # huggingface_hub's kinds, and those of the library below it, by version
        raise WeightsMissing(
            f"The hub did not tell what is in {repository} ({_reason(error)}). "
            "Check the network, or HF_ENDPOINT if you use another hub, and try again.",
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
    return [_one(file, name, commit, known[name]) for name in names]


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
    """
    partial = folder.with_name(f".{folder.name}.pulling")
    known = {**_hashes(partial), **_hashes(folder)}
    missing = [file for file in files if not _is_there(file, folder, partial, known)]
    partial.mkdir(parents=True, exist_ok=True)
    _require_room(partial, missing)
    total = sum(file.size_bytes for file in files)
    done = total - sum(file.size_bytes for file in missing)
    for file in missing:
        _fetch(file, partial, done, total, tell)
        hashes = {**_hashes(partial), file.name: _checked(file, partial)}
        write_hashes(partial, hashes, hashes)
        done += file.size_bytes
    tell(Progress("", done, total))
    return _settle(folder, partial, files)


def _hashes(folder: Path) -> dict[str, FileHash]:
    return {name: found for name, found in read_hashes(folder).items() if (folder / name).is_file()}


def _is_there(file: ReleaseFile, folder: Path, partial: Path, known: Mapping[str, FileHash]) -> bool:
    """A file of this name and size, whose hash is the hub's as far as it has one."""
    for place in (folder, partial):
        path = place / file.name
        if path.is_file() and path.stat().st_size == file.size_bytes:
            if not file.sha256:
                return file.name in known
            found = known.get(file.name) or remembered_hashes(place, [file.name])[file.name]
            return found.sha256 == file.sha256
    return False


def _require_room(partial: Path, missing: list[ReleaseFile]) -> None:
    begun = sum(path.stat().st_size for path in (partial / FETCHED).rglob("*") if path.is_file())
    needed = sum(file.size_bytes for file in missing) - begun
    free = shutil.disk_usage(partial).free
    if missing and free < needed + SPARE_BYTES:
        raise DiskFull(
            f"{len(missing)} files of {needed / 1e9:.1f} GB are to be fetched, and {partial.parent} has "
            f"{free / 1e9:.1f} GB free. Make room, or move the data folder (UNDERSTUDY_HOME).",
            needed_bytes=needed,
            free_bytes=free,
        )


def _fetch(file: ReleaseFile, partial: Path, before: int, total: int, tell: Tell) -> None:
    """Into its place in *partial*; what a call before this one began is gone on with."""
    begun = partial / FETCHED / f"{file.name}.{(file.sha256 or file.revision)[:12]}"
    begun.parent.mkdir(parents=True, exist_ok=True)
    failed: list[BaseException] = []
    fetching = threading.Thread(target=_download, args=(file, begun, failed), daemon=True)
    fetching.start()
    while fetching.is_alive():  # Ctrl-C is heard here, and the thread ends with the process
        fetching.join(POLL_S)
        tell(Progress(file.name, before + min(_size(begun), file.size_bytes), total))
    if failed:
        raise _told(file, failed[0], _size(begun)) from failed[0]
    target = partial / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    begun.replace(target)


def _download(file: ReleaseFile, begun: Path, failed: list[BaseException]) -> None:
    """Appends what *begun* lacks. hf_hub_download would begin anew: it keeps nothing of what broke off."""
    hub, endpoint = _hub()
    from huggingface_hub.file_download import http_get

    try:
        url = hub.hf_hub_url(file.repository, file.at_hub, revision=file.revision, endpoint=endpoint)
        with begun.open("ab") as stream:
            if stream.tell() > file.size_bytes:
                stream.truncate(0)
            http_get(
                url,
                stream,
                resume_size=stream.tell(),
                headers=hub.utils.build_hf_headers(),
                expected_size=file.size_bytes,
            )
    except BaseException as error:  # told by the thread that waits
        failed.append(error)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _told(file: ReleaseFile, error: BaseException, here: int) -> Exception:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"The disk is full: {file.name} could not be written. Make room, then pull again.")
    return WeightsMissing(
        f"{file.name} broke off at {here / 1e9:.2f} of {file.size_bytes / 1e9:.2f} GB ({_reason(error)}). What is "
        "here is kept: run the same command again to go on.",
        file=file.name,
    )


def _reason(error: BaseException) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return f"HTTP {status}"
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__


def _checked(file: ReleaseFile, partial: Path) -> FileHash:
    found = remembered_hashes(partial, [file.name])[file.name]
    if found.size_bytes == file.size_bytes and file.sha256 in ("", found.sha256):
        return found
    (partial / file.name).unlink()
    expected = file.sha256 or f"{file.size_bytes} bytes"
    raise WeightsMismatch(
        f"{file.name} arrived damaged: expected {expected}, found {found.sha256} of {found.size_bytes} bytes. It was "
        "deleted; pull again.",
        file=file.name,
    )


def _settle(folder: Path, partial: Path, files: list[ReleaseFile]) -> bool:
    """Moves what was fetched to *folder* if the model is whole with it."""
    if not folder.is_dir() and not {file.use for file in files}.issuperset(NEEDED):
        return False
    hashes = {**_hashes(folder), **_hashes(partial)}
    shutil.rmtree(partial / FETCHED, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _hashes(partial):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).replace(folder / name)
    write_hashes(folder, hashes, hashes)
    remember_hashes(folder, hashes)
    shutil.rmtree(partial)
    return True
