"""A tiny model in every layout that the 14B model is found in, filled by the golden data's rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.support.tiny import TINY
from tests.support.weights import TINY_TEXT, save_tokenizer
from understudy_engine.model.configs import ClipSpec
from understudy_engine.model.image_encoder import ClipImageEncoder
from understudy_engine.model.text_encoder import TextEncoder
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.model.vae import WanVae
from understudy_engine.weights.fill import weights_of
from understudy_engine.weights.lora_names import module_names
from understudy_engine.weights.mapping import (
    NameTable,
    Naming,
    clip_names,
    convert,
    manifest,
    renames,
    text_names,
    transformer_names,
    vae_names,
)
from understudy_engine.weights.rows import E4M3
from understudy_engine.weights.standin import standin_weight

CLIP = ClipSpec(image_px=28, patch_px=14, dim=8, heads=2, layers=2, out_dim=4)
WHOLE = replace(TINY, image=CLIP, text=TINY_TEXT)
"""TINY with the encoders that the 14B model has."""
VAE_FILE = "Wan2.1_VAE.pth"
CLIP_FILE = "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth"
TEXT_FILE = "models_t5_umt5-xxl-enc-bf16.pth"
Tensors = dict[str, Tensor]


def transformer(naming: Naming = Naming.ORIGINAL) -> Tensors:
    table = transformer_names(WHOLE.transformer, WHOLE.face)
    return _filled(table, lambda: WanAnimateTransformer(WHOLE.transformer, WHOLE.face), naming)


def vae(naming: Naming = Naming.ORIGINAL) -> Tensors:
    return _filled(vae_names(WHOLE.vae), lambda: WanVae(WHOLE.vae), naming)


def image_encoder(naming: Naming = Naming.ORIGINAL) -> Tensors:
    return _filled(clip_names(CLIP), lambda: ClipImageEncoder(CLIP), naming)


def text_encoder(naming: Naming = Naming.ORIGINAL) -> Tensors:
    return _filled(text_names(TINY_TEXT), lambda: TextEncoder(TINY_TEXT), naming)


def _filled(table: NameTable, build: Any, naming: Naming) -> Tensors:
    """By the rule, under the original names, then called as *naming* does."""
    with torch.device("meta"):
        state = weights_of(build()).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    ours: Tensors = {}
    for rename in renames(table, shapes, Naming.ORIGINAL):
        whole = standin_weight(rename.theirs[0], rename.their_shapes[0])
        stacked = torch.from_numpy(whole).reshape(-1, *rename.our_shapes[0][1:])
        parts = stacked.split([shape[0] for shape in rename.our_shapes])
        ours |= {name: part.clone() for name, part in zip(rename.ours, parts, strict=True)}
    theirs = convert(ours, table, naming)
    spare = manifest(table, shapes, naming)
    spare = {name: shape for name, shape in spare.items() if name not in theirs}
    return theirs | {name: torch.from_numpy(standin_weight(name, shape)) for name, shape in spare.items()}


def lora(spelling: str, rank: int = 2, seed: int = 0) -> Tensors:
    """A LoRA of every linear layer; *spelling* has {module} and {half} ("A" or "B")."""
    draw, found = torch.Generator().manual_seed(seed), Tensors()
    with torch.device("meta"):
        net = WanAnimateTransformer(WHOLE.transformer, WHOLE.face)
    for original, ours in module_names(WHOLE.transformer).items():
        rows, columns = net.get_parameter(f"{ours}.weight").shape
        for half, shape in (("A", (rank, columns)), ("B", (rows, rank))):
            found[spelling.format(module=original, half=half)] = 0.1 * torch.randn(shape, generator=draw)
    return found


def write_original(folder: Path) -> Path:
    """Shards with their index, three pickles, the LoRA as a checkpoint, the tokenizer."""
    folder.mkdir(parents=True)
    save_shards(folder, "diffusion_pytorch_model", cast(transformer(), torch.bfloat16), 4)
    torch.save(vae(), folder / VAE_FILE)
    spare = {"textual.head.weight": torch.ones(3, 3), "log_scale": torch.ones(())}
    torch.save(image_encoder() | spare, folder / CLIP_FILE)
    torch.save(cast(text_encoder(), torch.bfloat16), folder / TEXT_FILE)
    torch.save({"state_dict": lora("{module}.lora_{half}.default.weight")}, folder / "relighting_lora.ckpt")
    save_tokenizer(folder / "google" / "umt5-xxl")
    return folder


def write_diffusers(folder: Path) -> Path:
    """Everything in float32, models of transformers as they save themselves."""
    for part in ("transformer", "vae", "text_encoder", "image_encoder"):
        (folder / part).mkdir(parents=True)
    rounded = {name: tensor.bfloat16().float() for name, tensor in transformer(Naming.DIFFUSERS).items()}
    save_shards(folder / "transformer", "diffusion_pytorch_model", rounded, 3)
    _save(vae(Naming.DIFFUSERS), folder / "vae" / "diffusion_pytorch_model.safetensors")
    text = cast(text_encoder(Naming.DIFFUSERS), torch.bfloat16)
    _save(
        text | {"encoder.embed_tokens.weight": text["shared.weight"].clone()},
        folder / "text_encoder" / "model.safetensors",
    )
    positions = {"vision_model.embeddings.position_ids": torch.arange(5)[None]}
    _save(image_encoder(Naming.DIFFUSERS) | positions, folder / "image_encoder" / "model.safetensors")
    save_tokenizer(folder / "tokenizer")
    return folder


def write_single_files(folder: Path, *, fp8: bool = False, prefix: str = "model.diffusion_model.") -> Path:
    """As ComfyUI's folders hold them, under names that say nothing."""
    for part in ("diffusion_models", "vae", "clip_vision", "text_encoders", "loras"):
        (folder / part).mkdir(parents=True)
    tensors = scaled(transformer()) if fp8 else cast(transformer(), torch.bfloat16)
    marker = {"scaled_fp8": torch.empty(2, dtype=E4M3)} if fp8 else {}
    named = {f"{prefix}{name}": tensor for name, tensor in (tensors | marker).items()}
    _save(named, folder / "diffusion_models" / "a.safetensors")
    _save(vae(), folder / "vae" / "b.safetensors")
    _save(image_encoder(Naming.DIFFUSERS), folder / "clip_vision" / "c.safetensors")
    words = {"spiece_model": torch.zeros(9, dtype=torch.uint8)}
    _save(
        cast(text_encoder(Naming.DIFFUSERS), torch.bfloat16) | words,
        folder / "text_encoders" / "d.safetensors",
    )
    named = lora("diffusion_model.{module}.lora_{half}.weight", seed=1)
    _save(named, folder / "loras" / "lightx2v_4step_rank2.safetensors")
    save_tokenizer(folder / "tokenizer")
    return folder


def scaled(tensors: Mapping[str, Tensor]) -> Tensors:
    """Linear layers of the blocks in e4m3 with one scale, as ComfyUI's ``fp8_scaled`` files."""
    found = Tensors()
    for name, tensor in tensors.items():
        if name.startswith("blocks.") and tensor.ndim == 2 and name.endswith(".weight"):
            scale = tensor.abs().max() / 448
            found[name] = (tensor / scale).to(E4M3)
            found[name.replace(".weight", ".scale_weight")] = scale
        else:
            found[name] = tensor.bfloat16()
    return found


def said(layer: object) -> Tensor:
    """ComfyUI's description of a layer, as the tensor beside its weight."""
    return torch.tensor(list(json.dumps(layer).encode()), dtype=torch.uint8)


def cast(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> Tensors:
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def save_shards(folder: Path, name: str, tensors: Tensors, count: int) -> None:
    names, where = list(tensors), dict[str, str]()
    for i in range(count):
        file = f"{name}-{i + 1:05}-of-{count:05}.safetensors"
        _save({each: tensors[each] for each in names[i::count]}, folder / file)
        where |= dict.fromkeys(names[i::count], file)
    (folder / f"{name}.safetensors.index.json").write_text(json.dumps({"weight_map": where}))


def _save(tensors: Tensors, file: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
