"""One file from the Hugging Face hub: gone on with where it broke off, and in words why it did."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from understudy_engine.errors import WeightsMissing
from understudy_engine.weights.release import ReleaseFile

from .alone import FULL, disk_full

POLL_S = 0.25
RETRY_S = (1.0, 5.0, 20.0)  # after what passes by itself
PASSING = (408, 429, 500, 502, 503, 504)  # HTTP's numbers for it


def hub_library() -> tuple[Any, str | None]:
    """huggingface_hub, and the hub to ask if it is not the usual one."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # read when it is imported
    import huggingface_hub

    return huggingface_hub, os.environ.get("HF_ENDPOINT")


def fetch(file: ReleaseFile, begun: Path, tell: Callable[[int], None]) -> None:
    """*file* into *begun*, with how many bytes are there told on the way; what an earlier call began is gone on with.

    Raises DiskFull or WeightsMissing; what has come so far stays.
    """
    begun.parent.mkdir(parents=True, exist_ok=True)
    failed: list[BaseException] = []
    fetching = threading.Thread(target=_download, args=(file, begun, failed), daemon=True)
    fetching.start()
    while fetching.is_alive():  # Ctrl-C is heard here, and the thread ends with the process
        fetching.join(POLL_S)
        tell(min(_size(begun), file.size_bytes))
    if failed:
        raise _told(file, failed[0], _size(begun)) from failed[0]


def _download(file: ReleaseFile, begun: Path, failed: list[BaseException]) -> None:
    """Again after what passes by itself."""
    for wait_s in (*RETRY_S, None):
        try:
            with begun.open("ab") as stream:
                _append(file, stream)
            break
        except BaseException as error:  # told by the thread that waits
            if wait_s is None or _status(error) not in PASSING:
                failed.append(error)
                break
            time.sleep(wait_s)


def _append(file: ReleaseFile, stream: BinaryIO) -> None:
    """What *stream* lacks. hf_hub_download would begin anew: it keeps nothing of what broke off."""
    hub, endpoint = hub_library()
    from huggingface_hub.file_download import http_get

    if stream.tell() > file.size_bytes:  # no beginning of this file
        _cut(stream, 0)
    start, headers = stream.tell(), hub.utils.build_hf_headers()
    url = hub.hf_hub_url(file.repository, file.at_hub, revision=file.revision, endpoint=endpoint)
    try:
        http_get(url, stream, resume_size=start, headers=headers, expected_size=file.size_bytes)
    except OSError as error:
        if error.errno is None and not _status(
            error
        ):  # it came whole and was something else: a page to sign in, say
            _cut(stream, start if stream.tell() >= start else 0)
        raise


def _cut(stream: BinaryIO, size: int) -> None:
    stream.truncate(size)
    stream.seek(size)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _told(file: ReleaseFile, error: BaseException, here: int) -> Exception:
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_full(file.name, error)
    return WeightsMissing(
        f"{file.name} broke off at {here / 1e9:.2f} of {file.size_bytes / 1e9:.2f} GB ({reason(error)}). "
        f"{remedy(error)} What is here is kept: run the same command again to go on.",
        file=file.name,
    )


def _status(error: BaseException) -> int:
    """The hub's number for it; 0 if it did not answer."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def remedy(error: BaseException) -> str:
    match _status(error):
        case 401 | 403:
            return "Sign in at the hub, accept the model's terms there, and set HF_TOKEN to a token of yours."
        case 404:
            return "A newer version of Understudy may know where it went; HF_ENDPOINT names another hub."
        case 429:
            return "That was too often: wait some minutes, or set HF_TOKEN to a token of yours."
        case status if status >= 500:
            return "The hub has trouble: try again later."
    if type(error).__name__ == "OfflineModeIsEnabled":
        return "HF_HUB_OFFLINE is set: unset it to pull."
    return "Check the network, HTTPS_PROXY if you need one, or HF_ENDPOINT if you use another hub, and try again."


def reason(error: BaseException) -> str:
    if status := _status(error):
        return f"HTTP {status}"
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__
