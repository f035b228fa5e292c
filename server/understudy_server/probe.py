"""A process that looks into one file and ends: ``python -m understudy_server.probe PATH KIND NAME LIMITS``.

Media are the one thing the server opens that strangers made, so they are opened here, where a bomb or a broken reader
can harm nobody. Writes a MediaAsset to standard output (exit 0), or a Status (exit 1); any other end means that the
reader did not survive. NAME is what the file is called in messages.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import BinaryIO

from understudy_api.v1 import media_pb2
from understudy_engine.errors import CorruptMedia, EngineError, MediaTooLarge, UnsupportedMedia
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.read import probe

from .convert import media_probe
from .questions import answer
from .settings import Limits
from .words import KIND_WORDS, Kind

KEYPOINTS_LIMIT_BYTES = 512 << 20


def look_into(path: Path, kind: Kind, limits: Limits) -> media_pb2.MediaAsset:
    """Raises MediaError: what *path* is not, or why it cannot be used."""
    if _is_json(path):
        found = media_pb2.MediaAsset(kind=media_pb2.MEDIA_KIND_KEYPOINTS)
    else:
        info = probe(path)
        _check_size(info, limits)
        found = media_pb2.MediaAsset(kind=_kind_of(path, info), probe=media_probe(info))
    if kind not in (media_pb2.MEDIA_KIND_UNSPECIFIED, found.kind):
        raise UnsupportedMedia(
            f"'{path.name}' is {KIND_WORDS[found.kind]}, not {KIND_WORDS[kind]}. Choose another file.",
            file=path.name,
            found=media_pb2.MediaKind.Name(found.kind),
        )
    return found


def _is_json(path: Path) -> bool:
    """Whether *path* is a JSON file, or a folder with some; raises CorruptMedia for one that breaks off."""
    if path.is_dir():
        return any(file.suffix.lower() == ".json" for file in path.iterdir())
    with path.open("rb") as file:
        if file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
            return False
    if path.stat().st_size > KEYPOINTS_LIMIT_BYTES:
        raise MediaTooLarge(
            f"'{path.name}' is larger than {KEYPOINTS_LIMIT_BYTES >> 20} MiB.", file=path.name
        )
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CorruptMedia(
            f"'{path.name}' is no whole JSON ({error}). Export it again.", file=path.name
        ) from None
    return True


def _kind_of(path: Path, info: ClipInfo) -> Kind:
    if path.is_dir():
        return media_pb2.MEDIA_KIND_IMAGE_SEQUENCE
    return media_pb2.MEDIA_KIND_IMAGE if info.rate is None else media_pb2.MEDIA_KIND_VIDEO


def _check_size(info: ClipInfo, limits: Limits) -> None:
    pixels = info.size.width * info.size.height
    if pixels > limits.max_frame_pixels:
        raise MediaTooLarge(
            f"'{info.path.name}' is {info.size.width}x{info.size.height}, {pixels} pixels a frame; the limit is "
            f"{limits.max_frame_pixels}. Make it smaller first.",
            file=info.path.name,
            pixels=pixels,
            limit=limits.max_frame_pixels,
        )
    if info.frame_count > limits.max_clip_frames:
        raise MediaTooLarge(
            f"'{info.path.name}' has {info.frame_count} frames; the limit is {limits.max_clip_frames}. Cut it shorter.",
            file=info.path.name,
            frames=info.frame_count,
            limit=limits.max_clip_frames,
        )


def _renamed(error: EngineError, name: str, shown_as: str) -> EngineError:
    """*error* with a file's name, which for uploads is of the server's making, as the artist knows it."""
    facts = {
        key: value.replace(name, shown_as) if isinstance(value, str) else value
        for key, value in error.facts.items()
    }
    return type(error)(error.message.replace(name, shown_as), **facts)


def main() -> int:
    path, kind, shown_as = Path(sys.argv[1]), media_pb2.MediaKind.ValueType(int(sys.argv[2])), sys.argv[3]
    limits = Limits.model_validate_json(sys.argv[4])

    def found(_: BinaryIO) -> bytes:
        try:
            return look_into(path, kind, limits).SerializeToString()
        except EngineError as error:
            raise _renamed(error, path.name, shown_as) from None

    return answer(limits, found)


if __name__ == "__main__":
    sys.exit(main())
