from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKLWan
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny import TINY
from understudy_engine.model.configs import VaeSpec
from understudy_engine.model.vae import LATENT_MEAN, LATENT_STD, WanVae
from understudy_engine.model.vae_stream import Stream
from understudy_engine.weights.load import load_vae
from understudy_engine.weights.mapping import Naming, convert, vae_names
from understudy_engine.weights.sources import StandIn

WIDER = VaeSpec(dim=8, dim_mult=(1, 1, 2, 2), res_blocks=1)  # norms of two channels magnify rounding


def load(spec: VaeSpec = TINY.vae, salt: int = 0) -> WanVae:
    return load_vae(replace(TINY, vae=spec), StandIn(salt), device=torch.device("cpu"))


def video(frames: int, batch: int = 1, side: int = 16) -> torch.Tensor:
    return torch.rand(batch, 3, frames, side, side) * 2 - 1


@pytest.mark.parametrize("seed", range(3))
@torch.no_grad()
def test_random_autoencoders_compute_what_diffusers_computes(seed):
    draw = random.Random(seed)
    spec = VaeSpec(
        dim=draw.choice((4, 6)),
        dim_mult=(1, draw.choice((1, 2)), draw.choice((2, 3)), draw.choice((2, 4))),
        res_blocks=draw.choice((1, 2)),
        temporal_downsample=draw.choice(((False, True, True), (True, True, False))),
    )
    ours = load(spec, salt=seed)
    theirs = AutoencoderKLWan(
        base_dim=spec.dim,
        z_dim=spec.z_dim,
        dim_mult=list(spec.dim_mult),
        num_res_blocks=spec.res_blocks,
        temperal_downsample=list(spec.temporal_downsample),
    ).eval()
    theirs.load_state_dict(convert(ours.state_dict(), vae_names(spec), Naming.DIFFUSERS), strict=True)

    pixels = video(9, batch=2)
    mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (LATENT_MEAN, LATENT_STD))
    expected = (theirs.encode(pixels).latent_dist.mode() - mean) / std
    latents = ours.encode(pixels)
    torch.testing.assert_close(latents, expected, atol=1e-4, rtol=1e-4)
    frames = theirs._decode(latents * std + mean).sample.clamp(-1, 1)  # diffusers clamps
    torch.testing.assert_close(ours.decode(latents).clamp(-1, 1), frames, atol=1e-4, rtol=1e-4)


@settings(max_examples=8, deadline=None)
@given(latents=st.integers(1, 6), chunk=st.integers(1, 7))
@torch.no_grad()
def test_the_size_of_chunks_changes_nothing(latents, chunk):
    vae, pixels = load(WIDER), video(4 * (latents - 1) + 1)
    expected = vae.encode(pixels)
    decoded = vae.decode(expected)
    vae.chunk = chunk
    torch.testing.assert_close(vae.encode(pixels), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(vae.decode(expected), decoded, atol=1e-4, rtol=1e-4)
    assert decoded.shape == pixels.shape


@settings(max_examples=10, deadline=None)
@given(
    still_from=st.integers(0, 60),
    chunk=st.integers(1, 4),
    stripes=st.sampled_from((1, 2)),
    halves=st.sampled_from(((False, True, True), (True, True, False))),
)
@torch.no_grad()
def test_a_video_that_stands_still_gives_what_its_frames_give_one_by_one(still_from, chunk, stripes, halves):
    vae, pixels = load(replace(WIDER, temporal_downsample=halves)), video(61, side=32)
    pixels[:, :, still_from:] = pixels[:, :, still_from : still_from + 1]
    vae.chunk = chunk
    stream = Stream()
    expected = []
    for part in vae.pixel_chunks(pixels):
        expected.append(vae.moments(vae.encoder(part, stream), stream).chunk(2, dim=1)[0])
        stream.begun = True
    mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (LATENT_MEAN, LATENT_STD))
    vae.stripes = stripes
    torch.testing.assert_close(
        vae.encode(pixels), (torch.cat(expected, dim=2) - mean) / std, atol=1e-5, rtol=1e-5
    )


@torch.no_grad()
def test_what_is_settled_is_not_made_again():
    vae, pixels = load(), video(77)
    sizes: list[int] = []
    vae.encoder.stages[0].register_forward_hook(lambda layer, given, made: sizes.append(given[0].shape[2]))
    vae.encode(pixels)
    assert sum(sizes) == 77
    sizes.clear()
    pixels[:, :, 5:] = 0  # frames that are not known yet
    vae.encode(pixels)
    assert sum(sizes) == 13


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 5])
def test_a_video_that_lies_as_pictures_do_comes_to_the_layers_as_any_other(frames):
    """Its channels lie innermost already, but with a stride of the batch that no kernel for videos takes."""
    vae = load()
    pictures = torch.rand(frames, 16, 16, 3).permute(3, 0, 1, 2)[None]
    assert pictures.stride(0) == 3
    [ready] = vae.pixel_chunks(pictures) if frames == 1 else [vae.ready(pictures)]
    assert ready.stride() == vae.ready(pictures.contiguous()).stride()
    assert torch.equal(ready, pictures)
    assert torch.equal(vae.encode(pictures), vae.encode(pictures.contiguous()))


@torch.no_grad()
def test_later_frames_change_nothing_before_them():
    vae, pixels = load(), video(9)
    changed = pixels.clone()
    changed[:, :, 5:] = 0
    before, after = vae.encode(pixels), vae.encode(changed)
    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.equal(before[:, :, 2], after[:, :, 2])


@torch.no_grad()
def test_what_is_kept_between_chunks_does_not_grow_with_the_video():
    vae = load()

    def kept(frames: int) -> int:
        stream = Stream()
        vae.encoder(video(1), stream)
        stream.begun = True
        for _ in range((frames - 1) // 4):
            vae.encoder(video(4), stream)
        return sum(tail.untyped_storage().nbytes() for tail in stream._tails.values())

    assert kept(17) == kept(41)


def test_a_video_without_whole_latents_is_refused_with_its_length():
    with pytest.raises(ValueError, match=r"10 frames.*4n \+ 1"):
        load().encode(video(10))


def test_every_weight_of_the_vae_learns():
    vae = load().requires_grad_(True)
    (vae.decode(vae.encode(video(9))) - video(9)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vae.parameters())
