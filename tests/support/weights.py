"""Folders of weights for tests."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from understudy_engine.model.configs import ModelSpec, TextSpec
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.weights.contexts import load_text_encoder
from understudy_engine.weights.fill import weights_of
from understudy_engine.weights.hashes import write_hashes
from understudy_engine.weights.load import ModelParts, load_model
from understudy_engine.weights.lora_names import module_names
from understudy_engine.weights.mapping import (
    NameTable,
    Naming,
    convert,
    text_names,
    transformer_names,
    vae_names,
)
from understudy_engine.weights.parts import LORAS
from understudy_engine.weights.sources import StandIn

RANK = 2
TINY_TEXT = TextSpec(vocab=8, dim=8, attention_dim=8, ffn_dim=8, heads=2, layers=1)


def save_model(parts: ModelParts, folder: Path, naming: Naming = Naming.ORIGINAL) -> None:
    spec = parts.spec
    tables = {
        "transformer": transformer_names(spec.transformer, spec.face),
        "vae": vae_names(spec.vae),
        "image_encoder": NameTable(),
    }
    for name, table in tables.items():
        state = convert(getattr(parts, name).state_dict(), table, naming)
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / f"{name}.safetensors")
    save_file({"default_context": parts.contexts.of()}, folder / "default_context.safetensors")


def save_text_encoder(folder: Path) -> None:
    """umT5 of TINY_TEXT's widths, and a tokenizer of few words."""
    encoder = load_text_encoder(TINY_TEXT, StandIn(), device=torch.device("cpu"), dtype=torch.float32)
    state = convert(weights_of(encoder).state_dict(), text_names(TINY_TEXT), Naming.ORIGINAL)
    save_file(
        {name: tensor.contiguous() for name, tensor in state.items()}, folder / "text_encoder.safetensors"
    )
    save_tokenizer(folder / "tokenizer")


def save_tokenizer(folder: Path) -> None:
    words = Tokenizer(models.WordLevel({"?": 0, "a": 1, "dancer": 2}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    folder.mkdir(parents=True)
    words.save(str(folder / "tokenizer.json"))


def pack_model(spec: ModelSpec, folder: Path, *, loras: bool = True) -> Path:
    """*folder* as it is packed: stand-in weights as files, both LoRAs with random values, hashes.json."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = load_model(spec, StandIn())
    save_model(parts, folder)
    draw = torch.Generator().manual_seed(0)
    for part in LORAS if loras else ():
        save_file(_lora(parts.transformer, draw), folder / f"{part}.safetensors")
    write_hashes(folder, [file.name for file in folder.glob("*.safetensors")])
    return folder


def save_lora(spec: ModelSpec, file: Path, seed: int = 0, spelling: str = "diffusion_model.{}") -> Path:
    """A LoRA of random values for *spec* in *file*, its keys in ComfyUI's spelling unless another is named."""
    with torch.device("meta"):
        transformer = WanAnimateTransformer(spec.transformer, spec.face)
    tensors = _lora(transformer, torch.Generator().manual_seed(seed))
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({spelling.format(name): tensor for name, tensor in tensors.items()}, file)
    return file


def _lora(transformer: WanAnimateTransformer, draw: torch.Generator) -> dict[str, torch.Tensor]:
    tensors = {}
    for original, ours in module_names(transformer.spec).items():
        rows, columns = transformer.get_parameter(f"{ours}.weight").shape
        tensors[f"{original}.lora_A.weight"] = 0.3 * torch.randn(RANK, columns, generator=draw)
        tensors[f"{original}.lora_B.weight"] = 0.3 * torch.randn(rows, RANK, generator=draw)
    return tensors
