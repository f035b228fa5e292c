"""The take that a retake starts from: its frames to pin and blend into, and those around the span, copied."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from understudy_api.v1 import job_pb2, result_pb2
from understudy_engine.errors import CorruptMedia
from understudy_engine.media.atomic import atomic_folder
from understudy_engine.media.cut import cut_layer
from understudy_engine.media.digest import picture_digest
from understudy_engine.media.read import open_stored
from understudy_engine.media.rgb import RgbSource
from understudy_engine.types import FrameRange, FrameSize, Layer, Mode, RgbFrames, SwapRequest

from ..convert import LAYERS, of_role
from ..errors import FramesGone
from ..storage import JobFolder, job_id
from .messages import Assignment
from .segments import MANIFEST, facts, pixel_hashes, segment_manifest, stored_message, whole_manifest


@dataclass(frozen=True, slots=True)
class Piece:
    """What is kept of one segment of the base."""

    segment: result_pb2.Segment  # the base's
    frames: FrameRange  # kept, counted from the start of the range

    @property
    def stored(self) -> FrameRange:
        """The frames kept, counted from the segment's first."""
        first = self.segment.frames.start
        return FrameRange(self.frames.start - first, self.frames.end - first)

    @property
    def whole(self) -> bool:
        return len(self.frames) == self.segment.frames.end - self.segment.frames.start


class BaseTake:
    def __init__(self, folder: JobFolder, segments: Sequence[result_pb2.Segment], span: FrameRange) -> None:
        self.folder = folder
        self._segments = segments
        self.before = _pieces(segments, FrameRange(0, span.start))
        self.behind = _pieces(segments, FrameRange(span.end, segments[-1].frames.end))

    @contextmanager
    def frames(self, request: SwapRequest) -> Iterator[list[StoredFrames]]:
        """All it generated of each role: the character layer holds that also where the matte let the plate through."""
        layer = Layer.CHARACTER if request.mode is Mode.REPLACE else Layer.RESULT
        with ExitStack() as stack:
            roles = range(1 + len(request.roles))
            yield [stack.enter_context(self._frames_of(of_role(layer, role))) for role in roles]

    def _frames_of(self, layer: str) -> StoredFrames:
        parts = [(segment.frames.end, self.folder.layer(segment.index, layer)) for segment in self._segments]
        if not all(path.exists() for _, path in parts):
            raise FramesGone(
                "The frames of the take to start from are no longer kept. Render the whole shot again."
            )
        return StoredFrames(parts)

    def copy(self, folder: JobFolder, piece: Piece, number: int, digest: str) -> result_pb2.Segment:
        """*piece* as segment *number* of the job in *folder*, of the plan with *digest*; done once.

        Files are linked where a segment is kept whole and the file system can do that.
        """
        target = folder.segment(number)
        manifest = whole_manifest(target, digest)
        if manifest is None:
            folder.segments.mkdir(parents=True, exist_ok=True)
            with atomic_folder(target) as aside:
                for stored in piece.segment.layers:
                    layer = _name(stored)
                    _copy(self.folder.layer(piece.segment.index, layer), aside / f"{layer}.mkv", piece)
                files = {file.name: facts(file) for file in sorted(aside.iterdir())}
                _check_unchanged(piece, files)
                manifest = {
                    "index": number,
                    "plan": digest,
                    "seed": piece.segment.seed,
                    **self._of_several(piece),
                    "files": files,
                    "pixels": self._pixels(piece, aside),
                }
                (aside / MANIFEST).write_text(json.dumps(manifest, indent=2), "utf-8")
        message = result_pb2.Segment(index=number)
        message.frames.start, message.frames.end = piece.frames.start, piece.frames.end
        return stored_message(message, manifest)

    def _of_several(self, piece: Piece) -> dict[str, Any]:
        """What the base's segment notes of several roles, of the frames kept."""
        stored = segment_manifest(self.folder, piece.segment.index)
        if "order" not in stored:
            return {}
        kept = piece.frames
        spans = [(max(start, kept.start), min(end, kept.end), order) for start, end, order in stored["order"]]
        return {"seeds": stored["seeds"], "order": [span for span in spans if span[0] < span[1]]}

    def _pixels(self, piece: Piece, aside: Path) -> dict[str, str]:
        if piece.whole:
            return pixel_hashes(self.folder, piece.segment.index)
        return {file.stem: picture_digest(file) for file in sorted(aside.glob("*.mkv"))}


def base_take(assignment: Assignment, folder: JobFolder) -> BaseTake | None:
    """What *assignment*, whose job is in *folder*, starts from; None if it is no retake."""
    if not assignment.retake:
        return None
    asked = job_pb2.RetakeSpec.FromString(assignment.retake)
    segments = [result_pb2.Segment.FromString(segment) for segment in assignment.base_segments]
    base = JobFolder(folder.path.with_name(job_id(asked.job)))
    return BaseTake(base, segments, FrameRange(asked.span.start, asked.span.end))


def _pieces(segments: Sequence[result_pb2.Segment], kept: FrameRange) -> list[Piece]:
    pieces = (
        Piece(segment, FrameRange(max(kept.start, segment.frames.start), min(kept.end, segment.frames.end)))
        for segment in segments
    )
    return [piece for piece in pieces if len(piece.frames)]


def _name(stored: result_pb2.StoredLayer) -> str:
    return of_role(LAYERS[stored.layer], stored.role)


def _copy(source: Path, out: Path, piece: Piece) -> None:
    if not piece.whole:
        cut_layer(source, out, piece.stored)
        return
    try:
        os.link(source, out)
    except OSError:  # exFAT and some shares know no links
        shutil.copyfile(source, out)


def _check_unchanged(piece: Piece, files: Mapping[str, Mapping[str, Any]]) -> None:
    """A damaged file must not become a part of the next take; of one that is cut, FFV1's own checksums tell."""
    for stored in piece.segment.layers:
        name = f"{_name(stored)}.mkv"
        if piece.whole and files[name]["sha256"] != stored.sha256:
            raise CorruptMedia(
                f"The stored segment {name} of the take to start from has changed on the disk. Render that take again."
            )


class StoredFrames:
    """A `FrameSource` over the files of a take's segments, of which one is open at a time."""

    def __init__(self, parts: Sequence[tuple[int, Path]]) -> None:
        """*parts*: each file, with the number of the frame behind its last."""
        self._parts = parts
        self._opened = ExitStack()
        self._path: Path | None = None
        self._source = self._open(parts[0][1])
        self.size: FrameSize = self._source.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def __len__(self) -> int:
        return self._parts[-1][0]

    def read(self, indices: Sequence[int]) -> RgbFrames:
        out = np.empty((len(indices), self.size.height, self.size.width, 3), np.uint8)
        for row, index in enumerate(indices):
            out[row] = self._frame(index)
        return out

    def _frame(self, index: int) -> RgbFrames:
        first = 0
        for end, path in self._parts:
            if first <= index < end:
                frame: RgbFrames = self._open(path).read([index - first])[0]
                return frame
            first = end
        raise IndexError(f"frame {index} of {len(self)}")

    def _open(self, path: Path) -> RgbSource:
        if path != self._path:
            self._opened.close()
            self._source = RgbSource(self._opened.enter_context(open_stored(path)))
            self._path = path
        return self._source
