"""A folder of random weights as `understudy models convert` writes one, drawn and written straight away.

Every part is there that a job of the released model opens but the text encoder: the contexts of its own prompts are
stored, as in a conversion. Weights are spread so that what goes through the networks keeps its magnitude.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from scripts.measure_loading import lora_shapes
from understudy_engine.bench.random_model import spread
from understudy_engine.model.configs import WAN_ANIMATE_14B, ClipSpec, FaceSpec, ModelSpec, TransformerSpec
from understudy_engine.model.image_encoder import build_image_encoder
from understudy_engine.model.transformer import WanAnimateTransformer
from understudy_engine.model.vae import WanVae
from understudy_engine.weights.convert import laid_out
from understudy_engine.weights.folder import MODEL_FILE
from understudy_engine.weights.hashes import FileHash, remember_hashes, write_hashes
from understudy_engine.weights.installed import Kind
from understudy_engine.weights.mapping import clip_names, transformer_names, vae_names
from understudy_engine.weights.parts import Part
from understudy_engine.weights.sources import WeightFolder
from understudy_engine.weights.tensor_files import Shape, Stored
from understudy_engine.weights.writer import Written, shards, write_tensors

THREADS = 6  # files that are written side by side
SHARD_BYTES = 3 << 30
CONTEXT_ROWS = 40
BEND = 0.02  # of a LoRA: it changes the weights a little

TINY = replace(
    WAN_ANIMATE_14B,
    transformer=TransformerSpec(
        dim=32, heads=2, ffn_dim=64, layers=5, text_dim=16, text_len=8, image_dim=16, freq_dim=16
    ),
    face=FaceSpec(
        size_px=32, channels=(4, 4, 4, 4), style_dim=8, motion_dim=4, encoder_dim=16, encoder_heads=2
    ),
    vae=replace(WAN_ANIMATE_14B.vae, dim=4, res_blocks=1),
    image=ClipSpec(image_px=28, patch_px=14, dim=16, heads=2, layers=2, out_dim=8),
)
"""The released model with every part of it, for a CPU: to see that the harness works, not how fast the model is."""


class RandomSource:
    """Weights drawn when they are asked for: the same each time, by their names."""

    kind, folder = Kind.STAND_IN, None

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def shapes(self, part: Part) -> Mapping[str, Shape] | None:
        return None  # any can be had, in the original naming

    def stored(self, part: Part, name: str, shape: Shape) -> Stored:
        return Stored(torch.bfloat16, shape, lambda: self.drawn(f"{part} {name}", name, shape))

    def drawn(self, seed: str, name: str, shape: Shape) -> Tensor:
        make = torch.Generator(self._device).manual_seed(zlib.crc32(seed.encode()))
        noise = torch.randn(shape, generator=make, device=self._device, dtype=torch.bfloat16)
        return spread(name, noise)


def make_model(spec: ModelSpec, folder: Path, device: torch.device) -> dict[str, Any]:
    """Writes the folder, or leaves it if it is there and whole; what that took."""
    if (folder / MODEL_FILE).is_file():
        return {"found": str(folder)}
    began = time.monotonic()
    files = dict(_files(spec, RandomSource(device)))
    with ThreadPoolExecutor(THREADS) as pool:
        todo = {
            name: pool.submit(write_tensors, folder / name, tensors, device)
            for name, tensors in files.items()
        }
        hashes: dict[str, FileHash] = {name: done.result() for name, done in todo.items()}
    write_hashes(folder, hashes, hashes)
    remember_hashes(folder, hashes)
    document = {"model": spec.name, "precision": "bf16", "prompts": False}
    (folder / MODEL_FILE).write_text(json.dumps(document) + "\n", "utf-8")
    if device.type == "cuda":
        torch.cuda.empty_cache()
    size = sum(found.size_bytes for found in hashes.values())
    seconds = time.monotonic() - began
    return {"files": len(files), "gb": size / 1e9, "seconds": seconds, "gb_s": size / 1e9 / seconds}


def _files(spec: ModelSpec, random: RandomSource) -> Iterator[tuple[str, list[Written]]]:
    """The folder's files, by name."""
    for part, tensors in _parts(spec, random):
        found = shards(tensors, SHARD_BYTES)
        for number, shard in enumerate(found, 1):
            name = f"{part}/{part}-{number:05}-of-{len(found):05}" if len(found) > 1 else part.value
            yield f"{name}.safetensors", shard


def _parts(spec: ModelSpec, random: RandomSource) -> Iterator[tuple[Part, list[Written]]]:
    net, source = spec.transformer, cast("WeightFolder", random)
    assert isinstance(spec.image, ClipSpec)
    networks = (
        (Part.TRANSFORMER, lambda: WanAnimateTransformer(net, spec.face), transformer_names(net, spec.face)),
        (Part.VAE, lambda: WanVae(spec.vae), vae_names(spec.vae)),
        (Part.IMAGE_ENCODER, lambda: build_image_encoder(spec.image), clip_names(spec.image)),
    )
    for part, build, table in networks:
        yield part, list(laid_out(source, part, build, table, lambda name, stored: stored))
    contexts = {Part.DEFAULT_CONTEXT: CONTEXT_ROWS, Part.NEGATIVE_CONTEXT: CONTEXT_ROWS // 2}
    for part, rows in contexts.items():
        shape = (min(rows, net.text_len), net.text_dim)
        yield part, [Written(part.value, shape, torch.bfloat16, (random.stored(part, part.value, shape),))]
    yield Part.RELIGHTING_LORA, list(_lora(spec, random))


def _lora(spec: ModelSpec, random: RandomSource) -> Iterator[Written]:
    for name, shape in lora_shapes(spec).items():

        def load(name: str = name, shape: Shape = shape) -> Tensor:
            return random.drawn(name, name, shape).mul_(BEND if "lora_B" in name else 1.0)

        yield Written(name, shape, torch.bfloat16, (Stored(torch.bfloat16, shape, load),))
