"""The memory formula against what the engine really takes, and against the models' own sizes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from understudy_engine.footprint import PARAMETERS, memory_needed, step_flops, tokens
from understudy_engine.model.configs import MODELS, NANO
from understudy_engine.types import FrameSize

MEASURE = """
import sys
from fractions import Fraction
from pathlib import Path
import cv2, numpy as np, torch
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.model.configs import NANO
from understudy_engine.types import Mode, PassFiles, Picture, Sampling, SwapRequest

folder, side, frames = Path(sys.argv[1]), 256, 9
picture = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
for name in ("clip.mkv", "pose.mkv"):
    write_layer(folder / name, [Picture((picture,), "rgb24")] * frames, rate=Fraction(24), colour=ColourTags())
for name in ("hero.png", "matte.png"):
    cv2.imwrite(str(folder / name), picture)

def status(field):  # bytes; getrusage would count what the parent process had
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))

before = status("VmRSS")
engine = Engine.load(NANO, EngineOptions(threads=1, preview_every=0))
request = SwapRequest(
    mode=Mode.REPLACE, clip=folder / "clip.mkv", character=folder / "hero.png",
    passes=PassFiles(pose=folder / "pose.mkv", matte=folder / "matte.png"), sampling=Sampling(steps=1),
)
for event in engine.run(request):
    pass
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_nano_takes_what_the_formula_says_within_a_quarter(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    size = FrameSize(256, 256)
    assert memory_needed(NANO, size, 9, size) == pytest.approx(int(done.stdout), rel=0.25)


def test_the_parameters_are_those_of_the_models() -> None:
    import torch

    from understudy_engine.model.image_encoder import build_image_encoder
    from understudy_engine.model.transformer import WanAnimateTransformer
    from understudy_engine.model.vae import WanVae

    for name, spec in MODELS.items():
        with torch.device("meta"):
            parts = (
                WanAnimateTransformer(spec.transformer, spec.face),
                build_image_encoder(spec.image),
                WanVae(spec.vae),
            )
        assert PARAMETERS[name] == tuple(sum(p.numel() for p in part.parameters()) for part in parts)


def test_more_pixels_or_frames_take_more_memory_and_longer_steps() -> None:
    small, large = FrameSize(256, 256), FrameSize(512, 512)
    for spec in MODELS.values():
        assert memory_needed(spec, small, 5, small) < memory_needed(spec, small, 17, small)
        assert memory_needed(spec, small, 17, small) < memory_needed(spec, large, 17, small)
        assert memory_needed(spec, small, 17, small) < memory_needed(spec, small, 17, large)
        assert 4 * step_flops(spec, small, 17) < step_flops(spec, large, 17)


def test_tokens_are_counted_with_the_references_frame() -> None:
    assert tokens(FrameSize(64, 32), 17) == (5 + 1) * 4 * 2
