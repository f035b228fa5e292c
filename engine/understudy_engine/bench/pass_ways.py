"""Two ways to find one person's points and mattes: the reference's, and the engine's. Each in a process of its own."""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch

from ..media.read import open_clip
from ..media.rgb import RgbSource
from ..preprocess.detect import PersonDetector, nearest_person
from ..preprocess.estimate import MatteCutter, PoseEstimator
from ..preprocess.nets import NetFolder
from ..preprocess.onnx_net import OnnxNet
from ..preprocess.people.survey import sure_people
from ..preprocess.perceive import NOWHERE, FoundPerson, Sighting, with_scores
from ..types import FrameSize, FrameSource
from ..weights.net_files import Net

REFERENCE, ENGINE = "reference", "engine"


@dataclass(frozen=True, slots=True)
class Timed:
    """One run over a whole clip, nets loaded before."""

    wall_s: float
    cpu_s: float  # of all threads
    peak_mib: float  # the most memory of the process, with libraries and nets
    before_mib: float  # what it had before it saw the clip
    digests: tuple[str, ...]  # of points and matte, one a frame

    @property
    def frame_ms(self) -> float:
        return 1000 * self.wall_s / len(self.digests)


def timed(way: str, clip: Path, threads: int) -> Timed:
    """*way* over *clip* in a fresh process with *threads* threads, held to as many cores where the system can."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_timed, way, clip, threads).result()


def _timed(way: str, clip: Path, threads: int) -> Timed:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    return timed_here(way, clip, threads)


def timed_here(way: str, clip: Path, threads: int) -> Timed:
    """In this process, whose memory counts from its start."""
    with open_clip(clip) as opened:
        source = RgbSource(opened)
        find = WAYS[way](threads)
        before = memory_mib()
        wall, cpu = time.perf_counter(), time.process_time()
        found = find(source)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = memory_mib()
        return Timed(wall, cpu, peak, before, tuple(_digest(one, source.size) for one in found))


def reference_way(threads: int) -> Callable[[FrameSource], Sequence[Sighting]]:
    """The whole clip in memory, then step by step: boxes of all frames, points of all frames, mattes of all frames.

    Batches of one; every net may use all threads. Whom it follows is the largest person of each frame.
    """
    nets = NetFolder()
    detector, pose, matte = (OnnxNet(nets.files[net].path, threads=threads) for net in Net)
    people, estimator, cutter = (
        PersonDetector(detector),
        PoseEstimator(pose, tries_turned=True),
        MatteCutter(matte),
    )

    def find(clip: FrameSource) -> Sequence[Sighting]:
        frames = clip.read(range(len(clip)))
        sure = [sure_people(people.find(rgb)) for rgb in frames]
        chosen = [nearest_person(there) for there in sure]
        there = [(rgb, box) for rgb, box in zip(frames, chosen, strict=True) if box is not None]
        points = [estimator.find(rgb, box) for rgb, box in there]
        mattes = [cutter.find(rgb, box, own) for (rgb, box), own in zip(there, points, strict=True)]
        seen = iter(zip(points, mattes, strict=True))
        found = [None if box is None else next(seen) for box in chosen]
        return [
            NOWHERE if one is None or one[1] is None else Sighting(with_scores(one[0]), one[1])
            for one in found
        ]

    return find


def engine_way(threads: int) -> Callable[[FrameSource], Sequence[Sighting]]:
    """As a job finds them: everybody followed, frames read ahead and looked at side by side."""
    nets = NetFolder(threads=threads)
    nets.load()

    def find(clip: FrameSource) -> Sequence[Sighting]:
        person = FoundPerson(clip, nets, cuts=True)
        for _ in person.look():
            pass
        return [person[index] for index in range(len(person))]

    return find


WAYS: Mapping[str, Callable[[int], Callable[[FrameSource], Sequence[Sighting]]]] = {
    REFERENCE: reference_way,
    ENGINE: engine_way,
}


def _digest(seen: Sighting, size: FrameSize) -> str:
    matte = b"" if seen.matte is None else seen.matte.laid_back(size).tobytes()
    return hashlib.sha256(np.asarray(seen.points, np.float32).tobytes() + matte).hexdigest()


def memory_mib() -> float:
    """The most that this process has had in memory; not a number where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        if sys.platform == "win32":
            return math.nan
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
