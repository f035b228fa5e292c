"""Cutting people out of pictures: boxes, their crops, and points carried along."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GROWTH = 1.25  # how much larger than the person's box a crop is (engine_spec 6.4)


def crop_boxes(boxes: Tensor, aspect: float) -> Tensor:
    """(N, 4) -> boxes 1.25 times as large around the same middle, *aspect* = width / height, that hold all of it."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    extent = boxes[:, 2:] - boxes[:, :2]
    height = torch.maximum(extent[:, 0] / aspect, extent[:, 1]) * GROWTH
    half = torch.stack([height * aspect, height], dim=-1) / 2
    return torch.cat([middle - half, middle + half], dim=1)


def cut(pictures: Tensor, boxes: Tensor, height: int, width: int, *, padding: str = "zeros") -> Tensor:
    """(N, C, H, W) float -> what lies in *boxes* (N, 4), each as (N, C, height, width), bilinear."""
    size = boxes.new_tensor([pictures.shape[-1], pictures.shape[-2]])
    scale = (boxes[:, 2:] - boxes[:, :2]) / size
    shift = (boxes[:, 2:] + boxes[:, :2]) / size - 1
    affine = torch.cat([torch.diag_embed(scale), shift[..., None]], dim=-1)  # (N, 2, 3)
    grid = F.affine_grid(affine, [len(boxes), 1, height, width], align_corners=False)
    return F.grid_sample(pictures, grid.to(pictures), padding_mode=padding, align_corners=False)


def into(points: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """(N, K, 2 or more) in pixels of the picture -> in pixels of the crops of *boxes*; further values stay."""
    low, extent = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    xy = (points[..., :2] - low) / extent * extent.new_tensor([width, height])
    return torch.cat([xy, points[..., 2:]], dim=-1)


def out_of(points: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """The way back from ``into``."""
    low, extent = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    xy = points[..., :2] / extent.new_tensor([width, height]) * extent + low
    return torch.cat([xy, points[..., 2:]], dim=-1)


def jittered(boxes: Tensor, generator: torch.Generator, *, shift: float, scale: float) -> Tensor:
    """*boxes* (N, 4) moved by up to *shift* of their size and made up to 1 + *scale* times larger or smaller."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    extent = boxes[:, 2:] - boxes[:, :2]
    noise = torch.rand(len(boxes), 4, generator=generator, device=boxes.device) * 2 - 1
    middle = middle + noise[:, :2] * shift * extent
    half = extent / 2 * (1 + scale) ** noise[:, 2:]
    return torch.cat([middle - half, middle + half], dim=1)
