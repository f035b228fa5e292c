"""Where the parts of a model lie in a folder: ours, the original release, Diffusers', or files of any name.

Needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import WeightsError, WeightsMismatch, WeightsMissing
from .headers import METADATA, gguf_refused, read_header, refuse_pointer
from .parts import LORAS, Part
from .recognise import kind_unlike, not_animate, part_of

RELEASED = {
    Part.TRANSFORMER: "diffusion_pytorch_model*.safetensors",
    Part.VAE: "Wan2.1_VAE.pth",
    Part.IMAGE_ENCODER: "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth",
    Part.TEXT_ENCODER: "models_t5_umt5-xxl-enc-bf16.pth",
    Part.RELIGHTING_LORA: "relighting_lora.ckpt",
}
"""What the original release calls them, in the folder itself."""
COMMUNITY = ("", "diffusion_models", "unet", "vae", "text_encoders", "clip", "clip_vision", "loras")
"""Folders, ComfyUI's among them, in which files of any name are recognised by what they hold."""
SIDE_FOLDERS = ("vae", "text_encoders", "clip", "clip_vision", "loras")  # hold no transformer
TOKENIZERS = ("tokenizer/tokenizer.json", "google/umt5-xxl/tokenizer.json")
SHARD = re.compile(r".*-\d{5}-of-\d{5}")
DIFFUSERS = ("diffusion_pytorch_model", "model")  # what Diffusers takes where variants lie beside it
PICKLES = (".pth", ".ckpt", ".pt")
MODEL_FILE = "model.json"  # beside a conversion: which model it is, and in what precision


def patterns(part: Part) -> tuple[str, ...]:
    """Where *part* may lie in a folder, the first that is there counts."""
    found = (f"{part}.safetensors", f"{part}/*.safetensors")
    return (*found, RELEASED[part]) if part in RELEASED else found


def part_files(folder: Path, part: Part) -> list[Path]:
    """The files of *part*, its shards in order; empty if it is not there.

    Raises:
        WeightsMissing: a shard that the index beside them names is not there; several files that are this LoRA.
        WeightsMismatch: several files that are this part, or a GGUF file.
        ModelUnknown: there is no transformer but another model's.
    """
    for pattern in patterns(part):
        files = sorted(file for file in folder.glob(pattern) if file.is_file())
        if files and (own := _own(folder, files, part)):
            return own
    loose = list(_loose(folder))
    found = _one(folder, [file for file in loose if _part(file) is part], part)
    if not found:
        _refuse_gguf(folder, part)
    if not found and part is Part.TRANSFORMER:
        _refuse_other_models(file for file in loose if file.relative_to(folder).parts[0] not in SIDE_FOLDERS)
    return found


def _own(folder: Path, files: list[Path], part: Part) -> list[Path]:
    """Those of *files*, which lie where *part* should: all of its shards, or the one file that is it."""
    if named := _indexed(files[0].parent, files):
        return named
    shards = [file for file in files if SHARD.fullmatch(file.stem)]
    if shards or len(files) == 1:
        return shards or files
    found = files if part in LORAS else [file for file in files if _part(file) is part]
    return _one(folder, [file for file in found if file.stem in DIFFUSERS] or found, part)


def _one(folder: Path, found: list[Path], part: Part) -> list[Path]:
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        if part in LORAS:  # the model is of use without
            raise WeightsMissing(
                f"{folder} holds several files that could be the {LORAS[part]}, and none is taken: {names}. Leave one "
                f"of them there, or call it {part}.safetensors and put it beside the model.",
                part=part.value,
            )
        raise WeightsMismatch(
            f"{folder} holds several files that could be the {part}: {names}. Leave one of them there.",
            part=part.value,
        )
    return found


def _refuse_gguf(folder: Path, part: Part) -> None:
    for inside in COMMUNITY:
        for file in _inside(folder, inside, "*.gguf"):
            if part is (Part.TEXT_ENCODER if "t5" in file.name.lower() else Part.TRANSFORMER):
                raise gguf_refused(file)


def _refuse_other_models(loose: Iterable[Path]) -> None:
    """The largest of files that are no part of ours, or lie where models do, is what was meant to be the model."""
    strange = [file for file in loose if _part(file) is None or file.parent.name in COMMUNITY[1:3]]
    if strange:
        file = max(strange, key=lambda file: file.stat().st_size)
        raise not_animate(file.name, {name: tuple(entry["shape"]) for name, entry in _tensors(file).items()})


def unlike(part: Part, files: Sequence[Path]) -> str:
    """What is wrong with *files*, which should be *part*, if their names tell that they are something else.

    Reads headers alone: a pickle tells nothing. Raises WeightsMissing or WeightsMismatch for a damaged one.
    """
    for file in files:
        refuse_pointer(file)
    headers = [_tensors(file) for file in files if file.suffix not in PICKLES]
    shapes = {name: tuple(entry["shape"]) for header in headers for name, entry in header.items()}
    kind = kind_unlike(part, shapes) if shapes else ""
    return f"{files[0].name} cannot be the {part}: it is {kind}." if kind else ""


def found_loras(folder: Path) -> frozenset[Part]:
    """Those that are there, and clear."""
    return frozenset(part for part in LORAS if _is_clear(folder, part))


def _is_clear(folder: Path, part: Part) -> bool:
    try:
        return bool(part_files(folder, part))
    except WeightsMissing:
        return False


def tokenizer(folder: Path) -> Path:
    """umT5's tokenizer.json; raises WeightsMissing without one."""
    for name in TOKENIZERS:
        if (folder / name).is_file():
            refuse_pointer(folder / name)
            return folder / name
    raise WeightsMissing(f"No tokenizer.json in {folder}/google/umt5-xxl. Download the model again.")


def _indexed(folder: Path, files: list[Path]) -> list[Path]:
    """Those of *files* that the index beside them names, all of which have to be there; none without an index."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        try:
            named = {str(file) for file in json.loads(index.read_text("utf-8"))["weight_map"].values()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightsMismatch(
                f"{index} is damaged. Download the model again.", file=str(index)
            ) from error
        here = {file.name for file in files}
        if here.isdisjoint(named):
            continue  # another part's
        if missing := sorted(named - here):
            raise WeightsMissing(
                f"{missing[0]} is missing from {folder}: {len(missing)} of {len(named)} files that "
                f"{index.name} names are not there. Download the model again.",
                file=str(folder / missing[0]),
                missing=len(missing),
            )
        return [file for file in files if file.name in named]
    return []


def _loose(folder: Path) -> Iterator[Path]:
    """Safetensors files of names that say nothing."""
    known = {file for part in Part for pattern in patterns(part) for file in folder.glob(pattern)}
    for inside in COMMUNITY:
        yield from (
            file for file in _inside(folder, inside, "*.safetensors") if file not in known and file.is_file()
        )


def _inside(folder: Path, inside: str, pattern: str) -> list[Path]:
    """ComfyUI's folders may have folders of their own."""
    return sorted((folder / inside).rglob(pattern) if inside else folder.glob(pattern))


def _part(file: Path) -> Part | None:
    status = file.stat()
    return _part_of(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)  # a whole ComfyUI folder
def _part_of(file: Path, size_bytes: int, mtime_ns: int) -> Part | None:
    """By its header, which is read again when the file changes."""
    try:
        return part_of(list(_tensors(file)), file.stem)
    except WeightsError:
        return None  # named when nothing else is found


def _tensors(file: Path) -> dict[str, Any]:
    return {name: entry for name, entry in read_header(file).items() if name != METADATA}
