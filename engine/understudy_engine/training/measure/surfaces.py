"""Whether the character is itself, and under the right light: its surfaces compared part by part."""

from __future__ import annotations

from types import EllipsisType

import torch
import torch.nn.functional as F
from torch import Tensor

from .colour import delta_e, lab

PARTS = ("skin", "face", "hair", "shirt", "sleeve", "trousers", "shoes", "accessory")  # 1 to 8 in truth_parts
LEAST_PIXELS = 40  # of a part, over the whole clip
QUANTILES = 33
SURFACE_SIGMA_PX = 3.0
REACH_PX = int(3 * SURFACE_SIGMA_PX)  # of the blur


def relight_delta_e(result: Tensor, truth: Tensor, parts: Tensor) -> float:
    """Mean CIEDE2000 between the character's surfaces, (T, 3, H, W) each; parts (T, H, W), 0 = not the character.

    Colours are first averaged with those around them on the same part, so that light counts, and patterns, softness
    and a pixel's displacement hardly do.
    """
    total, count = 0.0, 0
    for part in range(1, len(PARTS) + 1):
        mask = _inner((parts == part)[:, None].to(result))
        if mask.sum() < LEAST_PIXELS:
            continue
        near = _surroundings(mask[:, 0] > 0)
        mask = mask[near]
        share = _blur(mask).clamp(min=1e-4)
        first, second = (_blur(colours[near] * mask) / share for colours in (result, truth))
        apart = delta_e(lab(first), lab(second), dim=1)  # (T, H, W)
        total += float((apart * mask[:, 0]).sum())
        count += int(mask.sum())
    return total / max(1, count)


def _inner(mask: Tensor) -> Tensor:
    """(T, 1, H, W) without its outermost pixels, which others shine into; all of a part too thin for that."""
    inner = 1 - F.max_pool2d(1 - mask, 3, 1, 1)
    return inner if inner.sum() >= LEAST_PIXELS else mask


def _surroundings(mask: Tensor) -> tuple[EllipsisType, slice, slice]:
    """Rows and columns within a blur's reach of a mask (T, H, W) that is not empty, in all frames together: what is
    farther away changes no figure, and takes time."""
    rows, columns = (mask.any(dim=dims).nonzero() for dims in ((0, 2), (0, 1)))
    (top, bottom), (left, right) = (
        (int(first), int(last)) for first, last in (rows.aminmax(), columns.aminmax())
    )
    reach = REACH_PX + 1
    return ..., slice(max(0, top - reach), bottom + reach + 1), slice(max(0, left - reach), right + reach + 1)


def _blur(x: Tensor) -> Tensor:
    radius = REACH_PX
    away = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    bell = torch.exp(-(away**2) / (2 * SURFACE_SIGMA_PX**2))
    kernel = (bell / bell.sum()).view(1, 1, -1, 1)
    planes = x.flatten(0, 1)[:, None]
    planes = F.conv2d(planes, kernel, padding=(radius, 0))
    return F.conv2d(planes, kernel.transpose(2, 3), padding=(0, radius)).view_as(x)


def identity_error(result: Tensor, truth: Tensor, parts: Tensor) -> float:
    """How far colours and patterns of each body part are from the truth's, in Lab units, the mean of the parts.

    A part's colours are three distributions (L, a, b), its pattern two more: how much L changes across, and down,
    over two pixels. Two distributions are as far apart as their quantiles on average (Wasserstein's distance).
    """
    if not parts.any():
        return 0.0
    near = _surroundings(parts > 0)
    result, truth, parts = result[near], truth[near], parts[near]
    first, second = _statistics(result), _statistics(truth)  # (5, T, H, W)
    found = []
    for part in range(1, len(PARTS) + 1):
        mask = parts == part
        if mask.sum() >= LEAST_PIXELS:
            found.append((_quantiles(first[:, mask]) - _quantiles(second[:, mask])).abs().mean())
    return float(torch.stack(found).mean()) if found else 0.0


def _statistics(pictures: Tensor) -> Tensor:
    colours = lab(pictures).transpose(0, 1)  # (3, T, H, W)
    light = F.pad(colours[0], (1, 1, 1, 1), mode="replicate")
    across = (light[:, 1:-1, 2:] - light[:, 1:-1, :-2]).abs()
    down = (light[:, 2:, 1:-1] - light[:, :-2, 1:-1]).abs()
    return torch.cat([colours, across[None], down[None]])


def _quantiles(values: Tensor) -> Tensor:
    """(5, n) -> (5, QUANTILES)"""
    ordered = values.sort(dim=1).values
    places = torch.linspace(0, ordered.shape[1] - 1, QUANTILES, device=values.device).round().long()
    return ordered[:, places]
