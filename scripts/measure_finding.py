"""Measures the passes that the engine finds by itself against the studio's truth, on seeds that no net learnt from.

    python scripts/measure_finding.py --clips 12 --frames 17

Prints a line for each clip, then mean and median. The truth is that of the person whom the first found matte shows:
who the driver is nobody has told the engine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import numpy as np
import torch
from numpy.typing import NDArray

from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.perceive import FoundMattes, FoundPerson
from understudy_engine.training.measure.people import person_height
from understudy_engine.training.nets.points import visible
from understudy_engine.training.studio.clips import ClipBatch, render_clips
from understudy_engine.types import FrameSize, RgbFrames

FIRST_SEED = 500_100  # nor were thresholds chosen on these
LEAST_PX = 30  # fewer pixels of a person are nobody
WANTED = frozenset(("plate", "people_mattes", "keypoints"))


class Plate:
    """A FrameSource in memory."""

    def __init__(self, frames: RgbFrames) -> None:
        self._frames = frames
        self.size = FrameSize(frames.shape[2], frames.shape[1])

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, indices: Sequence[int]) -> RgbFrames:
        return self._frames[list(indices)]


@dataclass(frozen=True, slots=True)
class Figures:
    matte_iou: float  # mean over the frames that show the person; 0 where the found matte is empty
    pose_error_percent: (
        float  # of the points that can be seen, where somebody was found; of the person's height
    )
    missed: float  # share of the frames that show the person, in which nobody was found
    other: float  # share of the frames that show somebody else's matte
    frame_s: float


def measured(clip: ClipBatch, nets: NetFolder) -> Figures:
    """*clip*: a batch of one."""
    plate = np.ascontiguousarray(clip.plate[0].permute(0, 2, 3, 1).numpy())
    begun = time.process_time()
    person = FoundPerson(Plate(plate), nets, cuts=True, needed=False)
    for _ in person.look():
        pass
    frame_s = (time.process_time() - begun) / len(person)
    found = FoundMattes(person).read(range(len(person)))[..., 0] >= 128  # (T, H, W)
    people = clip.people_mattes[0].numpy() >= 128  # (P, T, H, W)
    shared = (people & found).sum(axis=(2, 3))  # (P, T)
    first = int(found.any(axis=(1, 2)).argmax())
    who = int(shared[:, first].argmax())
    there = people[who].sum(axis=(1, 2)) >= LEAST_PX
    seen = found.any(axis=(1, 2))
    return Figures(
        matte_iou=float(_iou(found, people[who])[there].mean()),
        pose_error_percent=_pose_error(clip, who, person, seen & there),
        missed=float((there & ~seen).mean()),
        other=float((seen & (shared.argmax(axis=0) != who)).mean()),
        frame_s=frame_s,
    )


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(T,) of (T, H, W)."""
    return np.asarray((a & b).sum(axis=(1, 2)) / np.maximum(1, (a | b).sum(axis=(1, 2))))


def _pose_error(clip: ClipBatch, who: int, person: FoundPerson, frames: NDArray[np.bool_]) -> float:
    truth = clip.keypoints[0, who]  # (T, 133, 3)
    counts = visible(truth, clip.people_mattes[0, who]) & torch.from_numpy(frames)[:, None]
    found = torch.from_numpy(np.stack([person[index].points for index in range(len(person))]))
    far = (found[..., :2] - truth[..., :2]).norm(dim=-1)
    return 100 * float(far[counts].mean()) / person_height(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the passes that the engine finds by itself.")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument(
        "--nets", type=Path, help="folder of detector.onnx, pose.onnx, matte.onnx; nano's own"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    nets = NetFolder(given.nets, threads=1)
    nets.load()
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.clips):
        rows.append(astuple(measured(render_clips([seed], frames=given.frames, want=WANTED), nets)))
        print(_line(str(seed), rows[-1]), flush=True)
    print(_line("mean", np.mean(rows, axis=0).tolist()))
    print(_line("median", np.median(rows, axis=0).tolist()))


def _line(name: str, values: Sequence[float]) -> str:
    told = (f"{field.name} {value:.3f}" for field, value in zip(fields(Figures), values, strict=True))
    return f"{name:8}" + "  ".join(told)


if __name__ == "__main__":
    main()
