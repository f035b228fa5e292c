"""A model of a few thousand parameters with every part of the real one, for tests alone."""

from __future__ import annotations

from understudy_engine.model.configs import (
    FaceSpec,
    ModelSpec,
    PatchEncoderSpec,
    SamplingDefaults,
    TransformerSpec,
    VaeSpec,
)
from understudy_engine.types import Solver

TINY = ModelSpec(
    name="tiny",
    title="tiny (tests only)",
    transformer=TransformerSpec(
        dim=16, heads=2, ffn_dim=32, layers=2, face_every=2, text_dim=8, text_len=4, image_dim=8, freq_dim=16
    ),
    face=FaceSpec(size_px=16, channels=(4, 4, 4), style_dim=8, motion_dim=4, encoder_dim=8, encoder_heads=2),
    vae=VaeSpec(dim=2, dim_mult=(1, 2, 2, 2), res_blocks=1),
    image=PatchEncoderSpec(image_px=16, patch_px=8, dim=8, layers=1, heads=2),
    text=None,
    segment_frames=9,
    sampling=SamplingDefaults(steps=2, solver=Solver.EULER, work_area_px=64 * 64),
    notice="tiny exists for tests.",
)
