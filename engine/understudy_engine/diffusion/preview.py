"""A rough look at what a step has come to: a linear map of the latents, or one frame decoded.

The map costs nothing and shows a colour for each cell of 8x8 pixels, which at 720p is a picture of 160x90. nano's
pictures are too small for it: 24 dB against 37 dB decoded, in 175 ms of a CPU (scripts/fit_preview.py).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..model.vae import WanVae
from ..types import RgbFrames

DECODED_SCALE = 1 / 2

# Red, green, blue in [-1, 1] of each of 16 channels, and of none. For normalised latents, as ours are. Those of the
# released VAE: ComfyUI v0.3.52, comfy/latent_formats.py, class Wan21, latent_rgb_factors and latent_rgb_factors_bias.
WAN21 = (
    (-0.1299, -0.1692, 0.2932), (0.0671, 0.0406, 0.0442), (0.3568, 0.2548, 0.1747), (0.0372, 0.2344, 0.1420),
    (0.0313, 0.0189, -0.0328), (0.0296, -0.0956, -0.0665), (-0.3477, -0.4059, -0.2925), (0.0166, 0.1902, 0.1975),
    (-0.0412, 0.0267, -0.1364), (-0.1293, 0.0740, 0.1636), (0.0680, 0.3019, 0.1128), (0.0032, 0.0581, 0.0639),
    (-0.1251, 0.0927, 0.1699), (0.0060, -0.0633, 0.0005), (0.3477, 0.2275, 0.2950), (0.1984, 0.0913, 0.1861),
    (-0.1835, -0.0868, -0.3360),
)  # fmt: skip
NANO = (
    (-0.0185, 0.0910, 0.0879), (-0.0945, -0.0720, -0.0627), (0.0467, 0.0669, 0.0117), (0.0393, -0.0545, -0.0414),
    (-0.1306, -0.1074, -0.1118), (0.0541, 0.0247, 0.1210), (0.0137, 0.0828, 0.0192), (0.0217, 0.0451, 0.0152),
    (0.0525, 0.0163, 0.1129), (-0.0535, -0.0591, -0.0172), (-0.0067, 0.0002, -0.0259), (0.0346, 0.0763, 0.0902),
    (-0.0171, 0.0350, 0.0933), (-0.1571, -0.1852, -0.1954), (0.0662, 0.0362, 0.0164), (-0.0099, -0.1008, -0.1616),
    (-0.0972, -0.1352, -0.1917),
)  # fmt: skip
TABLES = {"wan2.2-animate-14b": WAN21, "nano": NANO}


def linear(clean: Tensor, model: str) -> RgbFrames:
    """The middle frame of *clean* latents (16, L, h, w) of *model* as (1, h, w, 3)."""
    table = clean.new_tensor(TABLES.get(model, WAN21))
    middle = clean[:, clean.shape[1] // 2].movedim(0, -1)  # (h, w, 16)
    return _bytes((middle @ table[:-1] + table[-1])[None])


def decoded(clean: Tensor, vae: WanVae) -> RgbFrames:
    """The first frame of *clean* latents (16, L, h, w), decoded, at half its size: (1, 4h, 4w, 3)."""
    frame = vae.decode(clean[None, :, :1])[:, :, 0]  # (1, 3, H, W)
    return _bytes(
        F.interpolate(frame.clamp(-1, 1), scale_factor=DECODED_SCALE, mode="area").permute(0, 2, 3, 1)
    )


def _bytes(values: Tensor) -> RgbFrames:
    return values.clamp(-1, 1).add(1).mul(127.5).round().byte().cpu().numpy()
