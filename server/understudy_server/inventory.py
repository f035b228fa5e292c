"""What is installed of each model: which parts lie where, how large they are, and what is missing. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from understudy_engine.errors import WeightsError
from understudy_engine.model.configs import MODELS, ModelSpec
from understudy_engine.weights.folder import MODEL_FILE, part_files, tokenizer, unlike
from understudy_engine.weights.hashes import HASHES
from understudy_engine.weights.installed import PACKAGED
from understudy_engine.weights.net_files import Net, find_net
from understudy_engine.weights.parts import LORAS, Part

from .models import dead_link, partial_folder, weights_folder


@dataclass(frozen=True, slots=True)
class PartFound:
    """A part of a model, or a net beside it. Without files it is missing, for the reason *trouble*."""

    name: str
    files: tuple[str, ...]
    size_bytes: int
    needed: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ModelFound:
    name: str
    title: str
    folder: Path | None  # None: not installed
    precision: str  # of a converted model; empty for any other
    has_hashes: bool
    parts: tuple[PartFound, ...]
    trouble: str = ""  # why it is not installed, where something is in its place

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)

    @property
    def missing(self) -> tuple[PartFound, ...]:
        return tuple(part for part in self.parts if part.needed and not part.files)


def inventory(data_folder: Path) -> list[ModelFound]:
    """Every model that Understudy knows, the largest first."""
    return [
        replace(_found(spec, _folder(spec, data_folder)), trouble=_trouble(spec.name, data_folder))
        for spec in MODELS.values()
    ]


def _trouble(model: str, data_folder: Path) -> str:
    partial = partial_folder(weights_folder(model, data_folder))
    if not partial.is_dir():
        return dead_link(model, data_folder)
    here = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
    return f"{model} is not whole yet: {here / 1e9:.1f} GB of it are here. Go on with: understudy models pull"


def _folder(spec: ModelSpec, data_folder: Path) -> Path | None:
    own = weights_folder(spec.name, data_folder)
    return own if own.is_dir() else PACKAGED.get(spec.name)


def _found(spec: ModelSpec, folder: Path | None) -> ModelFound:
    if folder is None:
        return ModelFound(spec.name, spec.title, None, "", False, ())
    parts = (*_parts(spec, folder), *_nets(folder))
    return ModelFound(spec.name, spec.title, folder, _precision(folder), (folder / HASHES).is_file(), parts)


def _parts(spec: ModelSpec, folder: Path) -> Iterator[PartFound]:
    networks = (Part.TRANSFORMER, Part.VAE, Part.IMAGE_ENCODER)
    contexts = (Part.DEFAULT_CONTEXT, Part.NEGATIVE_CONTEXT)
    stored = [_part(folder, part, needed=False) for part in contexts]
    yield from (_part(folder, part, needed=True) for part in networks)
    if spec.text is None:
        yield _part(folder, Part.DEFAULT_CONTEXT, needed=True)
    else:
        yield _text(folder, needed=not all(context.files for context in stored))
        yield from (context for context in stored if context.files)
    yield from (_part(folder, part, needed=False) for part in LORAS)


def _part(folder: Path, part: Part, *, needed: bool) -> PartFound:
    try:
        files = part_files(folder, part)
        trouble = "" if part in LORAS else unlike(part, files)
    except WeightsError as error:
        return PartFound(part.value, (), 0, needed, error.message)
    if trouble:
        return PartFound(part.value, (), 0, needed, trouble)
    return _of(part.value, folder, files, needed)


def _text(folder: Path, *, needed: bool) -> PartFound:
    """The text encoder is of use with its tokenizer alone."""
    found = _part(folder, Part.TEXT_ENCODER, needed=needed)
    if not found.files:
        return found
    try:
        tokenizer(folder)
    except WeightsError as error:
        return PartFound(found.name, (), found.size_bytes, needed, error.message)
    return found


def _nets(folder: Path) -> Iterator[PartFound]:
    for net in Net:
        try:
            found = find_net(net, folder)
        except WeightsError as error:
            yield PartFound(f"{net} net", (), 0, False, error.message)
            continue
        if found.path.exists():
            files = list(found.files())
            own = found.path.is_relative_to(folder)  # others come with the package
            size = sum(file.stat().st_size for file in files) if own else 0
            yield PartFound(f"{net} net", (found.title,), size, False)


def _of(name: str, folder: Path, files: list[Path], needed: bool) -> PartFound:
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    return PartFound(name, names, sum(file.stat().st_size for file in files), needed)


def _precision(folder: Path) -> str:
    try:
        return str(json.loads((folder / MODEL_FILE).read_text("utf-8"))["precision"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
