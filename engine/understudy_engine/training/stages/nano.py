"""Everything of nano that is trained after the VAE: transformer, image encoder, and the context in place of a text."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import vmap

from ...diffusion.conditioning import layout
from ...model.configs import ModelSpec
from ...model.image_encoder import build_image_encoder
from ...model.transformer import SegmentInputs, WanAnimateTransformer
from ...weights.lora_names import module_names
from .linear import add_lora, compute_in
from .quick import mixed

EXPRESSIONS = 8  # parameters of ClipBatch.expression
FACES_AT_ONCE = 4096  # the engine takes few at a time, to spare memory at 512 px


class Nano(nn.Module):
    """Fresh weights; on CUDA products are bfloat16."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.spec = spec
        self.transformer = WanAnimateTransformer(spec.transformer, spec.face)
        self.image_encoder = build_image_encoder(spec.image)
        text_len, text_dim = spec.transformer.text_len, spec.transformer.text_dim
        self.default_context = nn.Parameter(torch.randn(text_len, text_dim) * 0.5)
        # No part of the model: reads the expression from motion vectors, so that their encoder learns faces directly.
        self.expression = nn.Linear(spec.face.style_dim, EXPRESSIONS)
        self._begin()
        self.to(device)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        for network in (self.transformer, self.image_encoder):
            compute_in(network, dtype)
        self.transformer.motion_encoder.faces_at_once = FACES_AT_ONCE

    @torch.no_grad()
    def _begin(self) -> None:
        """Small where the release's authors begin small: gates, the head, and what adapters add."""
        transformer = self.transformer
        for block in transformer.blocks:
            nn.init.normal_(block.modulation, std=transformer.spec.dim**-0.5)
        nn.init.normal_(transformer.head.modulation, std=transformer.spec.dim**-0.5)
        nn.init.zeros_(transformer.head.proj.weight)
        for (
            name,
            parameter,
        ) in transformer.motion_encoder.fc.named_parameters():  # scaled when used, like its kernels
            nn.init.normal_(parameter) if name.endswith("weight") else nn.init.zeros_(parameter)
        for adapter in transformer.face_adapters:
            nn.init.zeros_(adapter.out.weight)
            nn.init.zeros_(adapter.out.bias)
        positions = getattr(self.image_encoder, "positions", None)
        if positions is not None:
            nn.init.normal_(positions, std=0.02)

    def add_lora(self, name: str, rank: int) -> None:
        add_lora(self.transformer, list(module_names(self.spec.transformer).values()), name, rank)

    def prepare(self, batch: Mapping[str, Tensor]) -> SegmentInputs:
        """What all noise levels of a batch share; the batch as SampleBank draws it."""
        return self.prepared(batch, self.motion(batch["faces"]))

    def motion(self, faces: Tensor) -> Tensor:
        """As the transformer does it, but for the precision: in float32 it would be a third of a training step."""
        with mixed(faces.device):
            return self.transformer.motion(faces).float()

    def prepared(self, batch: Mapping[str, Tensor], motion: Tensor) -> SegmentInputs:
        """The same, from motion vectors (B, T, style_dim)."""
        context = self.default_context.expand(len(batch["pose"]), -1, -1)
        y = vmap(layout)(batch["reference"], batch["known"], batch["keep"])
        return SegmentInputs(
            self.transformer.encode_layout(y, self._pose(batch)),
            self.transformer.encode_context(context, self.image_encoder(batch["picture"])),
            self.transformer.face_inputs(motion),
        )

    def _pose(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The skeletons of every frame that has one."""
        if not self.spec.transformer.reference_pose:
            return batch["pose"]
        return torch.cat([batch["reference_pose"], batch["pose"]], dim=2)

    def forward(self, latents: Tensor, timestep: Tensor, inputs: SegmentInputs) -> Tensor:
        velocity: Tensor = self.transformer(latents, timestep, inputs)
        return velocity
