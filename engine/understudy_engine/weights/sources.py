"""Where weights come from: files in any layout that is known, or stand-ins made by rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import WeightsError, WeightsMismatch, WeightsMissing
from .folder import PICKLES, part_files, patterns, tokenizer
from .hashes import FileHash, check_hashes, file_hash, remembered_hashes
from .headers import refuse_pointer
from .installed import Kind, Weights
from .parts import Part
from .release import PUBLISHED_PICKLES
from .standin import standin_weight
from .tensor_files import Shape, Stored, open_pickle, open_tensors
from .tidy import tidied

_RULE_SAMPLES = {
    "weight": (4, 8),
    "bias": (8,),
    "norm.gamma": (8, 1),
    "modulation": (1, 6, 8),
    "motion_encoder.weight": (4, 4),
}


class WeightSource(Protocol):
    @property
    def kind(self) -> Kind: ...

    @property
    def folder(self) -> Path | None:
        """Where files are; None for weights that need none."""
        ...

    def check(self) -> None:
        """Raises WeightsMissing or WeightsMismatch if files are not as they were packed. Before all else."""
        ...

    def sha256(self) -> str:
        """Changes whenever a weight does."""
        ...

    def stamp(self, part: Part) -> str:
        """Changes whenever the files of *part* do; reads none of them. Raises WeightsMissing without any."""
        ...

    def shapes(self, part: Part) -> Mapping[str, Shape] | None:
        """Name and shape of every tensor there is for *part*; None if any can be had, in the original naming.

        Raises WeightsMissing if there is nothing at all.
        """
        ...

    def stored(self, part: Part, name: str, shape: Shape) -> Stored:
        """One of ``shapes``, not read yet."""
        ...

    def where(self, part: Part, names: Collection[str] = ()) -> str:
        """The files of *part*, or those that hold the tensors *names*, as sentences call them."""
        ...

    def read(self, part: Part, name: str, shape: Shape) -> Tensor: ...

    def settings(self, part: Part) -> Mapping[str, Any]:
        """What a JSON file beside the tensors says of them; empty without one."""
        ...

    def tokenizer(self) -> Path:
        """umT5's tokenizer.json; raises WeightsMissing without one."""
        ...


class StandIn:
    """Weights by the rule of standin.py: needs no file, makes pictures of noise."""

    kind = Kind.STAND_IN
    folder = None

    def __init__(self, salt: int = 0) -> None:
        self.salt = salt

    def check(self) -> None:
        """There is no file."""

    def sha256(self) -> str:
        """Of a few tensors, one by each branch of the rule."""
        digest = hashlib.sha256()
        for name, shape in _RULE_SAMPLES.items():
            digest.update(standin_weight(name, shape, self.salt).data)
        return digest.hexdigest()

    def stamp(self, part: Part) -> str:
        return self.sha256()

    def shapes(self, part: Part) -> None:
        return None

    def stored(self, part: Part, name: str, shape: Shape) -> Stored:
        return Stored(torch.float32, shape, lambda: self.read(part, name, shape))

    def where(self, part: Part, names: Collection[str] = ()) -> str:
        return "the stand-ins"

    def read(self, part: Part, name: str, shape: Shape) -> Tensor:
        return torch.from_numpy(standin_weight(name, shape, self.salt))

    def settings(self, part: Part) -> Mapping[str, Any]:
        return {}

    def tokenizer(self) -> Path:
        raise WeightsMissing("Stand-in weights have no tokenizer. Choose a folder with the released model.")


class WeightFolder:
    """A folder of weights in any layout that is known (folder.py), each part in the original or the Diffusers naming.

    Files are mapped, not read whole. Where there is a hashes.json, ``check`` holds them against it. Pickles, which can
    run programs, are opened only if their hash is published, in hashes.json or among *trusted*, and then by
    ``weights_only``. *named* says which files a part has, where the folder leaves it open.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind = Kind.FILES,
        *,
        trusted: Collection[str] = (),
        named: Mapping[Part, Path] | None = None,
    ) -> None:
        self.folder = path
        self.kind = kind
        self._trusted = PUBLISHED_PICKLES | set(trusted)
        self._named = dict(named or {})
        self._checked: dict[str, FileHash] = {}
        self._sha256 = ""
        self._parts: dict[Part, dict[str, Stored]] = {}

    def check(self) -> None:
        packaged = self.kind is Kind.PACKAGED
        remedy = Weights(self.kind).remedy
        self._checked = check_hashes(self.folder, remedy, required=packaged, remember=not packaged)

    def sha256(self) -> str:
        """Over the names and sha256 of the files of all parts; what else lies in the folder is not read."""
        if not self._sha256:
            files = {file for part in Part if part not in self._named for file in self._there(part)}
            names = [file.relative_to(self.folder).as_posix() for file in sorted(files)]
            fresh = remembered_hashes(self.folder, [name for name in names if name not in self._checked])
            known = {**fresh, **self._checked}
            lines = [f"{known[name].sha256}  {name}\n" for name in names]
            lines += [f"{file_hash(file).sha256}  {part}\n" for part, file in sorted(self._named.items())]
            self._sha256 = hashlib.sha256("".join(lines).encode()).hexdigest()
        return self._sha256

    def _there(self, part: Part) -> list[Path]:
        """None where it is not clear which they are: then the part cannot be loaded either."""
        try:
            return part_files(self.folder, part)
        except WeightsError:
            return []

    def stamp(self, part: Part) -> str:
        """Of hashes where they were checked, else of sizes and times."""
        lines = []
        for file in self.files(part):
            now, known = file.stat(), self._checked.get(self._name(file))
            lines.append(f"{file.name} {known.sha256 if known else (now.st_size, now.st_mtime_ns)}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def shapes(self, part: Part) -> Mapping[str, Shape]:
        return {name: stored.shape for name, stored in self._open(part).items()}

    def stored(self, part: Part, name: str, shape: Shape) -> Stored:
        return self._open(part)[name]

    def where(self, part: Part, names: Collection[str] = ()) -> str:
        held = self._open(part)
        spans = {held[name].span for name in names if name in held}
        return _told(sorted({span.path for span in spans if span}) or self.files(part))

    def read(self, part: Part, name: str, shape: Shape) -> Tensor:
        return self.stored(part, name, shape).values()

    def settings(self, part: Part) -> Mapping[str, Any]:
        for path in sorted(self.folder.glob(f"{part}/*config.json")):
            return _object(path)
        return {}

    def tokenizer(self) -> Path:
        return tokenizer(self.folder)

    def files(self, part: Part) -> list[Path]:
        """Raises WeightsMissing if there are none."""
        if files := [self._named[part]] if part in self._named else part_files(self.folder, part):
            return files
        raise WeightsMissing(
            f"No weights of the {part} in {self.folder}: expected {' or '.join(patterns(part))}. "
            "Download the model again.",
            part=part.value,
            folder=str(self.folder),
        )

    def _open(self, part: Part) -> dict[str, Stored]:
        if part not in self._parts:
            tensors: dict[str, Stored] = {}
            for file in self.files(part):
                found = self._open_pickle(file) if file.suffix in PICKLES else open_tensors(file)
                if twice := found.keys() & tensors.keys():
                    raise WeightsMismatch(
                        f"{file.name} holds {len(twice)} tensors of the {part} that another file beside it holds too, "
                        f"first {min(twice)}. Leave one of the two there.",
                        file=str(file),
                    )
                tensors |= found
            self._parts[part] = tidied(part, tensors, _told(self.files(part)))
        return self._parts[part]

    def _open_pickle(self, file: Path) -> dict[str, Stored]:
        refuse_pointer(file)
        name = self._name(file)
        is_inside = (self.folder / name) == file
        found = (remembered_hashes(self.folder, [name])[name] if is_inside else file_hash(file)).sha256
        if name not in self._checked and found not in self._trusted:
            raise WeightsMismatch(
                f"{file.name} is a pickle, which can run programs, and its sha256 {found} is not one that is known "
                f"here. If you trust where it comes from, convert the model once: understudy models convert "
                f"{self.folder} -o NEW --sha256 {found}",
                file=str(file),
                sha256=found,
            )
        return open_pickle(file)

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix() if file.is_relative_to(self.folder) else file.name


def _told(files: Sequence[Path]) -> str:
    return f"{files[0].name} and {len(files) - 1} more" if len(files) > 1 else files[0].name


def _object(path: Path) -> Mapping[str, Any]:
    """What a JSON file holds, by names."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsMismatch(f"{path} is damaged ({error}). Download it again.", file=str(path)) from error
    if not isinstance(found, dict):
        raise WeightsMismatch(f"{path} is no JSON object. Download it again.", file=str(path))
    return found


def open_source(weights: Weights, named: Mapping[Part, Path] | None = None) -> WeightSource:
    """*named*: files of parts that lie elsewhere than in the weights' folder."""
    return WeightFolder(weights.folder, weights.kind, named=named) if weights.folder else StandIn()
