"""The VAE as it is trained is the VAE as the engine runs it."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny import TINY
from understudy_engine.model.vae import WanVae
from understudy_engine.training.stages import one_pass


@pytest.fixture(scope="module")
def vae() -> WanVae:
    torch.manual_seed(0)
    return WanVae(TINY.vae).eval()


@pytest.mark.parametrize("frames", [1, 5, 17])
def test_a_clip_in_one_pass_gives_the_latents_and_frames_that_chunks_give(vae: WanVae, frames: int) -> None:
    video = torch.rand(2, 3, frames, 32, 48) * 2 - 1
    with torch.no_grad():
        latents = vae.encode(video)
        torch.testing.assert_close(one_pass.encode(vae, video), latents, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(one_pass.decode(vae, latents), vae.decode(latents), atol=1e-3, rtol=1e-3)
