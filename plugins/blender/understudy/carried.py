# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes that a strip carries: made in Blender for just this strip, and used by its next job.

They stand in the strip's custom properties, so that they are copied, split, undone and saved with it: the file, and
which of the strip's content frames it shows.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import png_movie
from .preferences import frames_folder
from .ranges import ClipRange, Refusal, Timing
from .rig import keypoint_file
from .timeline.strips import blend_path

NAMES = ("keypoints", "face_boxes", "matte", "garbage", "keep")
KEY = "understudy_pass_"


@dataclass(frozen=True, slots=True)
class Carried:
    path: Path
    frames: ClipRange  # content frames of the strip, see `content_shown`


def new_folder() -> Path:
    """For files that are about to be made; jobs may still read those that were made before."""
    folder = frames_folder() / "passes" / uuid.uuid4().hex[:12]
    folder.mkdir(parents=True)
    return folder


def carry(strip: Any, name: str, path: Path, frames: ClipRange) -> None:
    """From now on *strip* carries the pass *name*."""
    strip[KEY + name] = blend_path(path)
    strip[f"{KEY}{name}_frames"] = list(frames)


def drop(strip: Any, name: str) -> None:
    for key in (KEY + name, f"{KEY}{name}_frames"):
        if key in strip:
            del strip[key]


def passes_of(strip: Any) -> dict[str, Carried]:
    """What *strip* carries, by the names of PassInputs."""
    return {
        name: Carried(
            Path(bpy.path.abspath(strip[KEY + name])), ClipRange(*map(int, strip[f"{KEY}{name}_frames"]))
        )
        for name in NAMES
        if KEY + name in strip
    }


def content_shown(timing: Timing) -> ClipRange:
    """What a strip shows, counted from where its content begins untrimmed: the clip's own frames where it plays them
    one after the other, and otherwise timeline frames."""
    start = timing.left_handle - timing.content_start + timing.content_trim_start
    return ClipRange(start, start + timing.duration)


def fitting(carried: Mapping[str, Carried], wanted: ClipRange) -> dict[str, Path]:
    """Files of just the frames *wanted*: cut ones where the strip has become shorter since.

    Raises:
        Refusal: a file is missing, or does not show all of *wanted*.
    """
    return {name: _fitting(name, each, wanted) for name, each in carried.items()}


def _fitting(name: str, carried: Carried, wanted: ClipRange) -> Path:
    title = name.replace("_", " ").capitalize()
    if not carried.path.is_file():
        raise Refusal(
            f"{title} of this strip are missing in {carried.path}. Make them again, or take them off the strip."
        )
    if carried.frames == wanted:
        return carried.path
    start, end = wanted.start - carried.frames.start, wanted.end - carried.frames.start
    if start < 0 or wanted.end > carried.frames.end:
        raise Refusal(
            f"{title} of this strip were made for its frames {carried.frames.start} to {carried.frames.end - 1}, and "
            f"frames {wanted.start} to {wanted.end - 1} are wanted. Make them again."
        )
    return _cut(carried.path, start, end)


def _cut(path: Path, start: int, end: int) -> Path:
    if path.suffix not in (".json", ".avi"):  # a movie of the server's
        raise Refusal(
            f"{path.name} was made for more frames than the strip shows now. Press Correct again, and send."
        )
    made = path.with_stem(f"{path.stem}_{start}_{end}")
    if not made.is_file():
        if path.suffix == ".json":
            keypoint_file.cut(path, start, end, made)
        else:
            png_movie.cut(path, start, end, made)
    return made


def discard(folder: Path) -> None:
    """What was being made is not wanted any more."""
    shutil.rmtree(folder, ignore_errors=True)
