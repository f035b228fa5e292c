"""Measures how often several people stand in the order that the studio gave them, where they touch.

    python scripts/measure_order.py
    python scripts/measure_order.py --first-seed 500600 --clips 8 4

Clips with two and three people that no net learnt from. Counted are frames and pairs whose boxes touch, once by the
studio's own mattes and once by what the nets find of the same people; a pair whose people are not both found is left
out of the latter, and counted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import numpy as np
from numpy.typing import NDArray

from scripts.measure_people import FRAMES, Clip, rendered
from understudy_engine.errors import EngineError
from understudy_engine.media.arrays import ArraySource
from understudy_engine.preprocess.keypoints import Points
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.preprocess.order import Order
from understudy_engine.preprocess.perceive import FoundMattes, FoundPerson
from understudy_engine.preprocess.plate import PlateMatte
from understudy_engine.preprocess.sizing import Box, Fit
from understudy_engine.preprocess.sources import Each, Indexed
from understudy_engine.training.studio.script import write_script
from understudy_engine.types import Clicked, Depth, FrameSize, FrameSource, MatteOptions

FIRST_SEED = 500_400  # how the order is told was chosen on 500 200 to 500 300
RATE = Fraction(16)  # of the studio's clips
LEAST_FOUND = 0.5  # of what two mattes cover together


@dataclass(slots=True)
class Figures:
    touching: int = 0
    right: int = 0
    wrong_pairs: list[str] = field(default_factory=list)
    pairs: int = 0
    lost: int = 0

    def told(self) -> str:
        share = self.right / max(1, self.touching)
        wrong = ", ".join(self.wrong_pairs) or "none"
        return (
            f"{self.touching} frames of {self.pairs} pairs touch, right in {share:.3f}; people not found: {self.lost}; "
            f"pairs with wrong frames: {wrong}"
        )


def clips_of(first_seed: int, twos: int, threes: int) -> Iterator[tuple[int, int]]:
    """Seeds with the number of their people."""
    left = {1: 0, 2: twos, 3: threes}
    for seed in count(first_seed):
        people = len(write_script(seed, FRAMES).people)
        if left[people]:
            left[people] -= 1
            yield seed, people
        if not any(left.values()):
            return


def plate_matte(source: FrameSource) -> PlateMatte:
    size = source.size
    whole = Box(0, 0, *size)
    return PlateMatte(source, whole, Fit(size, size, whole), MatteOptions())


def truth_mattes(clip: Clip) -> list[PlateMatte]:
    return [plate_matte(ArraySource(np.repeat(matte[..., None], 3, axis=3))) for matte in clip.mattes]


def found_people(clip: Clip, nets: NetFolder) -> list[FoundPerson | None]:
    """Each of the clip's people, clicked in the frame that shows most of them; None where somebody else was found."""
    people: list[FoundPerson | None] = []
    for matte in clip.mattes:
        frame = int((matte > 127).sum(axis=(1, 2)).argmax())
        rows, columns = np.nonzero(matte[frame] > 127)
        click = Clicked(frame, float(columns.mean()), float(rows.mean()))
        person = FoundPerson(ArraySource(clip.plate), nets, who=click, cuts=True, needed=False)
        try:
            seen = FoundMattes(person).read(range(len(clip.plate)))[..., 0] > 127
        except EngineError:
            people.append(None)
            continue
        people.append(person if agreement(seen, matte > 127) >= LEAST_FOUND else None)
    return people


def points_of(person: FoundPerson) -> Indexed[Points]:
    return Each(lambda index: person[index].points, len(person))


def agreement(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / max(1, int((one | other).sum())))


def judge(
    figures: Figures,
    name: str,
    depths: Sequence[float],
    people: Sequence[tuple[PlateMatte, Indexed[Points]]],
) -> None:
    """*depths*: how near each is; pairs of *people* are held against them."""
    for one, other in combinations(range(len(people)), 2):
        order = Order(RATE, [Depth.SEEN] * 2)
        for matte, points in (people[one], people[other]):
            order.add(matte, points)
        nearer = int(depths[other] > depths[one])
        frames = range(len(people[one][0]))
        touching = [index for index in frames if order.touching(0, index)]
        right = sum(order.back_to_front(index)[-1] == nearer for index in touching)
        figures.touching += len(touching)
        figures.right += right
        figures.pairs += bool(touching)
        if right < len(touching):
            figures.wrong_pairs.append(f"{name}:{one}{other} {right}/{len(touching)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--clips", type=int, nargs=2, default=(12, 6), metavar=("TWO", "THREE"))
    asked = parser.parse_args()
    nets = NetFolder(threads=1)
    truth, found = Figures(), Figures()
    for seed, people in clips_of(asked.first_seed, *asked.clips):
        clip = rendered(seed, people)
        depths = [person.place.z for person in write_script(seed, FRAMES).people]
        judge(truth, str(seed), depths, list(zip(truth_mattes(clip), clip.points, strict=True)))
        there = found_people(clip, nets)
        found.lost += sum(person is None for person in there)
        kept = [(depth, person) for depth, person in zip(depths, there, strict=True) if person is not None]
        passes = [(plate_matte(FoundMattes(person)), points_of(person)) for _, person in kept]
        judge(found, str(seed), [depth for depth, _ in kept], passes)
        print(
            f"{seed}: truth {truth.right}/{truth.touching}, found {found.right}/{found.touching}", flush=True
        )
    size = FrameSize(*clip.plate.shape[2:0:-1])
    print(f"at {size.width}x{size.height}, {FRAMES} frames a clip")
    print(f"by the studio's mattes: {truth.told()}")
    print(f"by what is found: {found.told()}")


if __name__ == "__main__":
    main()
