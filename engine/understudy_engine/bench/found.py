"""Passes that the engine finds by itself against the studio's truth, on seeds that no net learnt from.

The truth is that of the person whom the first found matte shows: who the driver is nobody has told the engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..preprocess.nets import NetFolder
from ..preprocess.perceive import FoundMattes, FoundPerson
from ..training.measure.people import person_height
from ..training.nets.points import visible
from ..training.studio.clips import ClipBatch, render_clips
from ..types import FrameSize, RgbFrames

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
    pose_error_percent: float  # of points that can be seen, where somebody was found; of the person's height
    missed: float  # share of the frames that show the person, in which nobody was found
    other: float  # share of the frames that show somebody else's matte
    frame_s: float  # of the processor, without decoding


def found_figures(clips: int, frames: int, nets: NetFolder, *, turned: bool = False) -> Iterator[Figures]:
    """Of the first *clips* test clips, *frames* long; *turned*: upside down."""
    for seed in range(FIRST_SEED, FIRST_SEED + clips):
        clip = render_clips([seed], frames=frames, want=WANTED)
        yield measured(turned_over(clip) if turned else clip, nets)


def turned_over(clip: ClipBatch) -> ClipBatch:
    """The clip by half a circle, with its truth."""
    sides = torch.tensor(clip.plate.shape[-1:-3:-1])  # width, height
    places = torch.cat([sides - clip.keypoints[..., :2], clip.keypoints[..., 2:]], dim=-1)
    plate, mattes = clip.plate.flip(-1, -2), clip.people_mattes.flip(-1, -2)
    return replace(clip, plate=plate, people_mattes=mattes, keypoints=places)


def measured(clip: ClipBatch, nets: NetFolder) -> Figures:
    """*clip*: a batch of one."""
    plate = np.ascontiguousarray(clip.plate[0].permute(0, 2, 3, 1).numpy())
    begun = time.process_time()
    person = FoundPerson(Plate(plate), nets, cuts=True, needed=False)
    for _ in person.look():
        pass
    frame_s = (time.process_time() - begun) / len(person)
    found = FoundMattes(person).read(range(len(person)))[..., 0] >= 128  # (T, H, W)
    if not found.any():
        return Figures(0, float("nan"), 1, 0, frame_s)
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
