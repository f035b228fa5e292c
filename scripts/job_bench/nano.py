"""nano's demo clip through a server on the card, beside the same through a server on the CPU.

python -m scripts.job_bench.nano FOLDER     the CPU's, in a process of its own beside whatever else is measured
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from understudy_engine.training import render_shot
from understudy_server.cli.asked import Swap
from understudy_server.cli.demo_files import DemoFiles, write_demo
from understudy_server.cli.specs import find_passes, replace_spec
from understudy_server.cli.words import CodecName

from . import check, record
from .trial import ROOT, SUCCEEDED, serving

FRAMES, SHOT, SEED = 33, 11, 3
STEPS = 8
ENOUGH_DB = 35.0  # what is above nobody sees: the card computes in 16 bits, the CPU in 32
CPU = "cpu"
CPU_LIMIT_S = 200


def start_on_cpu(folder: Path) -> subprocess.Popen[bytes]:
    """Ends by itself, with the CPU's result in *folder*; terminate it to end it sooner."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "scripts.job_bench.nano", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def beside_the_cpu(folder: Path, on_cpu: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Both precisions of the card, frame by frame; dB inside the matte, where nano painted."""
    files = _files(folder / "footage")
    plans = ("bf16", "int8") if torch.cuda.is_available() else ("auto",)
    made = {plan: _swapped(folder, files, plan) for plan in plans}
    waited = time.monotonic()
    if on_cpu.wait(CPU_LIMIT_S):
        raise RuntimeError(f"nano on the CPU ended with {on_cpu.returncode}: {folder / CPU / 'server.log'}")
    told: dict[str, Any] = {"waited_for_cpu_s": round(time.monotonic() - waited, 1)}
    for plan, facts in made.items():
        decibels = check.psnr(_result(folder, plan), _result(folder, CPU), files.passes / "matte.mkv")
        told[plan] = {
            **facts,
            "db": [round(each, 1) for each in decibels],
            "db_median": round(statistics.median(decibels), 1),
            "enough": sum(each >= ENOUGH_DB for each in decibels) / len(decibels),
        }
    return told


def _swapped(folder: Path, files: DemoFiles, plan: str) -> dict[str, Any]:
    """The demo's Replace by a server of its own."""
    with serving(folder / plan, plan="auto" if plan == CPU else plan) as server:
        server.wait_until_loaded()
        swap = Swap(
            clip=files.clip,
            character=files.character,
            output=_result(folder, plan),
            passes=find_passes(files.passes),
            steps=STEPS,
            seed=SEED,
            codec=CodecName.FFV1,
            overwrite=True,
        )
        found = server.run(replace_spec(server.client, swap), "nano")
        if found.job.state != SUCCEEDED:
            raise RuntimeError(f"{plan}: {found.facts}")
        [run] = server.last_runs(found)
        return {**found.facts, **record.loading(server.lines), **record.figures(run)}


def _files(folder: Path) -> DemoFiles:
    folder.mkdir(parents=True, exist_ok=True)
    return write_demo(render_shot(SHOT, frames=FRAMES), folder)


def _result(folder: Path, plan: str) -> Path:
    return folder / f"{plan}.mkv"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(sys.argv[1])
    _swapped(folder, _files(folder / "cpu-footage"), CPU)


if __name__ == "__main__":
    main()
