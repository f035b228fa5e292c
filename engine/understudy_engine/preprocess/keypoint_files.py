"""Keypoints as files: Understudy's own pose.json, and what OpenPose, DWPose, MMPose and rigs write.

pose.json, version 1: {"format": "understudy.keypoints", "version": 1, "width": 1280, "height": 720,
"rate": [24, 1], "frames": [[[x, y, score], ... 133 points], ...]}. x and y are pixels of width x height; a
frame without a person is null; rate (frames a second as a fraction) may be missing.

Of several people in a frame the one who goes on from the frame before is followed, beginning with the surest.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PassMismatch, UnsupportedMedia
from ..types import FrameSize
from . import joint_tracks
from .documents import read_json, stated_size
from .keypoint_layouts import Person, Rows, from_coco, from_dwpose, from_openpose
from .keypoints import POINTS, Keypoints

FORMAT = "understudy.keypoints"
VERSION = 1
LARGEST_NORMALISED = 2.0  # no person is two pixels large: such places are fractions of the frame


def read_keypoints(path: Path, size: FrameSize) -> Keypoints:
    """Keypoints from a file, or a folder with one file a frame.

    *size* is the clip's; files that do not say what frame their pixels belong to are taken to mean it.

    Raises:
        MediaNotFound, MediaTooLarge, UnsupportedMedia (no keypoints in it), PassMismatch (the wrong number of
        points, or values that are no numbers).
    """
    if path.is_dir():
        files = sorted(path.glob("*.json"), key=_natural)
        if not files:
            raise UnsupportedMedia(f"The folder {path.name} has no .json file. Export one a frame into it.")
        return _from_frames([read_json(file) for file in files], size, path.name)
    if path.suffix.lower() == ".csv":
        return joint_tracks.read_track_table(path, size)
    return parse_keypoints(read_json(path), size, path.name)


def parse_keypoints(document: Any, size: FrameSize, name: str) -> Keypoints:
    """Keypoints from a parsed document. *name* stands in the messages."""
    if isinstance(document, dict):
        if document.get("format") == FORMAT:
            return _from_own(document, name)
        if document.get("format") == joint_tracks.FORMAT:
            return joint_tracks.parse_joint_tracks(document, name)
        if isinstance(document.get("instance_info"), list):
            return _from_frames(document["instance_info"], size, name)
        if isinstance(document.get("frames"), list):
            return _from_frames(document["frames"], stated_size(document) or size, name)
        return _from_frames([document], size, name)
    if isinstance(document, list) and document:
        grouped = _by_image(document) if _is_coco(document[0]) else document
        return _from_frames(grouped, size, name)
    raise _unknown(name)


def write_keypoints(
    path: Path, keypoints: Keypoints, rate: Fraction | None = None, *, exact: bool = False
) -> None:
    """Writes pose.json: places to 0.01 pixel, scores to 0.001, or *exact*, so that all come back to the bit.

    The file appears whole or not at all.
    """
    if exact:  # the fewest digits that mean the same float32
        frames = keypoints.points.astype(str).astype(float).tolist()
    else:
        frames = [
            [[round(x, 2), round(y, 2), round(s, 3)] for x, y, s in f] for f in keypoints.points.tolist()
        ]
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "width": keypoints.size.width,
        "height": keypoints.size.height,
    }
    if rate is not None:
        document["rate"] = [rate.numerator, rate.denominator]
    document["frames"] = frames
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    part.replace(path)


def _from_own(document: Mapping[str, Any], name: str) -> Keypoints:
    if document.get("version") != VERSION:
        raise UnsupportedMedia(
            f"{name} is version {document.get('version')} of Understudy's keypoints; this Understudy reads "
            f"version {VERSION}. Update Understudy, or export the file again."
        )
    size, frames = stated_size(document), document.get("frames")
    if size is None or not isinstance(frames, list):
        raise UnsupportedMedia(f"{name} lacks its width, height or frames. Export the file again.")
    return Keypoints(_stacked([_own_frame(frame, index) for index, frame in enumerate(frames)], name), size)


def _own_frame(frame: Any, index: int) -> Rows:
    count = 0 if frame is None else len(frame) if isinstance(frame, list) else 1
    if count not in (0, POINTS):
        raise PassMismatch(
            f"Frame {index} of the keypoints has {count} points; whole-body keypoints have {POINTS}. "
            "Export COCO-WholeBody keypoints.",
            frame=index,
            points=count,
        )
    try:
        rows = np.array(frame, np.float64) if count else np.zeros((POINTS, 3))
    except (TypeError, ValueError, OverflowError):
        rows = np.zeros(0)
    if rows.shape != (POINTS, 3):
        raise PassMismatch(
            f"The points of frame {index} of the keypoints are not all x, y, score. Export the file again.",
            frame=index,
        )
    return rows


def _from_frames(frames: Sequence[Any], size: FrameSize, name: str) -> Keypoints:
    """Frames in another tool's layout."""
    followed: list[Rows] = []
    for index, frame in enumerate(frames):
        people = _people(frame, index, name)
        followed.append(_follow(people, followed[-1] if followed else None))
    size = next((found for found in map(stated_size, frames) if found), size)
    points = _stacked(followed, name)
    known = points[points[..., 2] > 0][:, :2]
    if len(known) and np.abs(known).max() <= LARGEST_NORMALISED:
        points[..., :2] *= np.array(size, np.float32)
    return Keypoints(points, size)


def _people(frame: Any, index: int, name: str) -> list[Rows]:
    """Everyone in one frame."""
    if frame is None:
        return []
    if isinstance(frame, dict):
        if isinstance(frame.get("people"), list):
            return [from_openpose(person, index) for person in _mappings(frame["people"], name)]
        if isinstance(frame.get("bodies"), dict):
            return from_dwpose(frame, index)
        if isinstance(frame.get("instances"), list):
            return [from_coco(person, index) for person in _mappings(frame["instances"], name)]
        if _is_coco(frame):
            return [from_coco(frame, index)]
    if isinstance(frame, list):  # bare rows of 133 points
        person = Person(index)
        person.body(frame)
        return [person.points]
    raise _unknown(name)


def _mappings(people: Iterable[Any], name: str) -> list[Mapping[str, Any]]:
    result = list(people)
    if not all(isinstance(person, dict) for person in result):
        raise _unknown(name)
    return result


def _follow(people: Sequence[Rows], before: Rows | None) -> Rows:
    """The one of *people* who goes on from *before*; the surest one at the beginning."""
    if not people:
        return np.zeros((POINTS, 3))
    if before is None or not (before[:, 2] > 0).any():
        return max(people, key=lambda person: float(person[:, 2].sum()))
    return min(people, key=lambda person: _distance(person, before))


def _distance(a: Rows, b: Rows) -> float:
    common = (a[:, 2] > 0) & (b[:, 2] > 0)
    if not common.any():
        return float("inf")
    return float(np.hypot(*(a[common, :2] - b[common, :2]).T).mean())


def _is_coco(entry: Any) -> bool:
    return isinstance(entry, dict) and "keypoints" in entry


def _by_image(results: Sequence[Any]) -> list[Any]:
    """COCO results, one a person, grouped into frames by image_id; numbers that are skipped had no person."""
    groups: defaultdict[Any, list[Any]] = defaultdict(list)
    for position, entry in enumerate(results):
        image = entry.get("image_id", position) if isinstance(entry, dict) else position
        groups[image if isinstance(image, int) else str(image)].append(entry)
    if all(isinstance(key, int) for key in groups) and max(groups) - min(groups) < 2 * len(results) + 1:
        keys: Iterable[Any] = range(min(groups), max(groups) + 1)
    else:
        keys = sorted(groups, key=_natural)
    return [{"instances": groups.get(key, [])} for key in keys]


def _stacked(frames: Sequence[Rows], name: str) -> Any:
    if not frames:
        raise PassMismatch(f"{name} has no frame. Export the clip's range again.", frames=0)
    with np.errstate(over="ignore"):  # becomes infinite, which Keypoints refuses by frame and point
        return np.stack(frames).astype(np.float32)


def _natural(key: Any) -> list[tuple[bool, int, str]]:
    """Sorts frame_10 behind frame_9."""
    return [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in re.split(r"(\d+)", str(key))]


def _unknown(name: str) -> UnsupportedMedia:
    return UnsupportedMedia(
        f"{name} holds no keypoints that are known here. Supply Understudy's pose.json, COCO-WholeBody "
        "results, OpenPose or DWPose JSON, or joint tracks."
    )
