"""One run of all parts, each on its own: what fails or is left out is written down beside what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import torch

from ...errors import DeviceMissing, EngineError
from ...ops.conv import let_cudnn_choose_well
from ...ops.fast import is_hopper
from ...types import FrameSize
from . import peer, rates, steps, video
from .bench import Bench
from .card import conditions, state_of_card
from .record import Record, Tell

SECONDS = 540.0
RATE = 30  # frames a second that the model learnt motion at
SIZES = {"480p": FrameSize(832, 480), "720p": FrameSize(1280, 720)}


CLIPS = {"": ("vae_encode", "vae_encode"), "animate_": ("vae_encode", "vae_encode_still")}
"""What is encoded: poses, and the plate; or where nothing is known of most frames, what stands for it."""


def footage(bench: Bench) -> None:
    """Seconds for a second of it, put together from what one segment needs: two clips encoded, one decoded."""
    new_s = (bench.frames - 1) / RATE
    for precision, count in (("bf16", 20), ("int8", 4)):
        for name in bench.sizes:
            for mode, clips in CLIPS.items():
                parts = [f"{clip}_{name}" for clip in clips]
                parts += [f"prepare_{precision}_{name}", f"vae_decode_{name}"]
                parts += [f"step_{precision}_{name}"] * count
                values = [bench.record.value(part) for part in parts]
                known = [value for value in values if value is not None]
                if len(known) == len(parts):
                    bench.record.row(f"footage_{mode}{precision}_{count}_{name}", sum(known) / new_s, "s")


PARTS: dict[str, Callable[[Bench], None]] = {
    "matmul": rates.matmuls,
    "attention": rates.attentions,
    "vae": video.video,
    "bf16": steps.bf16,
    "int8": steps.int8,
    "footage": footage,
    "float32": steps.float32,
    "diffusers-vae": peer.vae,
    "diffusers": peer.steps,
    "elsewhere": steps.elsewhere,
}
FREED_AFTER = (
    "vae",
    "int8",
    "float32",
    "diffusers-vae",
    "diffusers",
    "elsewhere",
)  # bf16 leaves its network to int8


def measure(
    file: Path,
    *,
    only: Collection[str] = tuple(PARTS),
    sizes: Collection[str] = tuple(SIZES),
    seconds: float = SECONDS,
    tell: Tell = lambda text: None,
) -> dict[str, Any]:
    """Measures on the first card and writes *file* after every figure; nothing is begun after *seconds*.

    Raises:
        DeviceMissing: there is no Hopper card.
        EngineError: a part or a size that is none.
    """
    for name, known in ((only, PARTS), (sizes, SIZES)):
        if unknown := set(name) - set(known):
            raise EngineError(f"There is no {', '.join(sorted(unknown))} here. Choose of {', '.join(known)}.")
    device = torch.device("cuda", 0)
    if not torch.cuda.is_available() or not is_hopper(device):
        raise DeviceMissing("This measures on NVIDIA's Hopper cards (H100, H200), and there is none here.")
    let_cudnn_choose_well()
    record = Record(file, time.monotonic() + seconds, tell)
    return run(Bench(record, device, {name: SIZES[name] for name in SIZES if name in sizes}), only)


def run(bench: Bench, only: Collection[str]) -> dict[str, Any]:
    record = bench.record
    record.data["conditions"] = conditions(bench.device) | {"frames": bench.frames}
    record.card("before", state_of_card())
    for name, part in PARTS.items():
        if name not in only:
            record.skip(name, "left out")
        elif not record.is_late(name):
            _run(bench, name, part)
    record.card("after", state_of_card())
    record.write()
    return record.data


def _run(bench: Bench, name: str, part: Callable[[Bench], None]) -> None:
    began = time.monotonic()
    try:
        part(bench)
    except Exception as error:  # the other parts are still worth measuring
        bench.record.skip(name, f"{type(error).__name__}: {error}"[:500])
    if name in FREED_AFTER:
        bench.let_go()
    bench.record.card(f"{name} took", {"seconds": f"{time.monotonic() - began:.1f}"})
