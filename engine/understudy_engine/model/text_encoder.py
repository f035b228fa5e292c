"""Prompts to context: umT5, from transformers, and the words it is given."""

from __future__ import annotations

from torch import Tensor, nn

from .configs import TextSpec


class TextEncoder(nn.Module):
    """The umT5 encoder. 11.4 GB in bfloat16 at the release's size."""

    def __init__(self, spec: TextSpec) -> None:
        super().__init__()
        from transformers import UMT5Config, UMT5EncoderModel

        self.wrapped: nn.Module = UMT5EncoderModel(
            UMT5Config(
                vocab_size=spec.vocab,
                d_model=spec.dim,
                d_kv=spec.attention_dim // spec.heads,
                d_ff=spec.ffn_dim,
                num_layers=spec.layers,
                num_heads=spec.heads,
                relative_attention_num_buckets=spec.buckets,
                feed_forward_proj="gated-gelu",
            )
        )

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids and mask (B, n) -> (B, n, dim); rows where mask is 0 mean nothing."""
        out: Tensor = self.wrapped(input_ids=ids, attention_mask=mask).last_hidden_state
        return out
