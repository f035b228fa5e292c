"""Named 2D tracks, as a rig exports its joints through a camera: JSON, or CSV.

JSON: {"format": "understudy.joint_tracks", "version": 1, "width": 1280, "height": 720, "first_frame": 1001,
"frames": 48, "y_up": false, "tracks": {"LeftForeArm": [[1001, 640.5, 312], ...], "left_wrist": ...}}. Rows are frame,
x, y and, if wanted, a score (1 otherwise); x and y are pixels of width x height. y_up counts y from the picture's
lower edge. first_frame and frames may be missing: then the tracks begin with their first row and end with their last.

CSV: a first line "frame,joint,x,y" or "frame,joint,x,y,score", then a line a place, in pixels of the clip, y downwards.

Joints go by the names of COCO-WholeBody or of Mixamo's and most BVH rigs, whose bones are where they begin; prefixes
("mixamorig:"), signs and capitals do not matter. A frame without a row of a joint does not show it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import PassMismatch, UnsupportedMedia
from ..media.limits import check_length
from ..types import FrameSize
from .documents import readable, stated_size
from .keypoints import POINTS, Keypoints
from .point_names import NAMES, is_unused, point_of

FORMAT = "understudy.joint_tracks"
VERSION = 1
COLUMNS = ["frame", "joint", "x", "y", "score"]
BODY_POINTS = 17
LEAST_BODY_POINTS = 6  # shoulders, elbows, wrists
NAMES_TOLD = 3

Rows = Sequence[Sequence[float]]  # frame, x, y, score


class _Span(NamedTuple):
    """Which of a rig's frames are the clip's."""

    first: int
    length: int


def parse_joint_tracks(document: Mapping[str, Any], name: str) -> Keypoints:
    """Keypoints from a parsed document. *name* stands in the messages.

    Raises:
        UnsupportedMedia: of another version, or without size or tracks. PassMismatch: names that are not known, too
        few body joints, rows that are none, two of a joint in a frame. MediaTooLarge: more frames than a clip has.
    """
    size, tracks = stated_size(document), document.get("tracks")
    if document.get("version") != VERSION or size is None or not isinstance(tracks, dict):
        raise UnsupportedMedia(
            f"{name} is not version {VERSION} of joint tracks, or lacks its width, height or tracks. Export it again."
        )
    rows = {
        joint: [_row(entry, joint) for entry in _entries(entries, joint)] for joint, entries in tracks.items()
    }
    keypoints = _keypoints(rows, _span(document, rows, name), size, name)
    if document.get("y_up") is True:
        known = keypoints.points[..., 2] > 0
        keypoints.points[known, 1] = size.height - keypoints.points[known, 1]
    return keypoints


def read_track_table(path: Path, size: FrameSize) -> Keypoints:
    """Keypoints from CSV, in pixels of a clip of *size*. Raises what `parse_joint_tracks` does, and MediaNotFound."""
    try:
        with readable(path).open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (ValueError, csv.Error) as error:
        raise UnsupportedMedia(f"{path.name} is not a CSV text. Export the file again.") from error
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    if header not in (COLUMNS, COLUMNS[:4]):
        raise UnsupportedMedia(
            f'{path.name} does not begin with the line "{",".join(COLUMNS[:4])}". Export it again.'
        )
    rows: dict[str, list[list[float]]] = {}
    for number, cells in enumerate(lines[1:], 2):
        if cells:
            joint, row = _table_row(cells, len(header), number, path.name)
            rows.setdefault(joint, []).append(row)
    return _keypoints(rows, _span({}, rows, path.name), size, path.name)


def write_joint_tracks(path: Path, keypoints: Keypoints, rate: Fraction | None = None) -> None:
    """Writes every point that is there, by its COCO-WholeBody name; CSV where *path* ends in .csv, else JSON."""
    tracks = {
        joint: [
            [frame, round(x, 2), round(y, 2), round(s, 3)]
            for frame, (x, y, s) in enumerate(keypoints.points[:, point].tolist())
            if s > 0
        ]
        for point, joint in enumerate(NAMES)
    }
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        if path.suffix.lower() == ".csv":
            lines = [(frame, joint, *rest) for joint, rows in tracks.items() for frame, *rest in rows]
            csv.writer(file).writerows([COLUMNS, *sorted(lines)])
        else:
            json.dump(_document(keypoints, rate) | {"tracks": tracks}, file, separators=(",", ":"))
    part.replace(path)


def _document(keypoints: Keypoints, rate: Fraction | None) -> dict[str, Any]:
    stated = {
        "format": FORMAT,
        "version": VERSION,
        "width": keypoints.size.width,
        "height": keypoints.size.height,
    }
    timed = {} if rate is None else {"rate": [rate.numerator, rate.denominator]}
    return stated | timed | {"first_frame": 0, "frames": len(keypoints)}


def _keypoints(rows: Mapping[str, Rows], span: _Span, size: FrameSize, name: str) -> Keypoints:
    points = np.zeros((span.length, POINTS, 3), np.float32)
    for joint, point in _points_of(rows, name).items():
        if not rows[joint]:
            continue
        table = np.array(rows[joint], np.float64)
        frames = table[:, 0].astype(np.int64) - span.first
        if frames.min() < 0 or frames.max() >= span.length or len(np.unique(frames)) < len(frames):
            raise PassMismatch(
                f"{joint} in {name} has {len(frames)} rows, from frame {int(table[:, 0].min())} to "
                f"{int(table[:, 0].max())}; each of the frames {span.first} to {span.first + span.length - 1} may have "
                "one. Export it again.",
                joint=joint,
            )
        with np.errstate(over="ignore"):  # becomes infinite, which Keypoints refuses
            points[frames, point] = table[:, 1:].astype(np.float32)
    return Keypoints(points, size)


def _points_of(rows: Mapping[str, Rows], name: str) -> dict[str, int]:
    """Which point each joint of the file is."""
    found = {joint: point_of(joint) for joint in rows if not is_unused(joint, rows)}
    strange = [joint for joint, point in found.items() if point is None]
    if strange:
        told = ", ".join(joint[:40] for joint in strange[:NAMES_TOLD])
        raise PassMismatch(
            f"{name} has {len(strange)} joints of unknown names ({told}{' ...' if strange[NAMES_TOLD:] else ''}). Name "
            "them as COCO-WholeBody or Mixamo does, or leave them out.",
            joints=len(strange),
        )
    known = {joint: point for joint, point in found.items() if point is not None}
    if len(set(known.values())) < len(known):
        twice = next(j for j, p in known.items() if list(known.values()).count(p) > 1)
        raise PassMismatch(f"{name} has {twice} twice, by two names. Leave one of them out.", joint=twice)
    body = sum(1 for joint, point in known.items() if point < BODY_POINTS and rows[joint])
    if body < LEAST_BODY_POINTS:
        raise PassMismatch(
            f"{name} has tracks of {body} body joints; at least {LEAST_BODY_POINTS} of {BODY_POINTS} are needed, such "
            "as shoulders, elbows and wrists. Export more joints.",
            points=body,
        )
    return known


def _span(document: Mapping[str, Any], rows: Mapping[str, Rows], name: str) -> _Span:
    """The stated frames, or those that have rows."""
    frames = [int(row[0]) for entries in rows.values() for row in entries]
    if not frames:
        raise PassMismatch(
            f"{name} has no row in any of {len(rows)} tracks. Export the clip's range.", frames=0
        )
    first = document.get("first_frame", min(frames))
    count = document.get("frames")
    if count is None and isinstance(first, int):
        count = max(frames) - first + 1
    if not (isinstance(first, int) and abs(first) < 1 << 31 and isinstance(count, int) and count > 0):
        raise UnsupportedMedia(f"{name} states first_frame or frames as no whole number. Export it again.")
    check_length(Path(name), count)
    return _Span(first, count)


def _entries(entries: Any, joint: str) -> Sequence[Any]:
    if not isinstance(entries, list):
        raise PassMismatch(f"The track of {joint[:40]} is not a list of rows frame, x, y. Export it again.")
    return entries


def _row(entry: Any, joint: str) -> list[float]:
    """frame, x, y, score from three or four numbers."""
    try:
        row = [float(value) for value in entry]
    except (TypeError, ValueError, OverflowError):
        row = []
    if (
        len(row) not in (3, 4)
        or not np.isfinite(row).all()
        or row[0] != int(row[0])
        or abs(row[0]) >= 1 << 31
    ):
        raise PassMismatch(
            f"A row of {joint[:40]} is not a whole frame, x, y and perhaps a score. Export it again.",
            joint=joint[:40],
        )
    return row if len(row) == 4 else [*row, 1.0]


def _table_row(cells: Sequence[str], columns: int, number: int, name: str) -> tuple[str, list[float]]:
    if len(cells) != columns:
        raise PassMismatch(
            f"Line {number} of {name} has {len(cells)} columns; the first line has {columns}. Export it again.",
            line=number,
            columns=len(cells),
        )
    return cells[1].strip(), _row([cells[0], *cells[2:]], f"line {number} of {name}")
