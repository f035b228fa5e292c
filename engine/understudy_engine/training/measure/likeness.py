"""How like two pictures are, pixel by pixel: SSIM, PSNR, and what changed where nothing should."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW, SIGMA = 11, 1.5  # of SSIM's Gaussian (Wang et al. 2004)
K1, K2 = 0.01, 0.03
GROW_PX = 3  # the person's region is the truth's matte and this much around it
LEVELS = 255


def person_region(matte: Tensor, grow_px: int = GROW_PX) -> Tensor:
    """(T, H, W) uint8 -> bool, *grow_px* larger to all sides."""
    reach = 2 * grow_px + 1
    inside = (matte >= 128).float()[:, None]
    wider = F.max_pool2d(inside, (1, reach), 1, (0, grow_px))  # a square: along rows, then along columns
    return F.max_pool2d(wider, (reach, 1), 1, (grow_px, 0))[:, 0] > 0


def ssim_map(first: Tensor, second: Tensor) -> Tensor:
    """(T, 3, H, W) in 0-1 -> structural similarity at every pixel, the mean of the three channels, (T, H, W)."""

    def local(x: Tensor) -> Tensor:
        kernel = _gaussian(x)
        x = F.pad(x, (WINDOW // 2,) * 4, mode="reflect")
        return F.conv2d(F.conv2d(x, kernel, groups=3), kernel.transpose(2, 3), groups=3)

    mean1, mean2 = local(first), local(second)
    var1, var2 = local(first**2) - mean1**2, local(second**2) - mean2**2
    both = local(first * second) - mean1 * mean2
    c1, c2 = K1**2, K2**2
    similar = (2 * mean1 * mean2 + c1) * (2 * both + c2)
    return (similar / ((mean1**2 + mean2**2 + c1) * (var1 + var2 + c2))).mean(dim=1)


def _gaussian(like: Tensor) -> Tensor:
    x = torch.arange(WINDOW, device=like.device, dtype=like.dtype) - WINDOW // 2
    bell = torch.exp(-(x**2) / (2 * SIGMA**2))
    return (bell / bell.sum()).view(1, 1, WINDOW, 1).expand(3, 1, WINDOW, 1)


def ssim(result: Tensor, truth: Tensor, region: Tensor) -> float:
    """Mean SSIM over *region* (T, H, W) bool: 1 for equal pictures."""
    return _mean(ssim_map(result, truth), region)


def psnr(result: Tensor, truth: Tensor, region: Tensor) -> float:
    """Peak signal to noise over *region*, dB; 99 at most, so that equal pictures have a mean too."""
    error = _mean(((result - truth) ** 2).mean(dim=1), region)
    return min(99.0, -10 * torch.tensor(max(error, 1e-12)).log10().item())


def background_change(result: Tensor, plate: Tensor, mattes: Tensor) -> float:
    """Mean difference from the plate, in levels of 255, where none of *mattes* (M, T, H, W), grown for the model,
    reaches."""
    grown = torch.stack([person_region(matte, 16) for matte in mattes]).any(dim=0)
    return LEVELS * _mean((result - plate).abs().mean(dim=1), ~grown)


def _mean(values: Tensor, region: Tensor) -> float:
    """Of (T, H, W) where *region*; 0 where it is empty."""
    return float((values * region).sum() / region.sum().clamp(min=1))
