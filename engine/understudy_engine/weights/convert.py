"""A model in any layout, written once as ours: bf16 or int8, trimmed to what is used, with its hashes.

Ours is a folder of safetensors in the original release's names, a file or shards a part, hashes.json beside them. The
image encoder has no text tower and no last layer; the contexts of the model's own prompts are stored, so that its text
encoder is opened for prompts of yours alone, and may be left out. In int8 those linear layers of blocks and face
adapters that every step runs have one float32 ``scale`` a row; the others are bf16. VAE and encoders are
written in the precision that they come in.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import DiskFull, RequestError, WeightsMissing
from ..media.atomic import staged
from ..media.second_name import second_name
from ..memory_plans import Precision
from ..model.configs import ClipSpec, ModelSpec
from ..model.image_encoder import build_image_encoder
from ..model.text_encoder import TextEncoder
from ..model.transformer import WanAnimateTransformer
from ..model.vae import WanVae
from .contexts import Contexts
from .fill import check, naming_of, weights_of
from .folder import MODEL_FILE
from .hashes import FileHash, remember_hashes, remembered_hashes, write_hashes
from .load import refuse_other_models
from .lora import adapter_alpha
from .mapping import (
    NameTable,
    Naming,
    clip_names,
    manifest,
    renames,
    text_names,
    transformer_names,
    vae_names,
)
from .parts import LORAS, Part
from .rows import INT8, SCALED
from .sources import WeightFolder
from .tensor_files import Stored, in_memory
from .writer import SHARD_BYTES, Written, shards, write_tensors

PRECISIONS = (Precision.BF16, Precision.INT8)
LINEAR = re.compile(
    r"blocks\.\d+\.(self_attn\.[qkvo]|cross_attn\.[qo]|ffn\.[02])\.weight|"
    r"face_adapter\.fuser_blocks\.\d+\.(linear1_q|linear2)\.weight"
)
"""What is quantised, by its original name; keys of context and faces are worked out once a segment, in bf16."""
NETS = ("detector", "matte", "process_checkpoint/det", "process_checkpoint/pose2d")
"""Folders of nets that find people: they come along as they are."""


@dataclass(frozen=True, slots=True)
class Progress:
    part: str
    done_bytes: int
    total_bytes: int


Tell = Callable[[Progress], None]
Kind = Callable[[str, torch.dtype], torch.dtype]
"""What a tensor is written as, by its original name and what it is stored as."""


def as_stored(name: str, dtype: torch.dtype) -> torch.dtype:
    return torch.bfloat16 if dtype in SCALED else dtype


def convert(
    spec: ModelSpec,
    source: WeightFolder,
    into: Path,
    *,
    precision: Precision = Precision.BF16,
    prompts: bool = True,
    device: torch.device | str = "cpu",
    tell: Tell = lambda _: None,
) -> Path:
    """Writes *into*, whole or not at all. *prompts*: with the text encoder. Casts and quantises on *device*.

    Raises:
        WeightsError: files are missing, damaged, another model's, or pickles of unknown hash.
        RequestError: *into* is there already, or *device* cannot be used. DiskFull: before anything is written.
    """
    device = _usable(device)
    if into.exists() or into.is_symlink():
        raise RequestError(f"{into} is there already. Choose another name, or delete it first.")
    source.check()
    refuse_other_models(source)
    parts = {part: list(tensors) for part, tensors in _planned(spec, source, precision, prompts)}
    total = sum(tensor.size_bytes for tensors in parts.values() for tensor in tensors)
    into.parent.mkdir(parents=True, exist_ok=True)
    _require_room(into.parent, total)
    with staged(into) as folder:
        folder.mkdir()
        hashes = _write(folder, parts, device, tell, total)
        hashes |= _bring_along(source, folder, prompts)
        document = {
            "model": spec.name,
            "precision": precision.value,
            "prompts": prompts and spec.text is not None,
        }
        (folder / MODEL_FILE).write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        write_hashes(folder, hashes, hashes)
        remember_hashes(folder, hashes)
    return into


def _usable(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0]
        raise RequestError(
            f"Nothing can be cast on {device}: {why}. Choose cpu.", device=str(device)
        ) from error


def _planned(
    spec: ModelSpec, source: WeightFolder, precision: Precision, prompts: bool
) -> Iterator[tuple[Part, Iterator[Written]]]:
    """Each part and its tensors; all names and shapes are checked before anything is written."""

    def dtype_of(name: str, _: torch.dtype) -> torch.dtype:
        return INT8 if precision is Precision.INT8 and LINEAR.fullmatch(name) else torch.bfloat16

    networks: list[tuple[Part, Callable[[], nn.Module], NameTable, Kind]] = [
        (
            Part.TRANSFORMER,
            lambda: WanAnimateTransformer(spec.transformer, spec.face),
            transformer_names(spec.transformer, spec.face),
            dtype_of,
        ),
        (Part.VAE, lambda: WanVae(spec.vae), vae_names(spec.vae), as_stored),
        (
            Part.IMAGE_ENCODER,
            lambda: build_image_encoder(spec.image),
            clip_names(spec.image) if isinstance(spec.image, ClipSpec) else NameTable(),
            as_stored,
        ),
    ]
    if spec.text is not None and prompts:
        text = spec.text
        networks.append((Part.TEXT_ENCODER, lambda: TextEncoder(text), text_names(text), as_stored))
    for part, build, table, dtype in networks:
        yield part, laid_out(source, part, build, table, dtype)
    for part in LORAS:
        if tensors := _lora(source, part):
            yield part, iter(tensors)
    contexts = Contexts(spec, source, dtype=torch.bfloat16 if spec.text else torch.float32)
    yield Part.DEFAULT_CONTEXT, iter([_whole(Part.DEFAULT_CONTEXT.value, contexts.of())])
    if spec.text is not None:
        yield Part.NEGATIVE_CONTEXT, iter([_whole(Part.NEGATIVE_CONTEXT.value, contexts.negative())])


def laid_out(
    source: WeightFolder,
    part: Part,
    build: Callable[[], nn.Module],
    table: NameTable,
    kind: Kind,
) -> Iterator[Written]:
    """The tensors of *part* in our layout; their names and shapes are checked first."""
    with torch.device("meta"):
        state = weights_of(build()).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    held = source.shapes(part)
    naming = naming_of(table, shapes, held)
    check(part, manifest(table, shapes, naming), source, optional=table.spare(naming))
    theirs, ours = renames(table, shapes, naming), renames(table, shapes, Naming.ORIGINAL)
    for found, wanted in zip(theirs, ours, strict=True):
        (name,), (shape,) = wanted.theirs, wanted.their_shapes
        pairs = zip(found.theirs, found.their_shapes, strict=True)
        stored = tuple(source.stored(part, each, was) for each, was in pairs)
        yield Written(name, shape, kind(name, stored[0].dtype), stored)


def _lora(source: WeightFolder, part: Part) -> list[Written]:
    """As it is, with the alpha that stood beside it."""
    try:
        held = source.shapes(part)
    except WeightsMissing:
        return []
    stored = {name: source.stored(part, name, shape) for name, shape in held.items()}
    tensors = [Written(name, each.shape, each.dtype, (each,)) for name, each in stored.items()]
    alpha = adapter_alpha(LORAS[part], source.settings(part))
    if alpha is None or any(name.endswith(".alpha") for name in stored):
        return tensors
    modules = sorted({name.partition(".lora_")[0] for name in stored if ".lora_" in name})
    return tensors + [_whole(f"{module}.alpha", torch.tensor(alpha)) for module in modules]


def _whole(name: str, tensor: Tensor) -> Written:
    stored: Stored = in_memory(tensor.cpu())
    return Written(name, stored.shape, stored.dtype, (stored,))


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFull(
            f"The converted model takes {needed / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free. "
            "Make room, or name a folder on another disk.",
            needed_bytes=needed,
            free_bytes=free,
        )


def _write(
    folder: Path, parts: dict[Part, list[Written]], device: torch.device, tell: Tell, total: int
) -> dict[str, FileHash]:
    hashes: dict[str, FileHash] = {}
    done = 0
    for part, tensors in parts.items():
        for name, shard in _named(part, shards(tensors, SHARD_BYTES)):
            tell(Progress(part.value, done, total))
            hashes[name] = write_tensors(folder / name, shard, device)
            done += hashes[name].size_bytes
    tell(Progress("", done, total))
    return hashes


def _named(part: Part, found: Sequence[list[Written]]) -> Iterator[tuple[str, list[Written]]]:
    if len(found) == 1:
        yield f"{part}.safetensors", found[0]
        return
    for number, shard in enumerate(found, 1):
        yield f"{part}/{part}-{number:05}-of-{len(found):05}.safetensors", shard


def _bring_along(source: WeightFolder, folder: Path, prompts: bool) -> dict[str, FileHash]:
    """The tokenizer and the nets, as links where the disk is the same."""
    files: dict[str, Path] = {}
    if prompts:
        with contextlib.suppress(WeightsMissing):  # of models without words
            files["tokenizer/tokenizer.json"] = source.tokenizer()
    for net in NETS:
        for file in sorted((source.folder / net).rglob("*")):
            if file.is_file():
                files[file.relative_to(source.folder).as_posix()] = file
    for name, file in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        second_name(file.resolve(), folder / name)  # the hub's cache has links
    return remembered_hashes(folder, files)
