"""Convolution over time and space."""

from __future__ import annotations

import os
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from .video import add_channels, double, is_fused_video

Triple = tuple[int, int, int]
EIGHT = 8  # channels that tensor cores take at once


def conv3d(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Triple = (1, 1, 1), padding: Triple = (0, 0, 0)
) -> Tensor:
    """F.conv3d of x (B, C, T, H, W), by the quickest kernel of its device.

    On a CPU torch gives a single video of few frames and channels to a kernel that unfolds it, up to ten times
    slower than oneDNN (ConvolutionParams::use_mkldnn, torch 2.11 to 2.13): here oneDNN is asked for by name.
    cuDNN adds a bias slowly, is quicker at frames than at videos where a kernel looks at single frames, and slow at
    three channels.
    """
    if is_fused_video(x):
        made = _by_cudnn(x, weight, stride, padding)
        return made if bias is None else add_channels(made, bias)
    if x.device.type != "cpu" or x.dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return F.conv3d(x, weight, bias, stride, padding)
    return torch.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1, 1), 1)


def doubled(x: Tensor) -> Tensor:
    """x (B, C, T, H, W) with every pixel four times: (B, C, T, 2H, 2W)."""
    if is_fused_video(x):
        return double(x)
    return F.interpolate(x, scale_factor=(1.0, 2.0, 2.0), mode="nearest-exact")


def _by_cudnn(x: Tensor, weight: Tensor, stride: Triple, padding: Triple) -> Tensor:
    if lacking := -x.shape[1] % EIGHT:
        x = F.pad(x, (0, 0) * 3 + (0, lacking)).contiguous(memory_format=torch.channels_last_3d)
        weight = F.pad(weight, (0, 0) * 3 + (0, lacking)).contiguous(memory_format=torch.channels_last_3d)
    if weight.shape[2] > 1 or stride[0] > 1:
        return F.conv3d(x, weight, None, stride, padding)
    frames = F.conv2d(x.transpose(1, 2).flatten(0, 1), weight[:, :, 0], None, stride[1:], padding[1:])
    made: Tensor = frames.unflatten(0, (x.shape[0], x.shape[2])).transpose(1, 2)
    return made


@cache
def let_cudnn_choose_well() -> None:
    """cuDNN's second way to choose finds kernels for 96 channels that are a third quicker, and always the same.

    torch reads the variable once, before a process' first convolution on a card, and has no other switch (torch 2.11 to
    2.13): so whoever loads a model onto one calls this first.
    """
    os.environ.setdefault("TORCH_CUDNN_USE_HEURISTIC_MODE_B", "1")
