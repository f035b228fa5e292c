"""Trains the small nets. One process renders, and each net is a process that learns from what it has rendered.

    PYTHONPATH=engine python scripts/train_nets.py footage --pool /tmp/pool --minutes 6 --device cuda &
    PYTHONPATH=engine python scripts/train_nets.py pose --pool /tmp/pool --minutes 9 --device cuda --out nets/pose

Nets: detector, pose, matte (these ship), pose_meter, expression_meter (these measure). Each writes into --out a
checkpoint, its log and loss curve, figures.json, and NAME.onnx or NAME.safetensors. --resume goes on from an --out.
--minutes count from the start of the process; a net waits in them for its first footage. --measure tells how long a
step takes, and how much memory. --toy renders a little footage of its own and takes seconds on a CPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import torch

from understudy_engine.training.nets.fit import Run, train
from understudy_engine.training.nets.pool import HELD_OUT, Pool, render_shards
from understudy_engine.training.nets.tasks import TASKS, NetTask, build_task

FINISH_S = 25.0  # kept for calibrating, trying and writing the net


def main() -> int:
    args = arguments()
    if args.device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    end = time.monotonic() + 60 * args.minutes
    if args.name == "footage":
        return footage(args, end)
    return learn(args, end)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=["footage", *TASKS])
    shared = Path(tempfile.gettempdir()) / "understudy_footage"
    parser.add_argument("--pool", type=Path, default=shared, help="folder of the footage (%(default)s)")
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--out", type=Path, help="where the net goes")
    parser.add_argument("--resume", type=Path, help="an earlier --out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, help="pictures a step")
    parser.add_argument("--shards", type=int, default=40, help="footage: how many at most")
    parser.add_argument("--clips", type=int, default=64, help="footage: how many a shard")
    parser.add_argument("--frames", type=int, default=2, help="footage: how many a clip")
    parser.add_argument("--rows", type=int, default=16_000, help="how many pictures a net holds at most")
    parser.add_argument("--measure", action="store_true", help="time some steps, and train nothing")
    parser.add_argument("--toy", action="store_true", help="tiny footage, batches of 4, seconds")
    args = parser.parse_args()
    if args.name != "footage" and args.out is None and not args.measure:
        parser.error("a net needs --out")
    if args.toy:
        args.shards, args.clips, args.frames, args.batch, args.minutes = 1, 2, 1, 4, 0.5
    return args


def footage(args: argparse.Namespace, end: float) -> int:
    begun = time.monotonic()
    numbers = [HELD_OUT, *range(args.shards)]
    for file in render_shards(args.pool, numbers, args.device, clips=args.clips, frames=args.frames):
        seconds = time.monotonic() - begun
        print(json.dumps({"shard": file.stem, "seconds": round(seconds, 1)}), flush=True)
        if time.monotonic() > end:
            break
    return 0


def learn(args: argparse.Namespace, end: float) -> int:
    device = torch.device(args.device)
    if args.toy and not any(args.pool.glob("*.safetensors")):
        list(render_shards(args.pool, [HELD_OUT, 0], device, clips=2, frames=1, size=96))
    pool, trial = Pool(args.pool, device, args.rows), Pool(args.pool, device, args.rows, held_out=True)
    while not (pool.refresh() and trial.refresh()):
        if time.monotonic() > end:
            print("there is no footage: start `train_nets.py footage` with the same --pool", file=sys.stderr)
            return 2
        time.sleep(1)
    torch.manual_seed(sum(map(ord, args.name)))  # of the weights: no two nets begin alike
    task = build_task(args.name, pool, device, args.batch)
    if args.measure:
        print(json.dumps({"net": args.name, **measured(task)}), flush=True)
        return 0
    held_out = build_task(args.name, trial, device, args.batch)
    seconds = 6.0 if args.toy else max(10.0, end - time.monotonic() - FINISH_S)
    run = Run(out=args.out, seconds=seconds, resume=args.resume, rate_scale=0.5 if args.resume else 1.0)
    print(json.dumps({"net": args.name, **train(task, held_out, run, device)}), flush=True)
    return 0


def measured(task: NetTask, steps: int = 40) -> dict[str, float]:
    """Seconds a step and bytes, gradients included, optimiser not."""
    generator = torch.Generator(task.device).manual_seed(0)
    begun = 0.0
    for step in range(steps + steps // 2):
        if step == steps // 2:
            begun = _now(task.device)
        task.losses(task.draw(generator))["loss"].backward()
        task.model.zero_grad(set_to_none=True)
    seconds = (_now(task.device) - begun) / steps
    peak = torch.cuda.max_memory_allocated() if task.device.type == "cuda" else 0
    return {"batch": task.count, "seconds_a_step": round(seconds, 4), "peak_bytes": peak}


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
