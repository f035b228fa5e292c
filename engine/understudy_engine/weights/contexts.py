"""Prompts to the contexts a model attends to: learned, stored with the weights, remembered on disk, or encoded.

umT5 has 5.7 billion parameters and answers once a prompt, so it is loaded for a prompt that is new here, used and let
go. It runs on the CPU: there it never takes room beside the transformer, its weights stay in the mapped file, and a
prompt has one context on this machine, whatever card is in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..config import refuse_prompt
from ..errors import WeightsError, WeightsMissing
from ..media.atomic import atomic_file
from ..model.between import Between, go_on
from ..model.configs import ModelSpec, TextSpec
from ..model.text_encoder import DEFAULT_PROMPT, NEGATIVE_PROMPT, TextEncoder, encode_prompt
from .fill import check, filling
from .hashes import file_hash
from .mapping import text_names
from .parts import Part
from .sources import WeightSource
from .tensor_files import open_tensors

RULE = 1  # changes when the same prompt would be encoded differently
KEPT = "context"


class Contexts:
    """The contexts of one model's prompts, each (n, text_dim) float32 on *device*, n up to text_len."""

    def __init__(
        self,
        spec: ModelSpec,
        source: WeightSource,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        folder: Path | None = None,
    ) -> None:
        """*folder* keeps what was encoded; None keeps it in memory alone. The encoder computes in *dtype*."""
        self._spec, self._source = spec, source
        self._device, self._dtype = torch.device(device), dtype
        self._folder = folder
        self._known: dict[str, Tensor] = {}
        self._identity = ""

    def of(self, prompt: str = "", between: Between = go_on) -> Tensor:
        """The context of *prompt*; the empty one is the model's default. *between* is called while it is encoded.

        Raises:
            RequestError: the model takes no prompts. WeightsMissing: a prompt is new, and no text encoder is there.
        """
        refuse_prompt(prompt, self._spec)
        return self._context(prompt, DEFAULT_PROMPT, Part.DEFAULT_CONTEXT, between)

    def negative(self) -> Tensor:
        """What guidance leads away from; the default context in models without prompts."""
        if self._spec.text is None:
            return self.of()
        return self._context(NEGATIVE_PROMPT, NEGATIVE_PROMPT, Part.NEGATIVE_CONTEXT)

    def is_known(self, prompt: str) -> bool:
        """Whether ``of`` answers without the text encoder."""
        if not prompt or self._spec.text is None or prompt in self._known:
            return True
        return self._folder is not None and self._file(prompt).is_file()

    def _context(self, prompt: str, usual: str, part: Part, between: Between = go_on) -> Tensor:
        """That of *prompt*, which may lie in the weights as *part* if it is the *usual* one."""
        prompt = prompt or usual
        if prompt not in self._known:
            stored = self._stored(part) if prompt == usual else None
            found = stored if stored is not None else self._recalled(prompt)
            context = found if found is not None else self._encoded(prompt, between)
            self._known[prompt] = context.to(self._device)
        return self._known[prompt]

    def _stored(self, part: Part) -> Tensor | None:
        """A context of 1 to text_len rows; stand-ins have all of them."""
        try:
            held = self._source.shapes(part)
        except WeightsMissing:
            if self._spec.text is None:
                raise
            return None
        shape = (self._spec.transformer.text_len, self._spec.transformer.text_dim)
        if held is not None:
            rows = (held.get(part.value) or shape)[0]
            shape = (min(shape[0], max(1, rows)), shape[1])
            check(part, {part.value: shape}, self._source)
        return self._source.read(part, part.value, shape).float()

    def _recalled(self, prompt: str) -> Tensor | None:
        if self._folder is None or not self._file(prompt).is_file():
            return None
        try:
            return open_tensors(self._file(prompt))[KEPT].values()
        except (WeightsError, KeyError):
            return None  # damaged: it is made again

    def _encoded(self, prompt: str, between: Between) -> Tensor:
        """Loads the text encoder for as long as this takes."""
        assert self._spec.text is not None
        cpu = torch.device("cpu")
        try:
            encoder = load_text_encoder(self._spec.text, self._source, device=cpu, dtype=self._dtype)
        except WeightsMissing as missing:
            own = prompt in (DEFAULT_PROMPT, NEGATIVE_PROMPT)
            whose = "the model's own prompt, which every job needs" if own else "a prompt of yours"
            raise WeightsMissing(
                f"These weights cannot read {whose}, since they bring no text encoder. {missing.message}",
                part=Part.TEXT_ENCODER.value,
            ) from missing
        text_len = self._spec.transformer.text_len
        context = encode_prompt(encoder, self._source.tokenizer(), prompt, text_len, between)
        if self._folder is not None:
            _keep(context, self._file(prompt))
        return context

    def _file(self, prompt: str) -> Path:
        """Named by all that the context comes from."""
        assert self._folder is not None
        if not self._identity:
            tokenizer = file_hash(self._source.tokenizer()).sha256
            self._identity = f"{self._source.stamp(Part.TEXT_ENCODER)} {tokenizer}"
        text = self._spec.text
        rule = [
            RULE,
            self._identity,
            text and astuple(text),
            self._spec.transformer.text_len,
            str(self._dtype),
        ]
        name = hashlib.sha256(json.dumps([*rule, prompt]).encode()).hexdigest()
        return self._folder / f"{name}.safetensors"


def load_text_encoder(
    spec: TextSpec, source: WeightSource, *, device: torch.device, dtype: torch.dtype
) -> TextEncoder:
    table = text_names(spec)
    build = partial(TextEncoder, spec)
    return filling(build, table, source, Part.TEXT_ENCODER, device=device, dtype=dtype).network


def _keep(context: Tensor, file: Path) -> None:
    """Whole or not at all, however many processes encode the same prompt."""
    from safetensors.torch import save

    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(file) as stream:
        stream.write(save({KEPT: context.contiguous()}))
