"""Previews: a colour for each latent cell, or a frame decoded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from understudy_engine.diffusion import preview
from understudy_engine.model.configs import MODELS, NANO
from understudy_engine.model.vae import WanVae
from understudy_engine.weights.installed import find_weights
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.sources import open_source


@pytest.fixture(scope="module")
def nano_vae() -> WanVae:
    return load_vae(NANO, open_source(find_weights("nano")), device=torch.device("cpu"))


def halves(left: float, right: float) -> torch.Tensor:
    """(1, 3, 5, 64, 64) in [-1, 1]: both halves of one grey each."""
    video = torch.full((1, 3, 5, 64, 64), left)
    video[..., 32:] = right
    return video


@torch.no_grad()
def test_both_kinds_show_where_a_picture_is_bright(nano_vae: WanVae) -> None:
    clean = nano_vae.encode(halves(-0.7, 0.7))[0]
    for shown, size in ((preview.linear(clean, "nano"), 8), (preview.decoded(clean, nano_vae), 32)):
        assert shown.shape == (1, size, size, 3)
        assert shown.dtype == np.uint8
        left, right = shown[:, :, : size // 2].mean(), shown[:, :, size // 2 :].mean()
        assert right - left > 80


def test_the_map_shows_the_middle_frame() -> None:
    clean = torch.zeros(16, 5, 2, 3)
    empty = preview.linear(clean, "wan2.2-animate-14b")
    clean[0, 2] = 2.0
    assert not np.array_equal(preview.linear(clean, "wan2.2-animate-14b"), empty)
    clean[:] = 0
    clean[0, 0] = 2.0
    assert np.array_equal(preview.linear(clean, "wan2.2-animate-14b"), empty)


def test_every_model_has_a_map_of_its_channels() -> None:
    for name, spec in MODELS.items():
        assert np.shape(preview.TABLES[name]) == (spec.vae.z_dim + 1, 3)
