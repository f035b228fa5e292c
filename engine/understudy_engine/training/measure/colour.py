"""How different two colours look: sRGB -> CIELAB (D65), and the difference CIEDE2000."""

from __future__ import annotations

import math

import torch
from torch import Tensor

WHITE = (0.95047, 1.0, 1.08883)  # D65
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


def lab(pictures: Tensor) -> Tensor:
    """(..., 3, H, W) sRGB in 0-1 -> L* 0-100, a*, b*, in the same shape."""
    linear = torch.where(
        pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055).clamp(min=0) ** 2.4
    )
    matrix = linear.new_tensor(TO_XYZ) / linear.new_tensor(WHITE)[:, None]
    xyz = torch.einsum("ij,...jhw->...ihw", matrix, linear)
    f = torch.where(xyz > (6 / 29) ** 3, xyz.clamp(min=1e-12) ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f.unbind(dim=-3)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-3)


def delta_e(first: Tensor, second: Tensor, dim: int = -1) -> Tensor:
    """CIEDE2000 between Lab colours that lie along *dim*: 1 is about what an eye can just tell apart.

    Sharma, Wu, Dalal: "The CIEDE2000 color-difference formula", Color Research and Application 30 (2005); the
    equations carry its numbers. Hues in radians.
    """
    l1, a1, b1 = first.unbind(dim)
    l2, a2, b2 = second.unbind(dim)
    mean_chroma = (torch.hypot(a1, b1) + torch.hypot(a2, b2)) / 2
    g = 0.5 * (1 - _seventh(mean_chroma))  # (4)
    a1, a2 = a1 * (1 + g), a2 * (1 + g)  # (5)
    c1, c2 = torch.hypot(a1, b1), torch.hypot(a2, b2)  # (6)
    h1, h2 = (torch.atan2(b, a) % (2 * math.pi) for a, b in ((a1, b1), (a2, b2)))  # (7)
    grey = c1 * c2 == 0
    turn = (h2 - h1 + math.pi) % (2 * math.pi) - math.pi
    turn = torch.where(grey, torch.zeros_like(turn), turn)  # (10)
    lightness, chroma = l2 - l1, c2 - c1  # (8), (9)
    hue = 2 * (c1 * c2).sqrt() * (turn / 2).sin()  # (11)

    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2  # (12), (13)
    mean_h = _mean_hue(h1, h2, grey)  # (14)
    t = (
        1 - 0.17 * (mean_h - math.radians(30)).cos() + 0.24 * (2 * mean_h).cos()
        + 0.32 * (3 * mean_h + math.radians(6)).cos() - 0.20 * (4 * mean_h - math.radians(63)).cos()
    )  # fmt: skip  # (15)
    bell = math.radians(30) * torch.exp(-(((torch.rad2deg(mean_h) - 275) / 25) ** 2))  # (16)
    turned = 2 * _seventh(mean_c)  # (17)
    away = (mean_l - 50) ** 2
    s_l = 1 + 0.015 * away / (20 + away).sqrt()  # (18)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t  # (19), (20)
    rotated = -(2 * bell).sin() * turned  # (21)
    lightness, chroma, hue = lightness / s_l, chroma / s_c, hue / s_h
    return (lightness**2 + chroma**2 + hue**2 + rotated * chroma * hue).clamp(min=0).sqrt()  # (22)


def _seventh(chroma: Tensor) -> Tensor:
    return (chroma**7 / (chroma**7 + 25.0**7)).sqrt()


def _mean_hue(h1: Tensor, h2: Tensor, grey: Tensor) -> Tensor:
    total = h1 + h2
    wrapped = torch.where(total < 2 * math.pi, (total + 2 * math.pi) / 2, (total - 2 * math.pi) / 2)
    mean = torch.where((h1 - h2).abs() <= math.pi, total / 2, wrapped)
    return torch.where(grey, total, mean)
