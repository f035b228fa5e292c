"""Convolution over time and space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Triple = tuple[int, int, int]


def conv3d(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Triple = (1, 1, 1), padding: Triple = (0, 0, 0)
) -> Tensor:
    """F.conv3d of x (B, C, T, H, W), by the quickest kernel of its device.

    On a CPU torch gives a single video of few frames and channels to a kernel that unfolds it, up to ten times
    slower than oneDNN (ConvolutionParams::use_mkldnn, torch 2.11 to 2.13): here oneDNN is asked for by name.
    """
    if x.device.type != "cpu" or x.dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return F.conv3d(x, weight, bias, stride, padding)
    return torch.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1, 1), 1)
