"""Clips that other processes make reach the training that they are made for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from tests.engine.training.stages.footage import draw_clips
from understudy_engine.errors import EngineError
from understudy_engine.training.stages.export import export_vae
from understudy_engine.training.stages.feeders import Feeders, Order
from understudy_engine.training.stages.footage import Footage
from understudy_engine.training.stages.inputs import Aim
from understudy_engine.training.stages.ranks import SEEDS_APART, Ranks
from understudy_engine.training.stages.samples import SampleBank, SampleMix
from understudy_engine.training.stages.stage import TOY
from understudy_engine.training.stages.vae_task import fresh_vae
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import SafetensorsFolder

CPU = torch.device("cpu")


@pytest.mark.timeout(120)
def test_what_a_process_makes_is_what_would_have_been_made_here(tmp_path: Path) -> None:
    footage = Footage(draw_clips, CPU, 64)
    export_vae(tmp_path, fresh_vae(TOY.vae, footage), TOY.vae)
    vae = load_vae(TOY, SafetensorsFolder(tmp_path), device=CPU)
    mix = SampleMix(aims={Aim.ANIMATE: 0.5, Aim.UNLIT: 0.5})
    order = Order(footage=footage, spec=TOY, weights=tmp_path, frames=5, mix=mix, clips=2)
    feeders = Feeders(1, order, Ranks(rank=0, size=2))
    bank = SampleBank(footage, vae, TOY, room=4, frames=5, mix=mix)
    try:
        deadline = time.monotonic() + 60
        while not len(bank) and time.monotonic() < deadline:
            for file in feeders.files():
                bank.take(file)
            time.sleep(0.05)
    finally:
        feeders.stop()
    first = footage.next_seed + 2 * SEEDS_APART
    assert feeders.seeds() == ((first, first + 2),)
    own = SampleBank(Footage(draw_clips, CPU, 64, first), vae, TOY, room=2, frames=5, mix=mix)
    own.fill(2)
    theirs, ours = bank.first(2), own.first(2)
    assert theirs["aim"].tolist() == [int(Aim.ANIMATE), int(Aim.UNLIT)]
    for name in ours:
        torch.testing.assert_close(theirs[name], ours[name], atol=5e-3, rtol=5e-3)


@pytest.mark.timeout(120)
def test_a_process_that_has_ended_stops_the_training_with_a_word(tmp_path: Path) -> None:
    footage = Footage(draw_clips, CPU, 64)
    nowhere = Order(footage=footage, spec=TOY, weights=tmp_path, frames=5, mix=SampleMix(), clips=1)
    feeders = Feeders(1, nowhere, Ranks())  # it has no VAE to encode with
    try:
        with pytest.raises(EngineError, match="has ended with code 1"):
            _wait_for_files(feeders)
    finally:
        feeders.stop()


def _wait_for_files(feeders: Feeders) -> None:
    while not list(feeders.files()):
        time.sleep(0.05)
