"""Trained weights as the files the engine opens: in the release's names, float16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ...model.configs import VaeSpec
from ...model.vae import WanVae
from ...weights.mapping import Naming, convert, vae_names
from ...weights.sources import Part


def export_vae(folder: Path, vae: WanVae, spec: VaeSpec) -> Path:
    return write_part(folder, Part.VAE, convert(vae.state_dict(), vae_names(spec), Naming.ORIGINAL))


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
