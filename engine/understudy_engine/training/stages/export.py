"""Trained weights as the files the engine opens: in the release's names, float16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...model.configs import ModelSpec, VaeSpec
from ...model.vae import WanVae
from ...weights.lora_names import module_names
from ...weights.mapping import Naming, convert, transformer_names, vae_names
from ...weights.parts import Part
from .checkpoint import Checkpoint, check_fit
from .linear import lora_pairs
from .nano import Nano

LORA_FILES = {"relighting": Part.RELIGHTING_LORA.value, "four_step": Part.FOUR_STEP_LORA.value}


def export_vae(folder: Path, vae: WanVae, spec: VaeSpec) -> Path:
    return write_part(folder, Part.VAE, convert(vae.state_dict(), vae_names(spec), Naming.ORIGINAL))


def export_nano(folder: Path, checkpoint: Checkpoint, spec: ModelSpec) -> list[Path]:
    """Everything but the VAE, of the averaged weights: one file a part, and one for each LoRA there is."""
    nano = _filled(checkpoint, spec)
    names = transformer_names(spec.transformer, spec.face)
    loras = {name for name in LORA_FILES if any(True for _ in lora_pairs(nano, name))}
    plain = {name: t for name, t in nano.transformer.state_dict().items() if not _of_lora(name)}
    files = [
        write_part(folder, Part.TRANSFORMER, convert(plain, names, Naming.ORIGINAL)),
        write_part(folder, Part.IMAGE_ENCODER, nano.image_encoder.state_dict()),
        write_part(folder, Part.DEFAULT_CONTEXT, {Part.DEFAULT_CONTEXT.value: nano.default_context}),
    ]
    return files + [write_part(folder, LORA_FILES[name], _lora(nano, name)) for name in sorted(loras)]


def _filled(checkpoint: Checkpoint, spec: ModelSpec) -> Nano:
    tensors = checkpoint.weights | checkpoint.average
    nano = Nano(spec, torch.device("cpu"))
    for name in LORA_FILES:
        downs = [tensor for path, tensor in tensors.items() if path.endswith(f".{name}_down")]
        if downs:
            nano.add_lora(name, len(downs[0]))
    check_fit(checkpoint, {name: tuple(p.shape) for name, p in nano.named_parameters()})
    nn.Module.load_state_dict(nano, tensors, strict=True)
    return nano


def _of_lora(name: str) -> bool:
    return any(name.endswith((f".{lora}_down", f".{lora}_up")) for lora in LORA_FILES)


def _lora(nano: Nano, name: str) -> dict[str, Tensor]:
    """In PEFT's spelling, with the release's module names. Scale 1: alpha is the rank."""
    theirs = {ours: original for original, ours in module_names(nano.spec.transformer).items()}
    tensors: dict[str, Tensor] = {}
    for path, down, up in lora_pairs(nano, name):
        module = f"base_model.model.{theirs[path.removeprefix('transformer.')]}"
        tensors |= {f"{module}.lora_A.weight": down, f"{module}.lora_B.weight": up}
    return tensors


def write_part(folder: Path, part: str, tensors: Mapping[str, Tensor]) -> Path:
    """One file of *folder*, float16; raises ValueError for a value that float16 does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {
        name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in tensors.items()
    }
    wild = [name for name, tensor in rounded.items() if not torch.isfinite(tensor).all()]
    if wild:
        raise ValueError(f"{len(wild)} tensors of the {part} leave float16's range, first {wild[0]}")
    file = folder / f"{part}.safetensors"
    save_file(rounded, file)
    file.chmod(0o644)  # safetensors writes for its owner alone
    return file
