"""A face clip to face tokens: the motion encoder reads each picture, the face encoder joins them in time.

The motion encoder is LIA's (StyleGAN2 blocks with equalised learning rates): picture -> 20 coefficients ->
a motion vector in an orthonormal basis.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.norm import layer_norm
from .between import Between, go_on
from .configs import FaceSpec

FACES_AT_ONCE = 8  # pictures a pass while they are large; at 512 px each one needs about 100 MB in float32
# From here on all together, 2 MB each: by its heuristic mode B, cuDNN 9.19 hardly takes less time for 8 than for 39.
SMALL_PX = 32


class EqualConv2d(nn.Module):
    """A convolution whose weight is scaled by 1/√fan_in when it is used, not when it is stored."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.weight = nn.Parameter(torch.randn(c_out, c_in, kernel, kernel))

    def forward(self, x: Tensor) -> Tensor:
        return self.through(x, self.weight, self.padding)

    def through(self, x: Tensor, kernel: Tensor, padding: int) -> Tensor:
        """As forward, with another kernel made of the weight."""
        return F.conv2d(x, kernel * self._gain(1.0), stride=self.stride, padding=padding)

    def _gain(self, gain: float) -> float:
        return gain / math.sqrt(self.weight[0].numel())


class ActivatedConv2d(EqualConv2d):
    """The same, then √2 · leaky_relu(x + bias, 0.2)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__(c_in, c_out, kernel, stride=stride, padding=padding)
        self.bias = nn.Parameter(torch.zeros(1, c_out, 1, 1))

    def through(self, x: Tensor, kernel: Tensor, padding: int) -> Tensor:
        # A positive factor passes through leaky_relu, so √2 scales the small weight instead of the large result.
        gain = math.sqrt(2)
        bias = self.bias.flatten() * gain
        out = F.conv2d(x, kernel * self._gain(gain), bias, stride=self.stride, padding=padding)
        return F.leaky_relu(out, 0.2, inplace=True)


class EqualLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / math.sqrt(self.in_features), self.bias)


def blurred_conv(conv: EqualConv2d, x: Tensor, padding: int) -> Tensor:
    """*conv* of x blurred by the binomial [1, 3, 3, 1] in both directions, zeros outside."""
    if not x.is_cuda:
        blurred: Tensor = conv(_blur(x, padding))
        return blurred
    # cuDNN is slow where every channel is convolved by itself, and means of two read and write the picture thrice
    # (24 ms of a training step of 90): one convolution by the blurred kernel reads it once.
    return conv.through(x, blurred_kernel(conv.weight), padding)


def _blur(x: Tensor, padding: int) -> Tensor:
    return F.conv2d(x, _binomial(x).expand(x.shape[1], 1, 4, 4), padding=padding, groups=x.shape[1])


def blurred_kernel(weight: Tensor) -> Tensor:
    """(out, in, k, k) -> (out, in, k + 3, k + 3): what convolves as *weight* does after a blur."""
    wide = F.conv2d(weight.flatten(0, 1)[:, None], _binomial(weight)[None, None], padding=3)
    kernel: Tensor = wide.squeeze(1).unflatten(0, weight.shape[:2])
    return kernel


def _binomial(like: Tensor) -> Tensor:
    row = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=like.dtype, device=like.device)
    return torch.outer(row, row) / 64


class MotionStage(nn.Module):
    """A residual stage that halves the picture."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv1 = ActivatedConv2d(c_in, c_in, 3, padding=1)
        self.conv2 = ActivatedConv2d(c_in, c_out, 3, stride=2)
        self.skip = EqualConv2d(c_in, c_out, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        deep = blurred_conv(self.conv2, self.conv1(x), 2)
        plain = blurred_conv(self.skip, x, 1)
        out: Tensor = (deep + plain).div_(math.sqrt(2))
        return out


class MotionEncoder(nn.Module):
    """A picture of a face to a motion vector; always float32, since the basis is a QR decomposition."""

    def __init__(self, spec: FaceSpec) -> None:
        super().__init__()
        self.size_px = spec.size_px
        self.faces_at_once = FACES_AT_ONCE
        self.large_stages = max(0, (spec.size_px // SMALL_PX).bit_length() - 1)  # each halves the picture
        channels = spec.channels
        self.conv_in = ActivatedConv2d(3, channels[0], 1)
        self.stages = nn.ModuleList(MotionStage(a, b) for a, b in pairwise(channels))
        self.conv_out = EqualConv2d(channels[-1], spec.style_dim, 4)
        widths = [spec.style_dim] * 5 + [spec.motion_dim]
        self.fc = nn.ModuleList(EqualLinear(a, b) for a, b in pairwise(widths))
        self.directions = nn.Parameter(torch.randn(spec.style_dim, spec.motion_dim))

    def forward(self, faces: Tensor, between: Between = go_on) -> Tensor:
        """faces (n, 3, S, S) in [-1, 1] -> motion vectors (n, style_dim) float32.

        Faces may be on another device than this; they come a few at a time, and *between* is called after each few.
        """
        if faces.shape[-2:] != (self.size_px, self.size_px):
            raise ValueError(
                f"faces are {tuple(faces.shape[-2:])} px, the motion encoder takes {self.size_px}"
            )
        small = []
        for part in faces.split(self.faces_at_once):
            small.append(self._small(part))
            between()
        return self._motion(torch.cat(small))

    def of_one(self, face: Tensor, count: int) -> Tensor:
        """face (3, S, S) -> (count, style_dim): what forward gives for so many of it, seen once while it is large."""
        small = self._small(face.expand(min(count, self.faces_at_once), -1, -1, -1))[:1]
        return self._motion(small.expand(count, -1, -1, -1))

    def _small(self, faces: Tensor) -> Tensor:
        """(n, 3, S, S) -> (n, channels, SMALL_PX, SMALL_PX), or as many pixels as there are if they are fewer."""
        faces = faces.to(self.directions.device, torch.float32, memory_format=torch.channels_last)
        x: Tensor = self.conv_in(faces)  # channels last is a third quicker on a CPU
        for stage in self.stages[: self.large_stages]:
            x = stage(x)
        return x

    def _motion(self, x: Tensor) -> Tensor:
        for stage in self.stages[self.large_stages :]:
            x = stage(x)
        coefficients = self.conv_out(x).flatten(1)  # (n, style_dim)
        for layer in self.fc:
            coefficients = layer(coefficients)
        motion: Tensor = coefficients @ self._basis().T
        return motion

    def _basis(self) -> Tensor:
        # Column signs are LAPACK's Householder signs and carry meaning: never normalise them.
        basis: Tensor = torch.linalg.qr(self.directions.float() + 1e-8).Q
        return basis


class CausalConv1d(nn.Conv1d):
    """Kernel 3, seeing two steps back; the first step stands in for what lies before it."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(c_in, c_out, kernel_size=3, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (2, 0), mode="replicate"))


class FaceEncoder(nn.Module):
    """Motion vectors of every frame to a few tokens for every latent frame, seeing only the past."""

    def __init__(self, spec: FaceSpec, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.heads, self.eps = spec.encoder_heads, eps
        width = spec.encoder_dim
        self.conv_in = CausalConv1d(spec.style_dim, width * spec.encoder_heads)
        self.conv_half = CausalConv1d(width, width, stride=2)
        self.conv_quarter = CausalConv1d(width, width, stride=2)
        self.proj = nn.Linear(width, dim)
        self.padding_token = nn.Parameter(torch.zeros(1, 1, 1, dim))

    def forward(self, motion: Tensor) -> Tensor:
        """motion (B, T, style_dim) -> (B, (T-1)//4 + 1, heads + 1, D)."""
        x = self.conv_in(motion.to(self.conv_in.weight.dtype).transpose(1, 2))
        x = self._activate(x.unflatten(1, (self.heads, -1)).flatten(0, 1))  # (B·heads, width, T)
        x = self._activate(self.conv_half(x))
        x = self._activate(self.conv_quarter(x))
        tokens = self.proj(x.transpose(1, 2)).unflatten(0, (-1, self.heads)).transpose(1, 2)
        padding = self.padding_token.to(tokens.dtype).expand(*tokens.shape[:2], 1, -1)
        return torch.cat([tokens, padding], dim=2)

    def _activate(self, x: Tensor) -> Tensor:
        normed = layer_norm(x.transpose(1, 2), self.eps)
        return F.silu(normed).to(x.dtype).transpose(1, 2)
