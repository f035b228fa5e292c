"""Films figures: rows of bodies, looks and poses become layers of light with everything known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .body import body_parts
from .camera import View
from .constants import constant
from .figure import pose_skeleton
from .keypoints import whole_body
from .light import LightRows, encode, shade
from .look import LookRows
from .paint import Points, paint
from .pose import Pose
from .proportions import Proportions
from .raster import Surface, rasterise

OVERSAMPLING = 2  # samples a pixel, each way
# What a part map says of each Material: 0 nothing, 1 skin, 2 face, 3 hair, 4 shirt, 5 sleeve, 6 trousers or skirt,
# 7 shoes, 8 accessory.
PART_OF = (1, 2, 3, 4, 5, 5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Figures:
    """Who is filmed: bodies and looks, a row each."""

    body: Proportions
    look: LookRows


@dataclass(frozen=True, slots=True)
class Takes:
    """N rows of figures without anything around them."""

    colours: tuple[Tensor, ...]  # (N, 3, S, S) for each light: linear light times coverage
    cover: Tensor  # (N, S, S) 0-1, the part of each pixel that the figure covers
    parts: Tensor  # (N, S, S) uint8, see PART_OF
    keypoints: Tensor  # (N, 133, 3)


def film(figures: Figures, pose: Pose, view: View, lights: Sequence[LightRows]) -> Takes:
    """Each row's figure, drawn once and lit by each of *lights*, whose tensors have N rows.

    Memory: about 700 bytes a sample that sees a figure, of which a pixel has four, and 0.5 GB at most for drawing.
    """
    skeleton = pose_skeleton(figures.body, pose)
    parts = body_parts(skeleton, figures.look)
    fine = view.finer(OVERSAMPLING)
    surface = rasterise(parts, fine)
    points = paint(surface, parts, skeleton, figures.look, fine)
    colours = tuple(
        _pixels(surface, points, shade(points, surface, light, 1 / fine.scale)) for light in lights
    )
    cover = F.avg_pool2d((surface.part >= 0).float()[:, None], OVERSAMPLING)[:, 0]
    return Takes(colours, cover, _part_map(surface, points), whole_body(skeleton, view.project, view.size))


def _pixels(surface: Surface, points: Points, colours: Tensor) -> Tensor:
    samples = colours.new_zeros((3, surface.part.numel()))
    samples.index_copy_(1, points.where, colours)
    return F.avg_pool2d(samples.view(3, *surface.part.shape), OVERSAMPLING).transpose(0, 1)


def _part_map(surface: Surface, points: Points) -> Tensor:
    """The part with the highest number of each pixel's samples: small ones are not lost."""
    table = constant(tuple(float(part) for part in PART_OF), points.normal).to(torch.uint8)
    samples = torch.zeros(surface.part.numel(), dtype=torch.uint8, device=points.where.device)
    samples.index_copy_(0, points.where, table[points.material])
    count, size = surface.part.shape[0], surface.part.shape[-1] // OVERSAMPLING
    return samples.view(count, size, OVERSAMPLING, size, OVERSAMPLING).amax((2, 4))


def to_bytes(linear: Tensor) -> Tensor:
    """Linear light -> full-range sRGB uint8."""
    return (encode(linear) * 255).round().to(torch.uint8)


def compose(ground: Tensor, colours: Tensor, covers: Tensor, order: Tensor) -> Tensor:
    """Layers over a ground, in linear light.

    *ground* (N, 3, S, S), *colours* (N, P, 3, S, S), *covers* (N, P, S, S); *order* (N, P) layers from far to near.
    """
    rows = torch.arange(len(order), device=order.device)
    for layer in order.unbind(1):
        ground = ground * (1 - covers[rows, layer][:, None]) + colours[rows, layer]
    return ground


def visible(covers: Tensor, order: Tensor) -> Tensor:
    """How much of each pixel each layer covers and no nearer one hides, (N, P, S, S)."""
    rows = torch.arange(len(order), device=order.device)
    seen, free = torch.zeros_like(covers), torch.ones_like(covers[:, 0])
    for layer in order.flip(1).unbind(1):
        own = covers[rows, layer]
        seen[rows, layer] = own * free
        free = free * (1 - own)
    return seen
