"""Processes that render and encode beside the training, which takes up their samples as files.

Rendering is thousands of small operations, which keep a processor's core busy and a device little: a process of its
own shares the device with the training, or has another one.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import multiprocessing

from ...errors import EngineError
from ...model.configs import ModelSpec
from ...weights.load import load_vae
from ...weights.sources import SafetensorsFolder
from .footage import Footage
from .ranks import SEEDS_APART, Ranks
from .samples import SampleBank, SampleMix

WAITING = 3  # files of one process that nobody has taken: it makes no more
PAUSE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one process is to make: files of *clips* clips, named by their first seed and the one after their last."""

    footage: Footage
    spec: ModelSpec
    weights: Path  # folder of vae.safetensors
    frames: int
    mix: SampleMix
    clips: int


class Feeders:
    """*count* processes, from the moment they are made until ``stop``, or until this process ends."""

    def __init__(self, count: int, order: Order, ranks: Ranks) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="feeders-")
        self._seeds: dict[Path, tuple[int, int]] = {}
        self._processes = []
        for k in range(count):
            own = Path(self._folder.name) / str(k)
            own.mkdir()
            self._seeds[own] = (0, 0)
            footage = order.footage
            first = footage.next_seed + (k + 1) * ranks.size * SEEDS_APART  # behind those of every rank
            theirs = Footage(footage.render, _device(k, footage.device, ranks), footage.size, first)
            process = multiprocessing.get_context("spawn").Process(
                target=_work, args=(replace(order, footage=theirs), own), daemon=True
            )
            process.start()
            self._processes.append(process)

    def files(self) -> Iterator[Path]:
        """Those that are ready, the oldest of each process; each is gone when the next one is asked for.

        Raises EngineError if a process has ended: training would go on with old footage and nobody would know.
        """
        for process in self._processes:
            if process.exitcode is not None:
                raise EngineError(
                    f"A process that renders footage has ended with code {process.exitcode}; what it said stands "
                    "above. Go on from the last checkpoint with fewer --feeders, or none.",
                    exit_code=process.exitcode,
                )
        for folder, (begun, _) in self._seeds.items():
            for file in sorted(folder.glob("*.safetensors"))[:1]:
                first, end = (int(seed) for seed in file.stem.split("-"))
                self._seeds[folder] = (begun or first, end)
                yield file
                file.unlink()

    def seeds(self) -> tuple[tuple[int, int], ...]:
        """First seed, and the one after the last, of what was taken of each process."""
        return tuple(seeds for seeds in self._seeds.values() if seeds[1])

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        self._folder.cleanup()


def _device(number: int, own: torch.device, ranks: Ranks) -> torch.device:
    """One that no rank trains on, if there are any."""
    if own.type != "cuda":
        return own
    free = list(range(ranks.size, torch.cuda.device_count()))
    return torch.device("cuda", free[(ranks.rank + number) % len(free)]) if free else own


def _work(order: Order, folder: Path) -> None:
    """Runs until the process that began it is gone."""
    parent = os.getppid()
    device = order.footage.device
    if device.index is not None:
        torch.cuda.set_device(device)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    vae = load_vae(order.spec, SafetensorsFolder(order.weights), device=device)
    room = order.clips * order.mix.views
    bank = SampleBank(order.footage, vae, order.spec, room=room, frames=order.frames, mix=order.mix)
    while os.getppid() == parent:
        if len(list(folder.glob("*.safetensors"))) >= WAITING:
            time.sleep(PAUSE_S)
            continue
        first = order.footage.next_seed
        bank.fill(order.clips)
        file = folder / f"{first}-{order.footage.next_seed}.safetensors"
        bank.save(file.with_suffix(".part"))
        file.with_suffix(".part").rename(file)
