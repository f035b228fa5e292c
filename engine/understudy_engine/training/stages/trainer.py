"""The loop that every stage shares: draw, loss, step, average, log, and stop in time.

Nothing in it waits for the device but the log, every few steps.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...errors import EngineNaN
from .checkpoint import Checkpoint, Progress, check_fit, save_checkpoint
from .muon import Muon
from .pictures import curve, write_png
from .ranks import ALONE, Ranks

LOG = "log.jsonl"
SAVE_EVERY_S = 180.0
EQUALISED = (
    4.0  # the rate, in parts, of kernels that are stored with variance 1 and scaled when they are used
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a stage is trained. Its rate rises over *warmup* steps and falls on a cosine to *final_rate* of itself."""

    steps: int  # of the whole stage, over all its runs
    learning_rate: float
    warmup: int = 100
    final_rate: float = 0.02
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.01  # of matrices and kernels; biases and gains have none
    muon: float = 0.0  # rate of the blocks' matrices under Muon, in parts of learning_rate; 0: AdamW for all
    clip_norm: float = 1.0
    average: float = 0.999  # how much of the moving average stays, a step
    log_every: int = 20
    max_skipped: int = 100  # steps in a row of a log interval without a finite gradient


class Task(Protocol):
    """What a stage brings to the trainer. ``model``'s parameters that require gradients are trained."""

    @property
    def name(self) -> str: ...

    @property
    def model(self) -> nn.Module: ...

    def draw(self, generator: torch.Generator) -> Mapping[str, Tensor]:
        """A batch on the device."""
        ...

    def losses(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalars by name; "loss" is the one that is followed."""
        ...

    def plain(self) -> None:
        """Goes on without compiling, if that has failed."""
        ...

    def seeds(self) -> tuple[tuple[int, int], ...]:
        """First seed, and the one after the last, of what this run rendered."""
        ...


class Trainer:
    """One run of one stage.

    Args:
        deadline: when *clock* shows this, the run ends after the step it is at. None: it ends with its steps.
    """

    def __init__(
        self,
        task: Task,
        recipe: Recipe,
        out: Path,
        *,
        device: torch.device,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        self.task, self.recipe, self.out = task, recipe, out
        self.progress = Progress(stage=task.name)
        self.ranks = ranks
        self.generator = torch.Generator(device).manual_seed(seed + ranks.rank)
        self.trained = {n: p for n, p in task.model.named_parameters() if p.requires_grad}
        self.average = {name: p.detach().clone() for name, p in self.trained.items()}
        self.optimizers = _optimizers(self.trained, recipe)
        self._device, self._deadline, self._clock = device, deadline, clock
        self._fresh = 0  # steps since Adam's moments began
        self._skipped = torch.zeros((), device=device)
        out.mkdir(parents=True, exist_ok=True)

    # ---- Going on and stopping

    def resume(self, checkpoint: Checkpoint) -> None:
        """Goes on from *checkpoint*. Of another stage it takes the averaged weights alone, and begins afresh.

        Raises WeightsMismatch if it is of another model.
        """
        known = {name: tuple(p.shape) for name, p in self.task.model.named_parameters()}
        check_fit(checkpoint, known)
        if checkpoint.progress.stage != self.task.name:
            before = checkpoint.progress
            self._fill(checkpoint.weights | checkpoint.average)
            self.average = {name: p.detach().clone() for name, p in self.trained.items()}
            history = (*before.history, f"{before.stage} {before.step}")
            self.progress = replace(self.progress, history=history, seeds=before.seeds)
            return
        self._fill(checkpoint.weights)
        self.average = {name: p.detach().clone() for name, p in self.trained.items()}
        for name, tensor in checkpoint.average.items():
            self.average[name].copy_(tensor)
        if checkpoint.first:
            self._fill_moments(checkpoint)
            self._fresh = self.recipe.warmup
        self._go_on_drawing(checkpoint)
        self.progress = checkpoint.progress

    def _go_on_drawing(self, checkpoint: Checkpoint) -> None:
        """The first rank draws what it would have drawn; the others draw afresh."""
        state = checkpoint.generator
        if not self.ranks.first:
            self.generator.manual_seed(checkpoint.progress.step * self.ranks.size + self.ranks.rank)
        elif state is not None and state.shape == self.generator.get_state().shape:  # same kind of device
            self.generator.set_state(state)

    def checkpoint(self, *, moments: bool = True) -> Checkpoint:
        begun = self._moments() if moments else {}
        rendered = self.ranks.joined(self.task.seeds())
        return Checkpoint(
            progress=replace(self.progress, seeds=_joined(self.progress.seeds, rendered)),
            weights={name: p.detach() for name, p in self.task.model.named_parameters()},
            average=self.average,
            first={name: state["exp_avg"] for name, state in begun.items()},
            second={name: state["exp_avg_sq"] for name, state in begun.items() if "exp_avg_sq" in state},
            generator=self.generator.get_state(),
        )

    def _moments(self) -> dict[str, dict[str, Tensor]]:
        """What the optimizers remember of each parameter that has moved."""
        remembered = {
            p: state for optimizer in self.optimizers for p, state in optimizer.state.items() if state
        }
        return {name: remembered[p] for name, p in self.trained.items() if p in remembered}

    def save(self) -> None:
        checkpoint = self.checkpoint()
        if not self.ranks.first:
            return
        save_checkpoint(self.out, checkpoint)
        losses = [line["loss"] for line in read_log(self.out) if math.isfinite(line.get("loss", math.nan))]
        write_png(self.out / "loss.png", curve(losses))

    def averaged(self) -> None:
        """Puts the averaged weights into the model: what is shipped, looked at and measured."""
        self._fill(self.average)

    # ---- The loop

    def run(self) -> bool:
        """Trains until the stage is done (True) or the time is up (False), and saves."""
        self.task.model.train()
        begun, logged, steps = self._clock(), self._clock(), 0
        summed = 0
        sums: dict[str, Tensor] = {}
        seconds_before = self.progress.seconds
        saved = begun
        while not (done := self.progress.step >= self.recipe.steps) and not self._late(
            between_logs=summed > 0
        ):
            for name, value in (self.step() if steps else self._first_step()).items():
                sums[name] = sums.get(name, 0) + value
            steps, summed = steps + 1, summed + 1
            if summed == self.recipe.log_every or self.progress.step == self.recipe.steps:
                values = {name: float(value) / summed for name, value in sums.items()}  # waits for the device
                now = self._clock()
                self.progress = replace(self.progress, seconds=seconds_before + now - begun)
                self._log(values, (now - logged) / summed)
                logged, summed, sums = now, 0, {}
                if self.ranks.any(now - saved > SAVE_EVERY_S, self._device):  # a machine may be taken away
                    self.save()
                    saved = logged = self._clock()
        self.progress = replace(self.progress, seconds=seconds_before + self._clock() - begun)
        self.save()
        return done

    def step(self) -> dict[str, Tensor]:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.rate() * group["part"]
        batch = self.task.draw(self.generator)
        if self._device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        losses = self.task.losses(batch)
        losses["loss"].backward()
        self.ranks.average_gradients(self.trained.values())
        norm = nn.utils.clip_grad_norm_(list(self.trained.values()), self.recipe.clip_norm)
        unusable = (~torch.isfinite(norm)).float()
        self._skipped += unusable
        for optimizer in self.optimizers:
            optimizer.found_inf = unusable  # type: ignore[attr-defined] # both leave all as it is then
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._fresh += 1
        self.progress = replace(self.progress, step=self.progress.step + 1)
        self._follow()
        return {name: value.detach().clone() for name, value in losses.items()} | {"norm": norm.detach()}

    def _first_step(self) -> dict[str, Tensor]:
        """Compiling shows only now whether it works on this machine."""
        try:
            return self.step()
        except Exception as error:
            self.note(f"compiling failed, going on without: {type(error).__name__}: {str(error)[:400]}")
            self.task.model.zero_grad(set_to_none=True)
            self.task.plain()
            return self.step()

    def rate(self) -> float:
        recipe, step = self.recipe, self.progress.step
        warm = min(1.0, (self._fresh + 1) / max(1, recipe.warmup))
        along = min(1.0, step / max(1, recipe.steps))
        cosine = recipe.final_rate + (1 - recipe.final_rate) * (1 + math.cos(math.pi * along)) / 2
        return recipe.learning_rate * warm * cosine

    def _follow(self) -> None:
        """The moving average; short of a long memory it is a plain mean of what there was."""
        step = self.progress.step
        keep = min(self.recipe.average, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.average.values()), [p.detach() for p in self.trained.values()], 1 - keep
        )

    def _late(self, *, between_logs: bool) -> bool:
        """Several ranks agree on it, and only where they wait for their devices anyway."""
        if between_logs and not self.ranks.alone:
            return False
        return self.ranks.any(self._deadline is not None and self._clock() >= self._deadline, self._device)

    def _log(self, values: dict[str, float], seconds_a_step: float) -> None:
        skipped = int(self._skipped)
        self._skipped.zero_()
        if skipped >= min(self.recipe.max_skipped, self.recipe.log_every):
            raise EngineNaN(
                f"No gradient of the last {skipped} steps was finite, at step {self.progress.step}. "
                "Go back to the checkpoint before and lower the learning rate."
            )
        line = {
            "stage": self.task.name,
            "step": self.progress.step,
            **{name: round(value, 6) for name, value in values.items()},
            "rate": round(self.rate(), 8),
            "seconds_a_step": round(seconds_a_step, 5),
            "seconds": round(self.progress.seconds, 1),
        }
        if skipped:
            line["skipped"] = skipped
        self._write(line)

    def note(self, text: str, **values: float) -> None:
        self._write({"stage": self.task.name, "step": self.progress.step, "note": text, **values})

    def _write(self, line: Mapping[str, Any]) -> None:
        if not self.ranks.first:
            return
        with (self.out / LOG).open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    # ---- Weights

    @torch.no_grad()
    def _fill(self, tensors: Mapping[str, Tensor]) -> None:
        """Parameters that *tensors* does not name stay: a LoRA begins on a model that has none."""
        for name, parameter in self.task.model.named_parameters():
            if name in tensors:
                parameter.copy_(tensors[name])

    def _fill_moments(self, checkpoint: Checkpoint) -> None:
        """Those that the checkpoint has in the way that this run's optimizers remember; the others begin afresh."""
        adam = self.optimizers[0]
        step = torch.tensor(float(checkpoint.progress.step), device=self._device)
        of_adam = {p for group in adam.param_groups for p in group["params"]}
        for name, parameter in self.trained.items():
            if name not in checkpoint.first or (parameter in of_adam and name not in checkpoint.second):
                continue
            state = {"exp_avg": checkpoint.first[name].to(self._device)}
            if parameter in of_adam:
                state |= {"step": step.clone(), "exp_avg_sq": checkpoint.second[name].to(self._device)}
                adam.state[parameter] = state
            else:
                self.optimizers[1].state[parameter] = state


def read_log(folder: Path) -> list[dict[str, Any]]:
    file = folder / LOG
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _optimizers(trained: Mapping[str, nn.Parameter], recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW, and after it Muon if the recipe wants it. Each group's "part" is its rate in parts of the recipe's."""
    inner = {name for name, p in trained.items() if recipe.muon and of_a_block(name) and p.ndim == 2}
    others = {name: p for name, p in trained.items() if name not in inner}
    kernels = {name for name, p in others.items() if p.numel() > max(p.shape, default=1)}
    scaled = {name for name in kernels if "motion_encoder" in name}

    def group(names: set[str], decay: float, part: float) -> dict[str, Any]:
        return {"params": [others[n] for n in sorted(names)], "weight_decay": decay, "part": part}

    groups = [
        group(kernels - scaled, recipe.weight_decay, 1.0),
        group(scaled, recipe.weight_decay, EQUALISED),
        group(set(others) - kernels, 0.0, 1.0),
    ]
    filled = [some for some in groups if some["params"]]
    adam = torch.optim.AdamW(filled, lr=recipe.learning_rate, betas=recipe.betas, fused=True)
    if not inner:
        return [adam]
    matrices = {"params": [trained[name] for name in sorted(inner)], "part": recipe.muon}
    return [adam, Muon([matrices], lr=recipe.learning_rate, weight_decay=recipe.weight_decay)]


def of_a_block(name: str) -> bool:
    """Whether a parameter is in the middle of the transformer, between the embeddings and the head."""
    return "blocks." in name or "face_adapters." in name


def _joined(
    before: tuple[tuple[int, int], ...], now: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Ranges of seeds in order, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for first, end in sorted({*before, *now}):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return tuple(joined)
