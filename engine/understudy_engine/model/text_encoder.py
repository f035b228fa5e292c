"""Prompts to context: umT5, from transformers, and the words it is given.

The authors advise against other prompts than theirs, so that most installations store the two contexts and never
load this encoder.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import WeightsMismatch
from .between import Between, go_on
from .configs import TextSpec

DEFAULT_PROMPT = "视频中的人在做动作"
NEGATIVE_PROMPT = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)


class TextEncoder(nn.Module):
    """The umT5 encoder. 11.4 GB in bfloat16 at the release's size."""

    def __init__(self, spec: TextSpec) -> None:
        super().__init__()
        from transformers import UMT5Config, UMT5EncoderModel

        config = UMT5Config(
            vocab_size=spec.vocab,
            d_model=spec.dim,
            d_kv=spec.attention_dim // spec.heads,
            d_ff=spec.ffn_dim,
            num_layers=spec.layers,
            num_heads=spec.heads,
            relative_attention_num_buckets=spec.buckets,
            feed_forward_proj="gated-gelu",
        )
        self.wrapped: nn.Module = UMT5EncoderModel(config)

    @property
    def layers(self) -> Iterable[nn.Module]:
        return self.wrapped.get_submodule("encoder.block").children()

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask (B, n) -> (B, n, dim); rows where mask is 0 mean nothing."""
        out: Tensor = self.wrapped(input_ids=ids, attention_mask=mask).last_hidden_state
        return out


def clean_prompt(text: str) -> str:
    """The text as the tokenizer was trained to see it. Repairs encodings, and makes full-width commas narrow."""
    import ftfy

    repaired = html.unescape(html.unescape(ftfy.fix_text(text)))
    return re.sub(r"\s+", " ", repaired).strip()


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # its library raises no kind of its own
        raise WeightsMismatch(f"{file} is damaged ({error}). Download it again.", file=str(file)) from error


@torch.inference_mode()
def encode_prompt(
    encoder: TextEncoder, tokenizer: Path, text: str, text_len: int, between: Between = go_on
) -> Tensor:
    """The context of *text*: (n, dim) float32, n up to *text_len* tokens and no padding.

    *between* is called before each layer, whose weights, 0.4 GB at the release's size, may come from the disk.
    """
    words = _tokenizer(tokenizer)
    words.no_padding()
    words.enable_truncation(text_len)
    device = next(encoder.parameters()).device
    ids = torch.tensor([words.encode(clean_prompt(text)).ids], device=device)
    with ExitStack() as hooks:
        for layer in encoder.layers:
            hooks.callback(layer.register_forward_pre_hook(lambda *_: between()).remove)
        return encoder(ids, torch.ones_like(ids))[0].float()  # type: ignore[no-any-return]
