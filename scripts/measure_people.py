"""Measures how everybody in a clip is followed, against the studio's truth, on seeds that no net learnt from.

    python scripts/measure_people.py
    python scripts/measure_people.py --first-seed 500400 --clips 4 4 4 2

Fifty clips with one, two, three and four people. Counted are frames in which a person can be seen: a fifth of the 17
body joints are on visible parts of them, and these are 32 px high or more. A person is found where a track's box shares
half with the box of their visible parts; a switch is a person found under another track than before. Both are measured
with the detector's boxes and with the truth's in their place, which tells how much is the detector's part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import numpy as np
import torch
from numpy.typing import NDArray

from understudy_engine.preprocess.detect import DetectsPeople, Person, overlap
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.people.assignment import NEVER, assign
from understudy_engine.preprocess.people.cast import Cast
from understudy_engine.preprocess.people.survey import Survey
from understudy_engine.training.nets.points import matte_boxes, visible
from understudy_engine.training.studio.clips import render_clips
from understudy_engine.training.studio.framing import Shot
from understudy_engine.training.studio.script import write_script

FIRST_SEED = 500_200  # nor was anything chosen on these
CLIPS = (14, 16, 12, 8)  # with one, two, three and four people
FRAMES = 33
BODY = slice(0, 17)
LEAST_JOINTS = 0.2
LEAST_HEIGHT_PX = 32
LEAST_OVERLAP = 0.5
ASIDE_PX = 64  # by which the second pair of four people is moved to the right
WIDE = (Shot.FULL_BODY, Shot.KNEES_UP)  # four people are not filmed closer
WANTED = frozenset(("plate", "people_mattes", "keypoints"))


@dataclass(frozen=True, slots=True)
class Clip:
    plate: NDArray[np.uint8]  # (T, H, W, 3)
    mattes: NDArray[np.uint8]  # (P, T, H, W) visible coverage
    points: NDArray[np.float32]  # (P, T, 133, 3)


@dataclass(slots=True)
class Figures:
    clips: int = 0
    to_see: int = 0  # people in frames
    found: int = 0
    switches: int = 0
    clips_with_switches: int = 0

    def add(self, other: Figures) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def told(self) -> str:
        recall = self.found / max(1, self.to_see)
        return f"recall {recall:.4f}  switches {self.switches} in {self.clips_with_switches} clips"


# ---- Clips


def clips_of(first_seed: int, numbers: Sequence[int]) -> Iterator[tuple[str, Clip]]:
    """*numbers* of clips with one, two, three and four people, by rising seed."""
    ones, twos, threes, fours = numbers
    left = {1: ones, 2: twos, 3: threes}
    wide: list[int] = []
    for seed in count(first_seed):
        script = write_script(seed, FRAMES)
        people = len(script.people)
        if left[people]:
            left[people] -= 1
            yield str(seed), rendered(seed, people)
        elif people == 2 and script.framing.shot in WIDE and len(wide) < 2 * fours:
            wide.append(seed)
        if not any(left.values()) and len(wide) == 2 * fours:
            break
    for behind, before in zip(wide[::2], wide[1::2], strict=True):
        yield f"{behind}+{before}", laid_over(rendered(behind, 2), rendered(before, 2))


def rendered(seed: int, people: int) -> Clip:
    clip = render_clips([seed], frames=FRAMES, want=WANTED)
    plate = np.ascontiguousarray(clip.plate[0].permute(0, 2, 3, 1).numpy())
    return Clip(plate, clip.people_mattes[0, :people].numpy(), clip.keypoints[0, :people].numpy())


def laid_over(behind: Clip, before: Clip) -> Clip:
    """Four people: those of *before*, moved aside, in front of those of *behind*."""
    plate, mattes, points = aside(before)
    cover = np.minimum(mattes.sum(axis=0, dtype=np.float32) / 255, 1)  # (T, H, W)
    together = behind.plate * (1 - cover[..., None]) + plate * cover[..., None]
    hidden = np.rint(behind.mattes * (1 - cover)).astype(np.uint8)
    return Clip(
        np.rint(together).astype(np.uint8),
        np.concatenate([hidden, mattes]),
        np.concatenate([behind.points, points]),
    )


def aside(clip: Clip) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    plate, mattes, points = np.zeros_like(clip.plate), np.zeros_like(clip.mattes), clip.points.copy()
    plate[:, :, ASIDE_PX:] = clip.plate[:, :, :-ASIDE_PX]
    mattes[..., ASIDE_PX:] = clip.mattes[..., :-ASIDE_PX]
    points[..., 0] += ASIDE_PX
    points[points[..., 0] >= plate.shape[2], 2] = 0
    return plate, mattes, points


# ---- Truth, and what was found of it


def truth_of(clip: Clip) -> list[dict[int, Person]]:
    """For each frame the boxes of those that can be seen."""
    mattes, points = torch.from_numpy(clip.mattes), torch.from_numpy(clip.points)
    boxes = matte_boxes(mattes)  # (P, T, 4)
    joints = visible(points.flatten(0, 1), mattes.flatten(0, 1)).unflatten(0, mattes.shape[:2])
    seen = (joints[..., BODY].float().mean(dim=-1) >= LEAST_JOINTS) & (
        boxes[..., 3] - boxes[..., 1] >= LEAST_HEIGHT_PX
    )
    return [
        {person: _box(boxes[person, frame]) for person in np.flatnonzero(seen[:, frame]).tolist()}
        for frame in range(len(clip.plate))
    ]


def _box(corners: torch.Tensor) -> Person:
    x0, y0, x1, y1 = corners.tolist()
    return Person(x0, y0, x1, y1, 1.0)


def cast_of(clip: Clip, people: Sequence[Sequence[Person]]) -> Cast:
    survey = Survey()
    for frame, there in zip(clip.plate, people, strict=True):
        survey.see(frame, there)
    return survey.cast()


def figures(truth: Sequence[dict[int, Person]], cast: Cast) -> Figures:
    """CLEAR MOT's counting (EURASIP J. Image Video Process. 2008, 246309)."""
    result, last = Figures(clips=1), dict[int, str]()
    for frame, there in enumerate(truth):
        tracks = {member.name: member.boxes[frame] for member in cast.members if frame in member.boxes}
        pairs = matched(there, tracks, last)
        result.to_see += len(there)
        result.found += len(pairs)
        result.switches += sum(last.get(person, name) != name for person, name in pairs.items())
        last |= pairs
    result.clips_with_switches = int(result.switches > 0)
    return result


def matched(there: dict[int, Person], tracks: dict[str, Person], last: dict[int, str]) -> dict[int, str]:
    """Whom which track shows. Who is still under the track they were last found under stays with it; the others are
    shared out among the tracks that are left, so that as many as can be are found."""
    stay = {
        person: name
        for person, name in last.items()
        if person in there and name in tracks and overlap(there[person], tracks[name]) >= LEAST_OVERLAP
    }
    people = [person for person in there if person not in stay]
    names = [name for name in tracks if name not in stay.values()]
    costs = np.array([_cost(there[person], tracks[name]) for person in people for name in names])
    pairs = assign(costs.reshape(len(people), len(names)), 10)
    return stay | {people[row]: names[column] for row, column in pairs}


def _cost(box: Person, found: Person) -> float:
    shared = overlap(box, found)
    return 1 - shared if shared >= LEAST_OVERLAP else NEVER


def found_by(detector: DetectsPeople, clip: Clip) -> list[list[Person]]:
    return [detector.find(frame) for frame in clip.plate]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how people are followed.")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, nargs=4, default=CLIPS, help="with one, two, three, four people")
    parser.add_argument("--nets", type=Path, help="folder of the three nets; nano's own")
    given = parser.parse_args()
    torch.set_num_threads(1)
    detector = NetFolder(given.nets, threads=1).load().detector
    totals: dict[tuple[str, str], Figures] = {}
    for name, clip in clips_of(given.first_seed, given.clips):
        truth = truth_of(clip)
        boxes = {"detector": found_by(detector, clip), "truth": [list(there.values()) for there in truth]}
        for source, people in boxes.items():
            one = figures(truth, cast_of(clip, people))
            print(f"{name:14} {len(clip.mattes)} people  {source:9} {one.told()}", flush=True)
            for group in (f"{len(clip.mattes)} people", "all"):
                totals.setdefault((group, source), Figures()).add(one)
    for (group, source), total in sorted(totals.items()):
        print(f"{group:9} {total.clips:3} clips  {source:9} {total.told()}  of {total.to_see} to see")


if __name__ == "__main__":
    main()
