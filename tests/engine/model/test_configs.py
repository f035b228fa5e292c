from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from understudy_engine.errors import ModelUnknown
from understudy_engine.model.configs import MODELS, NANO, WAN_ANIMATE_14B, model_spec
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.model.vae import WanVae


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_nano_is_small_enough_to_ship():
    with torch.device("meta"):
        transformer, vae = WanAnimateTransformer(NANO.transformer, NANO.face), WanVae(NANO.vae)
    assert parameters(transformer) <= 8_000_000
    assert parameters(vae) <= 6_000_000
    assert NANO.vae.dim == 16


def test_the_released_model_has_as_many_parameters_as_the_release():
    with torch.device("meta"):
        transformer = WanAnimateTransformer(WAN_ANIMATE_14B.transformer, WAN_ANIMATE_14B.face)
        vae = WanVae(WAN_ANIMATE_14B.vae)
    assert parameters(transformer) == 17_274_816_884  # research/engine_spec.md 1.4
    assert parameters(vae) == 126_892_531


def test_an_unknown_model_is_refused_with_the_names_there_are():
    with pytest.raises(ModelUnknown, match=r"no model 'huge'.*nano") as refusal:
        model_spec("huge")
    assert all(name in refusal.value.message for name in MODELS)


def test_faces_that_do_not_halve_down_to_four_pixels_are_refused():
    with pytest.raises(ValueError, match="60 px"):
        replace(NANO.face, size_px=60)


def test_layers_without_whole_groups_of_face_adapters_are_refused():
    with pytest.raises(ValueError, match="11 layers"):
        replace(NANO.transformer, layers=11)


@pytest.mark.parametrize("spec", MODELS.values(), ids=list(MODELS))
def test_segments_of_every_model_have_whole_latents(spec):
    assert spec.segment_frames % 4 == 1
