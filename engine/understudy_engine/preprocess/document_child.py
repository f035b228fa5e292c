"""A process that reads one JSON file and ends: ``python -m understudy_engine.preprocess.document_child``.

Keypoints, corrections and face boxes are strangers' files like their clips. Numbers alone come back.
`keypoints_isolated`, `corrections_isolated` and `face_boxes_isolated` are the other end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptMedia
from ..media.errand import Answer, GetsOn, Lost, errand, serve
from ..media.limits import check_length
from ..media.wire import DecoderLimits, receive_array
from ..types import FrameSize
from .documents import MAX_SIDE_PX
from .face import Edges
from .face_boxes import read_face_boxes
from .keypoint_files import read_keypoints
from .keypoints import POINTS, Keypoints
from .motion.correction_files import MOST, read_corrections
from .motion.corrections import Correction, Corrections
from .sizing import Box

Result = TypeVar("Result")


def keypoints_isolated(path: Path, size: FrameSize, limits: DecoderLimits | None = None) -> Keypoints:
    """`read_keypoints` in a process of its own; the same errors, and CorruptMedia if the process is lost."""

    def take(answer: Answer, pipe: BinaryIO) -> Keypoints:
        frames = _frames(path, answer)
        return Keypoints(receive_array(pipe, np.float32, (frames, POINTS, 3)), _size(answer))

    return _read("keypoints", path, size, limits, take)


def corrections_isolated(path: Path, limits: DecoderLimits | None = None) -> Corrections:
    """`read_corrections` in a process of its own; the same errors, and CorruptMedia if the process is lost."""

    def take(answer: Answer, pipe: BinaryIO) -> Corrections:
        count, fade = int(answer["corrections"]), int(answer["fade_frames"])
        if not 0 <= count <= MOST:
            raise ValueError(f"{count} corrections")
        rows = receive_array(pipe, np.float64, (count, 4))
        items = tuple(Correction(int(frame), int(point), x, y) for frame, point, x, y in rows.tolist())
        return Corrections(items, _size(answer), fade)

    return _read("corrections", path, FrameSize(1, 1), limits, take)


def face_boxes_isolated(
    path: Path, size: FrameSize, limits: DecoderLimits | None = None
) -> list[Box | Edges | None]:
    """`read_face_boxes` in a process of its own; the same errors, and CorruptMedia if the process is lost."""

    def take(answer: Answer, pipe: BinaryIO) -> list[Box | Edges | None]:
        rows = receive_array(pipe, np.float64, (_frames(path, answer), 4))
        if not ((rows >= 0) & (rows <= [*size, *size])).all():
            raise ValueError("a box outside the frame")
        return [_box(row, bool(answer["between_pixels"])) for row in rows.tolist()]

    return _read("face_boxes", path, size, limits, take)


def _box(row: list[float], between_pixels: bool) -> Box | Edges | None:
    edges = Edges(*row)
    if edges.width <= 0 or edges.height <= 0:
        return None
    return edges if between_pixels else Box(*map(int, (*edges[:2], edges.width, edges.height)))


def _read(
    what: str,
    path: Path,
    size: FrameSize,
    limits: DecoderLimits | None,
    take: Callable[[Answer, BinaryIO], Result],
) -> Result:
    asked = {"what": what, "path": str(path.absolute()), "size": list(size)}
    try:
        return errand(f"{__package__}.document_child", asked, limits or DecoderLimits(), take=take)
    except Lost as error:
        raise CorruptMedia(
            f"{path.name} could not be read: reading it needed too much memory or time, or broke the reader. Export "
            "a shorter range, or export it again.",
            file=path.name,
        ) from error


def _frames(path: Path, answer: Answer) -> int:
    frames = int(answer["frames"])
    check_length(path, frames)
    return frames


def _size(answer: Answer) -> FrameSize:
    size = FrameSize(int(answer["width"]), int(answer["height"]))
    if not all(0 < side <= MAX_SIDE_PX for side in size):
        raise ValueError(f"points of {size}")
    return size


def _numbers(asked: Answer, _: GetsOn) -> tuple[Mapping[str, Any], Sequence[NDArray[Any]]]:
    path, size = Path(asked["path"]), FrameSize(*asked["size"])
    if asked["what"] == "keypoints":
        found = read_keypoints(path, size)
        facts = {"frames": len(found), "width": found.size.width, "height": found.size.height}
        return facts, [found.points]
    if asked["what"] == "corrections":
        read = read_corrections(path)
        facts = {"corrections": len(read.items), "fade_frames": read.fade_frames}
        items = np.array([(i.frame, i.point, i.x, i.y) for i in read.items], np.float64).reshape(-1, 4)
        return facts | {"width": read.size.width, "height": read.size.height}, [items]
    boxes = read_face_boxes(path, size)
    rows = np.array([_corners(box) for box in boxes], np.float64).reshape(-1, 4)
    return {"frames": len(boxes), "between_pixels": any(isinstance(box, Edges) for box in boxes)}, [rows]


def _corners(box: Box | Edges | None) -> tuple[float, ...]:
    match box:
        case Edges():
            return box
        case Box():
            return box.x, box.y, box.x + box.width, box.y + box.height
    return 0, 0, 0, 0


if __name__ == "__main__":
    serve(_numbers)
