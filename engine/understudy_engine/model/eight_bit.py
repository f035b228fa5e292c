"""A transformer whose large matmuls are in eight bits."""

from __future__ import annotations

from typing import cast

from torch import nn

from ..attention import Backend
from ..ops.int8 import Int8Linear
from .transformer import WanAnimateTransformer

IN_BLOCKS = (
    "self_attention.q",
    "self_attention.k",
    "self_attention.v",
    "self_attention.out",
    "cross_attention.q",
    "cross_attention.out",
    "ffn.up",
    "ffn.down",
)
IN_FACE_ADAPTERS = ("q", "out")
"""What every step multiplies tokens by. Keys of context and faces are made once a segment and keep 16 bits."""


def with_int8_linears(transformer: WanAnimateTransformer) -> WanAnimateTransformer:
    """*transformer* itself, its linears of steps replaced; on the meta device too. For inference alone."""
    for block in transformer.blocks:
        for name in IN_BLOCKS:
            _replace(block, name)
        block.self_attention.backend = Backend.AUTO_INT8
    for adapter in transformer.face_adapters:
        for name in IN_FACE_ADAPTERS:
            _replace(adapter, name)
    return transformer


def _replace(module: nn.Module, name: str) -> None:
    parent_name, _, leaf = name.rpartition(".")
    parent = module.get_submodule(parent_name)
    setattr(parent, leaf, Int8Linear.of(cast(nn.Linear, getattr(parent, leaf))))
