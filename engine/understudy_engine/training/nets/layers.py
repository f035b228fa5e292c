"""The few layers that the small nets are built of."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNorm(nn.Module):
    """Convolution, batch norm and, if *act*, a rectifier. The norm disappears into the convolution at export."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, act: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return F.relu(x) if self.act else x


class Mix(nn.Module):
    """A residual block: looks around each channel by itself (5x5), then mixes channels through a wider layer."""

    def __init__(self, dim: int, wider: int = 2) -> None:
        super().__init__()
        self.look = ConvNorm(dim, dim, 5, groups=dim, act=False)
        self.widen = ConvNorm(dim, wider * dim)
        self.narrow = ConvNorm(wider * dim, dim, act=False)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.narrow(self.widen(self.look(x)))
        return x + mixed


class Hourglass(nn.Module):
    """Down through *dims*, halving each time, with *depth* blocks at each size, and back up again.

    (B, dims[0], H, W) in and out; H and W must be multiples of 2 ** (len(dims) - 1).
    """

    def __init__(self, dims: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [nn.Sequential(*(Mix(d) for _ in range(n))) for d, n in zip(dims, depths, strict=True)]
        )
        pairs = list(pairwise(dims))
        self.downs = nn.ModuleList([ConvNorm(a, b, 3, 2) for a, b in pairs])
        self.ups = nn.ModuleList([ConvNorm(b, a) for a, b in pairs])
        self.joins = nn.ModuleList([Mix(a) for a, _ in pairs])

    def forward(self, x: Tensor) -> Tensor:
        seen = [self.stages[0](x)]
        for down, stage in zip(self.downs, self.stages[1:], strict=True):
            seen.append(stage(down(seen[-1])))
        x = seen.pop()
        for up, join, beside in zip(reversed(self.ups), reversed(self.joins), reversed(seen), strict=True):
            x = join(beside + F.interpolate(up(x), scale_factor=2.0, mode="nearest"))
        return x


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def fold(net: nn.Module) -> nn.Module:
    """*net* for inference with every norm inside its convolution, in place. Raises nothing; gradients are lost."""
    for module in net.modules():
        if isinstance(module, ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = _folded(module.conv, module.norm)
            module.norm = nn.Identity()  # type: ignore[assignment]
    return net.eval()


@torch.no_grad()
def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    size = (conv.kernel_size[0], conv.kernel_size[1])
    made = nn.Conv2d(
        conv.in_channels, conv.out_channels, size, (conv.stride[0], conv.stride[1]),
        (size[0] // 2, size[1] // 2), groups=conv.groups,
    )  # fmt: skip
    made.weight.copy_(conv.weight * scale[:, None, None, None])
    assert made.bias is not None
    made.bias.copy_(norm.bias - norm.running_mean * scale)
    return made
