"""The VAE's stages at toy size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scripts.train_nano import main
from tests.engine.training.stages.footage import draw_clips
from understudy_engine.model.vae import WanVae
from understudy_engine.training.stages import one_pass
from understudy_engine.training.stages.footage import HELD_OUT_FROM, Footage
from understudy_engine.training.stages.latent_scale import begin_framewise, channel_statistics, settle
from understudy_engine.training.stages.stage import TOY
from understudy_engine.training.stages.trainer import Recipe, Trainer
from understudy_engine.training.stages.vae_bank import Kind, Mix, VaeBank
from understudy_engine.training.stages.vae_images import COURSE
from understudy_engine.training.stages.vae_task import VaeTask, fresh_vae, structure_loss, toy_course
from understudy_engine.training.studio.clips import EVERYTHING
from understudy_engine.training.studio.frozen import TRAIN_FROM
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import WeightFolder

CPU = torch.device("cpu")


@pytest.fixture
def footage() -> Footage:
    return Footage(draw_clips, CPU, size=64)


def test_the_loss_falls_on_a_single_batch(footage: Footage, tmp_path: Path) -> None:
    task = VaeTask(fresh_vae(TOY.vae, footage), footage, toy_course(COURSE))
    batch = task.draw(torch.Generator().manual_seed(0))
    task.draw = lambda generator: batch  # type: ignore[method-assign]
    trainer = Trainer(task, Recipe(steps=80, learning_rate=3e-3, warmup=5), tmp_path, device=CPU)
    losses = [float(trainer.step()["loss"]) for _ in range(80)]
    assert losses[-1] < 0.5 * losses[0]


def test_fresh_weights_give_latents_of_mean_0_and_variance_1(footage: Footage) -> None:
    vae = fresh_vae(TOY.vae, footage)
    bank = VaeBank(footage.held_out(), clips=8, frames=1)
    bank.fill(8)
    video = bank.draw(16, 64, torch.Generator().manual_seed(0))["video"]
    mean, std = channel_statistics([vae.encode(video).detach()])
    assert mean.abs().max() < 0.5
    assert std.min() > 0.5
    assert std.max() < 2


def test_settling_normalises_latents_and_leaves_pictures_as_they_are() -> None:
    torch.manual_seed(0)
    vae = WanVae(TOY.vae).eval()
    video = torch.rand(4, 3, 5, 32, 32) * 2 - 1
    with torch.no_grad():
        before = vae.decode(vae.encode(video))
        settle(vae, *channel_statistics([vae.encode(video)]))
        latents = vae.encode(video)
        mean, std = channel_statistics([latents])
        torch.testing.assert_close(vae.decode(latents), before, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-4, rtol=0)
    torch.testing.assert_close(std, torch.ones_like(std), atol=1e-4, rtol=0)


def test_before_video_training_every_latent_shows_the_last_of_its_four_frames() -> None:
    torch.manual_seed(0)
    vae = WanVae(TOY.vae).eval()
    begin_framewise(vae)
    video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.no_grad():
        made = vae.decode(vae.encode(video))
        for frame in range(9):
            shown = 4 * -(-frame // 4)
            alone = vae.decode(vae.encode(video[:, :, shown : shown + 1]))
            torch.testing.assert_close(made[:, :, frame : frame + 1], alone, atol=1e-4, rtol=1e-4)


def test_everything_the_engine_encodes_is_drawn_and_plates_weigh_more_where_people_are(
    footage: Footage,
) -> None:
    bank = VaeBank(footage, clips=3, frames=5)
    bank.fill(5)  # two of them over the oldest
    assert len(bank) == 3
    generator = torch.Generator().manual_seed(0)
    for kind in Kind:
        bank.mix = Mix(shares=tuple(float(k == kind) for k in Kind))
        batch = bank.draw(4, 32, generator)
        assert batch["video"].shape == (4, 3, 5, 32, 32)
        assert batch["video"].abs().max() <= 1
        assert (batch["weight"].max() > 1) == (kind is Kind.PLATE)


def test_training_never_renders_a_clip_that_others_measure_with(footage: Footage) -> None:
    assert footage.next_seed == TRAIN_FROM > HELD_OUT_FROM > 163
    list(footage.clips(5, 1, EVERYTHING))
    assert footage.used() == ((TRAIN_FROM, TRAIN_FROM + 5),)


def test_images_then_video_then_a_file_that_the_engine_loads(tmp_path: Path) -> None:
    run = ["--toy", "--device", "cpu"]
    assert main(["vae_images", *run, "--out", str(tmp_path / "a")], draw_clips) == 0
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    assert main(["vae_video", *run, "--resume", a, "--out", b, "--steps", "3"], draw_clips) == 0
    spec = replace(TOY, name="toy")
    vae = load_vae(spec, WeightFolder(tmp_path / "b"), device=CPU)
    video = torch.rand(1, 3, 5, 64, 64) * 2 - 1
    torch.testing.assert_close(one_pass.encode(vae, video), vae.encode(video), atol=1e-3, rtol=1e-3)


def test_a_broken_checkpoint_is_named_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["vae_images", "--toy", "--device", "cpu", "--steps", "1"]
    folder = tmp_path / "a"
    assert main([*run, "--out", str(folder)], draw_clips) == 0
    part = folder / "part1.safetensors"
    part.write_bytes(part.read_bytes()[:-1])

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("rendered before the checkpoint was known to be whole")

    assert main([*run, "--resume", str(folder), "--out", str(tmp_path / "b")], refuse) == 1
    assert "part1.safetensors of the checkpoint is damaged" in capsys.readouterr().err


def test_what_the_mean_square_forgives_costs_structure() -> None:
    """The same mean square as a change of brightness and as lost texture: the texture is dearer."""
    torch.manual_seed(0)
    truth = torch.randn(1, 3, 2, 32, 32).mul(0.3).clamp(-1, 1)
    weight = torch.ones(1, 1, 2, 32, 32)
    brighter = truth + 0.1
    softer = truth + 0.1 * torch.randn_like(truth).sign()
    assert structure_loss(truth, truth, weight) < 1e-6
    assert structure_loss(softer, truth, weight) > 1.5 * structure_loss(brighter, truth, weight)
    nowhere = weight.clone()
    nowhere[..., 16:] = 0
    half = truth.clone()
    half[..., 24:] += 0.5
    assert structure_loss(half, truth, nowhere) < 1e-6 < structure_loss(half, truth, weight)
