"""Trains one small net for some minutes, tries it on pictures it never saw, and writes what ships or measures.

The rate follows the clock, not the steps: a machine shared by five learners steps at no known pace.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..stages.checkpoint import load_checkpoint
from ..stages.trainer import Recipe, Trainer
from .layers import parameters
from .onnx_file import write_onnx
from .tasks import NetTask

CALIBRATION_BATCHES = 60
TRIAL_BATCHES = 8
ENDLESS = 10_000_000  # steps; the clock ends a run

ONNX_PORTS: dict[str, tuple[dict[str, tuple[int, ...]], str]] = {
    "detector": ({"images": (1, 3, 640, 640)}, "output0"),
    "pose": ({"input": (1, 3, 256, 192)}, "output"),
    "matte": ({"crops": (1, 3, 256, 192), "limbs": (1, 2, 64, 48)}, "matte"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    out: Path
    seconds: float
    resume: Path | None = None
    rate_scale: float = 1.0
    seed: int = 0
    clock: Callable[[], float] = time.monotonic


class TimedTrainer(Trainer):
    """A trainer whose rate falls along the seconds it was given."""

    def __init__(self, task: NetTask, run: Run, device: torch.device) -> None:
        recipe = Recipe(
            steps=ENDLESS, learning_rate=task.rate * run.rate_scale, warmup=200, average=0.998, log_every=50
        )
        self._begun = run.clock()
        self._seconds = run.seconds
        deadline = self._begun + run.seconds
        super().__init__(
            task, recipe, run.out, device=device, deadline=deadline, clock=run.clock, seed=run.seed
        )

    def rate(self) -> float:
        warm = min(1.0, (self._fresh + 1) / self.recipe.warmup)
        along = min(1.0, (self._clock() - self._begun) / self._seconds)
        cosine = self.recipe.final_rate + (1 - self.recipe.final_rate) * (1 + math.cos(math.pi * along)) / 2
        return self.recipe.learning_rate * warm * cosine


def train(task: NetTask, held_out: NetTask, run: Run, device: torch.device) -> dict[str, float]:
    """Trains *task*, writes checkpoint, log and net into ``run.out``; returns the figures it also writes there.

    *held_out* draws from rows that *task* never sees; its model is not used. Raises what ``load_checkpoint`` does.
    """
    trainer = TimedTrainer(task, run, device)
    if run.resume is not None:
        trainer.resume(load_checkpoint(run.resume, device))
    trainer.run()
    trainer.averaged()
    calibrate(task)
    figures = {
        "steps": trainer.progress.step,
        "seconds": round(trainer.progress.seconds, 1),
        "parameters": parameters(task.model),
        "error": round(held_out_error(task, held_out), 5),
    }
    figures["bytes"] = write_net(task, run.out)
    described = {"net": task.name, "error_unit": task.error_unit, **figures}
    (run.out / "figures.json").write_text(json.dumps(described, indent=1) + "\n")
    return figures


@torch.no_grad()
def calibrate(task: NetTask) -> None:
    """Gives batch norms the statistics of the averaged weights: a plain mean over some batches."""
    norms = [module for module in task.model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative mean
    task.model.train()
    generator = torch.Generator(task.device).manual_seed(1)
    for _ in range(CALIBRATION_BATCHES if norms else 0):
        task.losses(task.draw(generator))
    task.model.eval()


@torch.no_grad()
def held_out_error(task: NetTask, held_out: NetTask) -> float:
    """The net's mean error on clean pictures of clips it never saw, in ``task.error_unit``."""
    held_out.model = task.model
    generator = torch.Generator(task.device).manual_seed(2)
    batches = (held_out.drawn(generator, spoiled=False) for _ in range(TRIAL_BATCHES))
    return float(torch.stack([held_out.error(batch) for batch in batches]).mean())


def write_net(task: NetTask, folder: Path) -> int:
    """Writes NAME.onnx for a net that ships, NAME.safetensors in float16 for a meter; returns its bytes."""
    if task.ships:
        inputs, output = ONNX_PORTS[task.name]
        return write_onnx(folder / f"{task.name}.onnx", task.model, inputs, output)
    file = folder / f"{task.name}.safetensors"
    save_file({name: _stored(tensor) for name, tensor in task.model.state_dict().items()}, file)
    return file.stat().st_size


def _stored(tensor: Tensor) -> Tensor:
    return tensor.detach().half().cpu().contiguous()
