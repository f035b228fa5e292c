"""diffusers beside it, on the same card in the same run: eager and compiled, all of the model's parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from ...model.configs import ModelSpec
from ...types import FrameSize
from ..random_model import PIXELS, random_segment
from .bench import Bench
from .record import middle, peak_gb, timed
from .steps import MIDWAY


@torch.no_grad()
def vae(bench: Bench) -> None:
    if not _is_here(bench, "diffusers_vae"):
        return
    import diffusers

    with _made_in_bf16(bench.device):
        net = diffusers.AutoencoderKLWan().eval()
    for name, size in bench.sizes.items():
        if not bench.record.is_late(f"diffusers_vae_{name}"):
            _vae_of_size(bench, net, name, size)


@torch.no_grad()
def steps(bench: Bench) -> None:
    """Each step works the motion vectors out again, as its pipeline has it."""
    if not _is_here(bench, "diffusers"):
        return
    bench.let_go()
    net = _transformer(bench)
    for way in ("eager", "compiled"):
        if way == "compiled":
            net.compile_repeated_blocks()
        for name, size in bench.sizes.items():
            if bench.record.is_late(f"diffusers_{way}_step_{name}"):
                return
            torch.compiler.reset()  # each size compiled for itself, not one program for all
            given = _arguments(bench, size)
            _row(bench, f"diffusers_{way}_step_{name}", partial(net, **given))


def _vae_of_size(bench: Bench, net: Any, name: str, size: FrameSize) -> None:
    count = (bench.frames - 1) // 4 + 1
    clip = torch.rand(1, 3, bench.frames, size.height, size.width, device=bench.device).bfloat16()
    noise = torch.randn(1, 16, count, size.height // PIXELS, size.width // PIXELS, device=bench.device)
    noise = noise.bfloat16()
    _row(bench, f"diffusers_vae_encode_{name}", partial(net.encode, clip))
    _row(bench, f"diffusers_vae_decode_{name}", partial(net.decode, noise))


def _is_here(bench: Bench, name: str) -> bool:
    here = find_spec("diffusers") is not None
    if not here:
        bench.record.skip(name, "diffusers is not installed")
    return here


def _row(bench: Bench, name: str, work: Callable[[], object]) -> None:
    peak_gb(bench.device)
    turns = timed(work, bench.device, bench.turns_of_others)
    rounded = [round(each, 4) for each in turns]
    bench.record.row(name, middle(turns), "s", peak_gb=peak_gb(bench.device), turns=rounded)


def _transformer(bench: Bench) -> Any:
    """Random weights, float32 where the library keeps it so when it loads a release."""
    import diffusers

    with _made_in_bf16(bench.device):
        net = diffusers.WanAnimateTransformer3DModel(**widths(bench.spec))
    for name, parameter in net.named_parameters():
        if any(part in name.split(".") for part in net._keep_in_fp32_modules):
            parameter.data = parameter.data.float()
    return net.eval().requires_grad_(False)


def widths(spec: ModelSpec) -> dict[str, Any]:
    """Arguments of diffusers' WanAnimateTransformer3DModel that make it *spec*'s."""
    sizes, face = spec.transformer, spec.face
    channels = {str(2**n): count for n, count in enumerate(reversed(face.channels), start=2)}
    return {
        "num_attention_heads": sizes.heads,
        "attention_head_dim": sizes.head_dim,
        "text_dim": sizes.text_dim,
        "freq_dim": sizes.freq_dim,
        "ffn_dim": sizes.ffn_dim,
        "num_layers": sizes.layers,
        "image_dim": sizes.image_dim,
        "added_kv_proj_dim": sizes.dim,
        "motion_encoder_channel_sizes": channels,
        "motion_encoder_size": face.size_px,
        "motion_style_dim": face.style_dim,
        "motion_dim": face.motion_dim,
        "motion_encoder_dim": face.style_dim,
        "face_encoder_hidden_dim": face.encoder_dim,
        "face_encoder_num_heads": face.encoder_heads,
        "inject_face_latents_blocks": sizes.face_every,
    }


def _arguments(bench: Bench, size: FrameSize) -> dict[str, Tensor]:
    x, given = random_segment(bench.spec, bench.frames, size, bench.device)
    y, faces = given["y"], given["faces"]
    return {
        "hidden_states": torch.cat([x, y], dim=1).bfloat16(),
        "timestep": x.new_tensor([MIDWAY]).long(),
        "encoder_hidden_states": given["context"].bfloat16(),
        "encoder_hidden_states_image": given["image_tokens"].bfloat16(),
        "pose_hidden_states": given["pose_latents"].bfloat16(),
        "face_pixel_values": faces.transpose(1, 2).contiguous().bfloat16(),
    }


@contextmanager
def _made_in_bf16(device: torch.device) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)
