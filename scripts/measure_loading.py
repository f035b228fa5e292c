"""How long the 14B model takes to load, and how much memory: random weights at full size, made here.

    python scripts/measure_loading.py make FOLDER [--layout original|diffusers|single] [--layers 40] [--lora]
    python scripts/measure_loading.py convert FOLDER OURS --precision int8
    python scripts/measure_loading.py load FOLDER --out OUT [--precision bf16|int8] [--lora] [--step]

`make` draws on the card and writes several files at once; /dev/shm is as a warm cache is. `load` fills transformer and
VAE as an engine does, and with --lora changes the relighting LoRA's strength and takes it back. Needs torch, numpy and
safetensors alone, so that the encoders, which transformers makes, are left out (1.3 GB of the 36).
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "engine")]  # run as a script, from any directory

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from understudy_engine.memory_plans import Precision  # noqa: E402
from understudy_engine.model.configs import WAN_ANIMATE_14B, ModelSpec  # noqa: E402
from understudy_engine.model.transformer import WanAnimateTransformer  # noqa: E402
from understudy_engine.model.vae import WanVae  # noqa: E402
from understudy_engine.weights.convert import LINEAR, as_stored, laid_out  # noqa: E402
from understudy_engine.weights.load import load_loras, load_vae, transformer_filling  # noqa: E402
from understudy_engine.weights.lora_names import module_names  # noqa: E402
from understudy_engine.weights.mapping import Naming, manifest, transformer_names, vae_names  # noqa: E402
from understudy_engine.weights.parts import Part  # noqa: E402
from understudy_engine.weights.sources import WeightFolder  # noqa: E402
from understudy_engine.weights.writer import NAMES, shards, write_tensors  # noqa: E402

Shapes = Mapping[str, tuple[int, ...]]
RANK = 128
FILES = {"original": 4, "diffusers": 15, "single": 1}


def spec_of(layers: int) -> ModelSpec:
    return replace(WAN_ANIMATE_14B, transformer=replace(WAN_ANIMATE_14B.transformer, layers=layers))


def shapes_of(spec: ModelSpec, naming: Naming) -> tuple[Shapes, Shapes]:
    """Of transformer and VAE, in *naming*."""
    with torch.device("meta"):
        networks = WanAnimateTransformer(spec.transformer, spec.face), WanVae(spec.vae)
    tables = transformer_names(spec.transformer, spec.face), vae_names(spec.vae)
    found = []
    for net, table in zip(networks, tables, strict=True):
        held = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
        found.append(manifest(table, held, naming))
    return found[0], found[1]


def make(options: argparse.Namespace) -> dict[str, Any]:
    spec, layout = spec_of(options.layers), options.layout
    naming = Naming.DIFFUSERS if layout == "diffusers" else Naming.ORIGINAL
    dtype = torch.float32 if layout == "diffusers" else torch.bfloat16
    transformer, vae = shapes_of(spec, naming)
    folder = options.folder / "transformer" if layout == "diffusers" else options.folder
    folder.mkdir(parents=True, exist_ok=True)
    begun, count = time.perf_counter(), FILES[layout]
    names, todo = list(transformer), list[tuple[Path, Shapes, torch.dtype]]()
    for i in range(count):
        its = names[len(names) * i // count : len(names) * (i + 1) // count]
        file = folder / f"diffusion_pytorch_model-{i + 1:05}-of-{count:05}.safetensors"
        todo.append((file, {name: transformer[name] for name in its}, dtype))
    todo.append((options.folder / "vae.safetensors", vae, torch.float32))
    if options.lora:
        todo.append((options.folder / "relighting_lora.safetensors", lora_shapes(spec), torch.float32))
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda each: write_random(*each), todo))
    return {"bytes": sum(sizes), "files": len(sizes), "seconds": time.perf_counter() - begun}


def lora_shapes(spec: ModelSpec) -> Shapes:
    dim, hidden, found = spec.transformer.dim, spec.transformer.ffn_dim, {}
    for name in module_names(spec.transformer):
        out, into = {"ffn.0": (hidden, dim), "ffn.2": (dim, hidden)}.get(name.split(".", 2)[2], (dim, dim))
        found[f"base_model.model.{name}.lora_A.weight"] = (RANK, into)
        found[f"base_model.model.{name}.lora_B.weight"] = (out, RANK)
    return found


def write_random(file: Path, shapes: Shapes, dtype: torch.dtype) -> int:
    entries: dict[str, Any] = {}
    offset = 0
    for name, shape in shapes.items():
        end = offset + math.prod(shape) * dtype.itemsize
        entries[name] = {"dtype": NAMES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with file.open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        for shape in shapes.values():
            stream.write(memoryview(drawn(shape).to(dtype).cpu().view(-1).view(torch.uint8).numpy()))  # type: ignore[arg-type]
    return file.stat().st_size


def drawn(shape: tuple[int, ...]) -> Tensor:
    """As the golden rule scales them, rounded to bf16 as the release is."""
    values = torch.randn(shape, device=device())
    scale = 1.0 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5
    return values.mul_(scale).bfloat16().float()


def convert(options: argparse.Namespace) -> dict[str, Any]:
    spec, source = spec_of(options.layers), WeightFolder(options.folder)
    eight = options.precision == "int8"

    def kind(name: str, _: torch.dtype) -> torch.dtype:
        return torch.int8 if eight and LINEAR.fullmatch(name) else torch.bfloat16

    def build() -> WanAnimateTransformer:
        return WanAnimateTransformer(spec.transformer, spec.face)

    table, begun = transformer_names(spec.transformer, spec.face), time.perf_counter()
    tensors = list(laid_out(source, Part.TRANSFORMER, build, table, kind))
    vae = laid_out(source, Part.VAE, lambda: WanVae(spec.vae), vae_names(spec.vae), as_stored)
    write_tensors(options.into / "vae.safetensors", list(vae), device())
    found = shards(tensors)
    for i, shard in enumerate(found, 1):
        name = f"transformer-{i:05}-of-{len(found):05}.safetensors"
        write_tensors(options.into / "transformer" / name, shard, device())
    return {"seconds": time.perf_counter() - begun, "bytes": sum(each.size_bytes for each in tensors)}


def load(options: argparse.Namespace) -> dict[str, Any]:
    spec, source = spec_of(options.layers), WeightFolder(options.folder)
    told: dict[str, Any] = {
        "precision": options.precision,
        "layers": options.layers,
        "folder": str(options.folder),
    }
    begun = time.perf_counter()
    torch.zeros(1, device=device())
    told["cuda_start_s"] = lap(begun)
    begun = time.perf_counter()
    filled = transformer_filling(
        spec, source, device=device(), dtype=torch.bfloat16, precision=Precision(options.precision)
    )
    told["transformer_s"] = lap(begun)
    vae_begun = time.perf_counter()
    load_vae(spec, source, device=device())
    told["vae_s"], told["all_s"] = lap(vae_begun), lap(begun)
    size = sum(file.stat().st_size for part in (Part.TRANSFORMER, Part.VAE) for file in source.files(part))
    told |= {"file_bytes": size, "gb_per_s": size / told["all_s"] / 1e9} | memory()
    if options.lora:
        told |= change_strengths(filled, source)
    if options.step:
        told["first_step_s"], told["to_first_step_s"] = first_step(spec, filled.network), lap(begun)
    return told | {"after": memory()}


def change_strengths(filled: Any, source: WeightFolder) -> dict[str, Any]:
    loras, told = load_loras(filled, source), {}
    before = checksum(filled.network)
    for name, strength in (("merge_s", 1.0), ("change_s", 0.6), ("back_s", 0.0)):
        begun = time.perf_counter()
        loras.set_strengths({Part.RELIGHTING_LORA: strength})
        told[name] = lap(begun)
        told[f"changed_after_{name}"] = checksum(filled.network) != before
    return {"lora": told}


def checksum(net: torch.nn.Module) -> int:
    """Of all bits of the blocks."""
    total = 0
    for name, tensor in net.state_dict().items():
        if name.startswith("blocks."):
            total ^= int(tensor.detach().contiguous().view(-1).view(torch.uint8).long().sum().item()) + hash(
                name
            )
    return total


@torch.inference_mode()
def first_step(spec: ModelSpec, net: WanAnimateTransformer, size: tuple[int, int] = (60, 104)) -> float:
    """A forward pass of 77 frames, 832x480, with what comes before it once a segment; *size* in latents."""
    begun, net_spec = time.perf_counter(), spec.transformer
    frames, place = (21, *size), device()
    others = net_spec.in_channels - net_spec.latent_channels
    inputs = net.prepare(
        y=torch.randn(1, others, *frames, device=place),
        pose_latents=torch.randn(1, net_spec.latent_channels, 20, *frames[1:], device=place),
        context=torch.randn(1, min(20, net_spec.text_len), net_spec.text_dim, device=place),
        image_tokens=torch.randn(1, 257, net_spec.image_dim, device=place),
        faces=torch.rand(1, 77, 3, spec.face.size_px, spec.face.size_px, device=place) * 2 - 1,
    )
    noise = torch.randn(1, net_spec.latent_channels, *frames, device=place)
    net(noise, torch.tensor([999.0], device=place), inputs)
    return lap(begun)


def lap(begun: float) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return round(time.perf_counter() - begun, 3)


def memory() -> dict[str, Any]:
    """Host: what the process has of its own (pages of files do not count), and its peak with them; card: peaks."""
    lines = Path("/proc/self/status").read_text().splitlines()
    own = next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)
    found: dict[str, Any] = {"host_own_gb": own / 1e6}
    found["host_peak_with_files_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    if torch.cuda.is_available():
        found["card_peak_gb"] = torch.cuda.max_memory_reserved() / 1e9
        found["card_now_gb"] = torch.cuda.memory_allocated() / 1e9
    return found


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", choices=("make", "convert", "load"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("into", type=Path, nargs="?")
    parser.add_argument("--layout", choices=tuple(FILES), default="original")
    parser.add_argument("--layers", type=int, default=40)
    parser.add_argument("--precision", choices=("bf16", "int8"), default="bf16")
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--step", action="store_true")
    parser.add_argument("--out", type=Path, help="A folder for loading.jsonl, to which a line is added.")
    return parser.parse_args()


def main() -> None:
    options, works = arguments(), {"make": make, "convert": convert, "load": load}
    told = {"work": options.work, **works[options.work](options)}
    print(json.dumps(told), flush=True)
    if options.out:
        with (options.out / "loading.jsonl").open("a") as file:
            file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
