"""Train nano: one command a stage, in runs that end in time and go on from their checkpoint.

    python scripts/train_nano.py vae_images --minutes 9 --out runs/vae1 --device cuda
    python scripts/train_nano.py vae_images --minutes 9 --resume runs/vae1 --out runs/vae2 --device cuda

On several devices: ``torchrun --nproc_per_node 4 scripts/train_nano.py ...``. docs/training.md has the whole course.
Needs torch, numpy and safetensors; ``--toy`` runs a stage in seconds on a CPU.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))

import torch

from understudy_engine.errors import EngineError
from understudy_engine.model.configs import NANO
from understudy_engine.training.stages.checkpoint import load_checkpoint
from understudy_engine.training.stages.export import export_nano
from understudy_engine.training.stages.footage import Footage, Render, following
from understudy_engine.training.stages.quick import Compile
from understudy_engine.training.stages.ranks import Ranks, join_ranks, leave_ranks, seeds_of
from understudy_engine.training.stages.registry import STAGES
from understudy_engine.training.stages.stage import TOY, TOY_PX, Setup
from understudy_engine.training.stages.trainer import LOG, Trainer, read_log

EXPORT = "export"
VAE_FILE = "vae.safetensors"
MEASURED_STEPS = 120
SIZE_PX = 256


def main(arguments: list[str] | None = None, render: Render | None = None) -> int:
    started = time.monotonic()
    options = _options(arguments)
    if options.stage == EXPORT:
        return _export(options)
    ranks, device = join_ranks(torch.device(options.device))
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    try:
        code = _train(options, ranks, device, started, render or _studio())
    except EngineError as error:
        print(error.message, file=sys.stderr)
        return 1
    leave_ranks(ranks)
    return code


def _train(
    options: argparse.Namespace, ranks: Ranks, device: torch.device, started: float, render: Render
) -> int:
    before = load_checkpoint(options.resume, device) if options.resume else None
    size = TOY_PX if options.toy else SIZE_PX
    begin = seeds_of(ranks, following(before.progress.seeds if before else ()))
    footage = Footage(render, device, size, begin)
    stage = STAGES[options.stage]
    setup = Setup(
        spec=TOY if options.toy else NANO,
        footage=footage,
        weights=options.weights,
        bank=options.bank and options.bank.with_stem(f"{options.bank.stem}{ranks.rank}"),
        compile_=Compile(options.compile),
        batch=options.batch,
        clips=options.clips,
        frames=options.frames,
        render_share=options.render,
        ranks=ranks,
        toy=options.toy,
    )
    recipe = stage.recipe_for(toy=options.toy, steps=MEASURED_STEPS if options.measure else options.steps)
    if options.rate:
        recipe = replace(recipe, learning_rate=options.rate)
    task = stage.build(setup)
    print(f"{options.stage}: ready after {time.monotonic() - started:.1f} s", flush=True)
    deadline = started + 60 * options.minutes
    trainer = Trainer(
        task, recipe, options.out, device=device, deadline=deadline, seed=options.seed, ranks=ranks
    )
    if options.resume and before:
        if ranks.first:
            _take_log(options.resume, options.out)
        trainer.resume(before)
    done = trainer.run()
    task.keep()
    if not ranks.first:
        return 0
    if options.measure:
        _tell_speed(options.out, device, task.course.batch)
        return 0
    trainer.averaged()
    figures = {name: round(value, 4) for name, value in task.finish(options.out).items()}
    trainer.note("done" if done else "to be continued", **figures)
    print(f"{options.stage}: step {trainer.progress.step} of {recipe.steps}, {figures}", flush=True)
    return 0


def _export(options: argparse.Namespace) -> int:
    """The checkpoint's weights, and the VAE of --weights, as the files that the engine opens."""
    if options.resume is None:
        print("Name the folder of the checkpoint to export with --resume.", file=sys.stderr)
        return 1
    files = export_nano(options.out, load_checkpoint(options.resume), TOY if options.toy else NANO)
    if options.weights:
        vae = options.out / VAE_FILE
        if vae.resolve() != (options.weights / VAE_FILE).resolve():
            shutil.copyfile(options.weights / VAE_FILE, vae)
        files.append(vae)
    for file in files:
        print(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
    return 0


def _studio() -> Render:
    from understudy_engine.training.studio.clips import render_clips

    return render_clips


def _take_log(before: Path, out: Path) -> None:
    if (before / LOG).exists() and before.resolve() != out.resolve():
        shutil.copyfile(before / LOG, out / LOG)


def _tell_speed(out: Path, device: torch.device, batch: int) -> None:
    line = [line for line in read_log(out) if "seconds_a_step" in line][-1]
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    step_ms, samples = line["seconds_a_step"] * 1000, batch / line["seconds_a_step"]
    notes = [line["note"] for line in read_log(out) if "note" in line]
    print(
        f"{step_ms:.1f} ms a step, {samples:.0f} samples a second, {memory:.1f} GiB at most; {line} {notes}"
    )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stage", choices=[*STAGES, EXPORT])
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint, log and pictures")
    parser.add_argument(
        "--resume", type=Path, help="folder of the run before; of another stage: its weights alone"
    )
    parser.add_argument(
        "--weights", type=Path, help="folder with vae.safetensors, for the stages after the VAE"
    )
    parser.add_argument(
        "--bank", type=Path, help="file of encoded footage, used and then written: for the next stage"
    )
    parser.add_argument("--minutes", type=float, default=9.0, help="wall-clock time, preparation included")
    parser.add_argument("--steps", type=int, help="of the whole stage, over all its runs")
    parser.add_argument("--batch", type=int, help="samples a step")
    parser.add_argument("--clips", type=int, help="rendered before training begins")
    parser.add_argument(
        "--frames",
        type=int,
        choices=range(5, NANO.segment_frames + 1, 4),
        help="of a segment, after the VAE: short ones cost less, and their checkpoints go on with longer ones",
    )
    parser.add_argument("--render", type=float, metavar="SHARE", help="of the time, for more clips (0.4)")
    parser.add_argument("--rate", type=float, help="the highest learning rate")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", default=Compile.NONE.value, choices=[how.value for how in Compile])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--toy", action="store_true", help="a tiny model, a few steps")
    parser.add_argument(
        "--measure", action="store_true", help=f"{MEASURED_STEPS} steps, and how long they take"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
