"""What of nano is trained already: its VAE, on a clip it has never seen."""

from __future__ import annotations

from pathlib import Path

import torch

import understudy_engine
from understudy_engine.model.configs import NANO
from understudy_engine.training.measure.baselines import vae_round_trip
from understudy_engine.training.measure.figures import truth_of
from understudy_engine.training.measure.likeness import person_region, psnr, ssim
from understudy_engine.training.studio.clips import render_clips
from understudy_engine.training.studio.frozen import TEST_SEEDS
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import WeightFolder

WEIGHTS = Path(understudy_engine.__file__).parent / "nano"


def test_the_vae_gives_back_people_it_has_never_seen() -> None:
    vae = load_vae(NANO, WeightFolder(WEIGHTS), device=torch.device("cpu"))
    truth = truth_of(render_clips(TEST_SEEDS[:1], frames=5), 0)
    made, region = vae_round_trip(vae, truth), person_region(truth.matte)
    assert ssim(made, truth.result, region) > 0.85
    assert psnr(made, truth.result, region) > 25
