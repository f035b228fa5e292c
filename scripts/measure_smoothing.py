"""Measures what smoothing does to the pose net's points and to face crops, on the studio's clips and on made-up waves.

    python scripts/measure_smoothing.py --clips 16 --frames 49

The pose net sees the detector's box that meets the driver best: following people is measured elsewhere. Seeds are such
that no net learnt from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import numpy as np
import torch
from numpy.typing import NDArray

from understudy_engine.preprocess.detect import Person
from understudy_engine.preprocess.face import Edges, face_box, face_edges
from understudy_engine.preprocess.keypoints import FACE
from understudy_engine.preprocess.motion.faces import face_track
from understudy_engine.preprocess.motion.smooth import PARTS, smooth
from understudy_engine.preprocess.nets import NetFolder, Nets
from understudy_engine.preprocess.perceive import SURE_PEAK
from understudy_engine.training.measure.people import person_height
from understudy_engine.training.nets.points import visible
from understudy_engine.training.studio.clips import ClipBatch, render_clips
from understudy_engine.types import FrameSize

FIRST_SEED = 500_320  # strengths were chosen on the 16 before
RATE = Fraction(24)
SIZE = FrameSize(256, 256)
LEAST_PX = 300  # of the driver in each frame
LEAST_IOU = 0.4
NOISE_PX, WAVE_PX = 1.5, 60
WANTED = frozenset(("plate", "people_mattes", "keypoints"))

Floats = NDArray[np.floating[Any]]


class Clip(NamedTuple):
    found: Floats  # (T, 133, 3)
    truth: Floats  # (T, 133, 3)
    seen: NDArray[np.bool_]  # (T, 133)
    height_px: float


def looked_at(batch: ClipBatch, nets: Nets) -> Clip | None:
    """The driver of a batch of one; None if too little of them is to be seen."""
    matte, truth = batch.people_mattes[0, 0], batch.keypoints[0, 0]
    if int((matte >= 128).sum(dim=(1, 2)).min()) < LEAST_PX:
        return None
    plate = np.ascontiguousarray(batch.plate[0].permute(0, 2, 3, 1).numpy())
    found = [_found(nets, rgb, mask.numpy() >= 128) for rgb, mask in zip(plate, matte, strict=True)]
    return Clip(np.stack(found), truth.numpy(), visible(truth, matte).numpy(), person_height(truth))


def _found(nets: Nets, rgb: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Floats:
    rows, columns = np.nonzero(mask)
    box = Person(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 1.0)
    people = [person for person in nets.detector.find(rgb) if _iou(person, box) > LEAST_IOU]
    if not people:
        return np.zeros((133, 3), np.float32)
    points = nets.pose.find(rgb, max(people, key=lambda person: _iou(person, box))).astype(np.float32)
    points[:, 2] = (points[:, 2] / SURE_PEAK).clip(0, 1)
    return points


def _iou(a: Person, b: Person) -> float:
    across = max(0.0, min(a.x1, b.x1) - max(a.x0, b.x0))
    down = max(0.0, min(a.y1, b.y1) - max(a.y0, b.y0))
    return across * down / (a.area + b.area - across * down)


def compared(tracks: Floats, truth: Floats, counts: NDArray[np.bool_]) -> list[float]:
    """Error, how much it changes from frame to frame, and how much that change changes: means of (T, N, 2), pixels."""
    off, figures = tracks - truth, []
    for _ in range(3):
        figures.append(float(np.hypot(*np.moveaxis(off, -1, 0))[counts].mean()) if counts.any() else np.nan)
        off, counts = np.diff(off, axis=0), counts[1:] & counts[:-1]
    return figures


def print_points(clips: Sequence[Clip]) -> None:
    for name, part in PARTS:
        rows = []
        for clip in clips:
            counts = (clip.seen & (clip.found[..., 2] >= 0.5))[:, part]
            smoothed = smooth(clip.found, RATE).points
            truth = clip.truth[:, part, :2]
            both = [compared(points[:, part, :2], truth, counts) for points in (clip.found, smoothed)]
            rows.append(100 * np.array(both).ravel() / clip.height_px)
        _line(f"{name}, % of height", rows)
    print("filled:", sum(int(smooth(clip.found, RATE).filled.sum()) for clip in clips), "points")


def print_faces(clips: Sequence[Clip]) -> None:
    rows = []
    for clip in clips:
        truth = [face_edges(points[FACE]).cut(SIZE) for points in clip.truth]
        boxes = [face_box(points, SIZE) for points in clip.found]
        before = [None if b is None else Edges(b.x, b.y, b.x + b.width, b.y + b.height) for b in boxes]
        after = face_track(clip.found, SIZE, RATE).crops
        there = np.array([a is not None and b is not None for a, b in zip(before, after, strict=True)])
        if there.sum() < len(there) / 2:
            continue
        tracks = [_corners(edges) for edges in (truth, before, after)]
        counts = np.repeat(there[:, None], 2, axis=1)
        height = float(np.mean([edges.height for edges in truth]))
        both = [compared(track, tracks[0], counts) for track in tracks[1:]]
        rows.append(100 * np.array(both).ravel() / height)
    _line("face crop, % of its height", rows)


def _corners(edges: Sequence[Edges | None]) -> Floats:
    return np.array([edge or (0.0, 0.0, 0.0, 0.0) for edge in edges]).reshape(-1, 2, 2)


def print_waves() -> None:
    for rate in (24, 60):
        for hertz in (0.5, 1.0, 2.0, 3.0, 4.0):
            wave = np.sin(2 * np.pi * hertz * np.arange(4 * rate) / rate)[:, None]
            truth = np.ones((4 * rate, 133, 3))
            truth[..., 0] = 300 + WAVE_PX * wave
            found = truth + np.random.default_rng(0).normal(0, NOISE_PX, truth.shape) * [1, 1, 0]
            result = smooth(found, Fraction(rate)).points[:, :17].astype(float)
            width = ((result[..., 0] - 300) * wave).sum() / (wave**2).sum() / 17 / WAVE_PX
            counts = np.ones(result.shape[:2], bool)
            both = [compared(p[:, :17, :2], truth[:, :17, :2], counts) for p in (found, result)]
            _line(f"{rate} fps, {hertz} Hz, px", [np.array([*both[0], *both[1], width])])


def _line(name: str, rows: Sequence[Floats]) -> None:
    figures = np.nanmean(rows, axis=0)
    print(f"{name:28}", *(f"{value:7.3f}" for value in figures), f"  (mean of {len(rows)})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what smoothing does.")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=49)
    given = parser.parse_args()
    torch.set_num_threads(1)
    nets = NetFolder(threads=1).load()
    print(" " * 28, "before: error, change, change of change; after: the same; of waves also their width")
    seeds = range(FIRST_SEED, FIRST_SEED + given.clips)
    batches = (render_clips([seed], frames=given.frames, want=WANTED) for seed in seeds)
    clips = [clip for batch in batches if (clip := looked_at(batch, nets)) is not None]
    print_points(clips)
    print_faces(clips)
    print_waves()


if __name__ == "__main__":
    main()
