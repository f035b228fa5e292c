"""In stripes the VAE computes the same numbers, in less memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.model.configs import NANO, VaeSpec
from understudy_engine.model.vae import WanVae
from understudy_engine.weights.installed import find_weights
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import StandIn, open_source

CPU = torch.device("cpu")


def load(spec: VaeSpec) -> WanVae:
    return load_vae(replace(TINY, vae=spec), StandIn(), device=CPU)


def video(frames: int, height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, frames, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("stripes", [2, 4])
@pytest.mark.parametrize("chunk", [1, 2])
@torch.no_grad()
def test_stripes_change_nothing(stripes: int, chunk: int) -> None:
    vae = load(VaeSpec(dim=8, dim_mult=(1, 1, 2, 2), res_blocks=1))
    vae.chunk, pixels = chunk, video(9, 336, 16)  # 42 rows of latents
    latents = vae.encode(pixels)
    frames = vae.decode(latents)
    vae.stripes = stripes
    torch.testing.assert_close(vae.encode(pixels), latents, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(vae.decode(latents), frames, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_video_of_few_rows_gets_fewer_stripes() -> None:
    vae = load(VaeSpec(dim=8, dim_mult=(1, 1, 2, 2), res_blocks=2))
    pixels = video(5, 128, 16)
    latents = vae.encode(pixels)
    frames = vae.decode(latents)
    vae.stripes = 99
    torch.testing.assert_close(vae.encode(pixels), latents, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(vae.decode(latents), frames, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_what_nano_learnt_decodes_alike_in_stripes() -> None:
    vae = load_vae(NANO, open_source(find_weights("nano")), device=CPU)
    latents = torch.randn(1, 16, 2, 42, 4, generator=torch.Generator().manual_seed(0))
    frames = vae.decode(latents)
    vae.stripes = 3
    torch.testing.assert_close(vae.decode(latents), frames, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("stripes", [1, 3])
@torch.no_grad()
def test_somebody_is_asked_after_every_stage_of_every_pass(stripes: int) -> None:
    vae, asked = load(VaeSpec(dim=8, dim_mult=(1, 1, 2, 2), res_blocks=1)), []
    vae.stripes, vae.between, chunks = stripes, lambda: asked.append(1), 2
    vae.chunk = 2
    latents = vae.encode(video(9, 336, 16))
    downwards, asked[:] = len(asked), []
    vae.decode(latents)
    whole_frames = 1  # what is at the latents' size is done for whole frames, after or before the stripes
    assert downwards == chunks * (len(vae.encoder.stages) * stripes + whole_frames)
    last_layer = stripes
    assert len(asked) == chunks * (len(vae.decoder.stages) * stripes + last_layer + (stripes > 1))


@torch.no_grad()
def test_work_ends_after_the_stage_in_which_it_is_stopped() -> None:
    vae, stages = load(TINY.vae), []

    def stop() -> None:
        stages.append(1)
        if len(stages) == 2:
            raise InterruptedError

    vae.between = stop
    with pytest.raises(InterruptedError):
        vae.encode(video(17, 16, 16))
    assert len(stages) == 2
