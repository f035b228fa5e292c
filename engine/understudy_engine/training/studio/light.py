"""The light of a set, and what it makes of a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import unit
from .look import Colour, hsv
from .paint import Points
from .raster import Surface

SHADOW_STEPS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One key light far away, a fill from the other side, and light from all around. Colours are linear."""

    direction: tuple[float, float, float]  # toward the key light, length 1 (x right, y down, z to the viewer)
    key: Colour
    fill: Colour
    sky: Colour  # from above
    ground: Colour  # from below


def random_light(rng: np.random.Generator) -> Light:
    """A coloured key from the upper left or right, with a fill of another hue."""
    side = float(rng.choice([-1.0, 1.0]))
    direction = np.array([side * rng.uniform(0.55, 0.9), -rng.uniform(0.35, 0.65), rng.uniform(0.5, 0.8)])
    x, y, z = direction / np.linalg.norm(direction)
    hue = float(rng.choice([0.06, 0.09, 0.11, 0.55, 0.60, 0.88]) + rng.uniform(-0.02, 0.02))
    strength = float(rng.uniform(1.15, 1.4))
    key = _scaled(hsv(hue, float(rng.uniform(0.28, 0.5)), 1.0), strength)
    fill = hsv(hue + 0.5, float(rng.uniform(0.35, 0.6)), 1.0)
    return Light(
        direction=(float(x), float(y), float(z)),
        key=key,
        fill=_scaled(fill, 0.22),
        sky=_scaled(hsv(hue + 0.45, 0.22, 1.0), 0.30),
        ground=_scaled(hsv(hue, 0.3, 1.0), 0.13),
    )


def studio_light() -> Light:
    """Soft white light, as a character picture has it."""
    return Light(
        direction=(-0.42, -0.47, 0.777),
        key=(0.86, 0.84, 0.82),
        fill=(0.20, 0.20, 0.21),
        sky=(0.34, 0.34, 0.35),
        ground=(0.20, 0.19, 0.19),
    )


def shade(points: Points, surface: Surface, light: Light, units_per_sample: float) -> Tensor:
    """Linear light (3, M) that each point sends to the viewer."""
    normal = points.normal

    def plane(values: tuple[float, float, float]) -> Tensor:
        return normal.new_tensor(values)[:, None]

    lit, open_sky = (
        f.flatten().index_select(0, points.where) for f in shadows(surface, light, units_per_sample)
    )
    toward, viewer = normal.new_tensor(light.direction), normal.new_tensor([0.0, 0.0, 1.0])
    facing, wrap = toward @ normal, points.wrap
    key = ((facing + wrap) / (1 + wrap)).clamp_(0, 1) * lit
    across = unit(normal.new_tensor([-light.direction[0], 0.15, 0.45]))
    fill = (across @ normal).clamp_(0, 1) * open_sky
    up = 0.5 - 0.5 * normal[1]
    around = torch.lerp(plane(light.ground), plane(light.sky), up) * open_sky
    received = key * plane(light.key) + fill * plane(light.fill) + around
    # Where light fades on skin, red goes furthest.
    received += (wrap * 1.6 * key * (1 - key)) * plane((0.16, 0.03, 0.02))
    edge = (1 - normal[2].clamp(0, 1)) ** 3 * (0.12 + 0.1 * facing).clamp_(min=0.05)
    received += edge * (plane(light.key) * lit + plane(light.sky))
    shine = (unit(toward + viewer) @ normal).clamp_(0, 1) ** 24 * points.gloss * lit
    return points.albedo * received + shine * plane(light.key)


def shadows(surface: Surface, light: Light, units_per_sample: float) -> tuple[Tensor, Tensor]:
    """How much of the key light and of the surroundings each sample sees: two of (N, S, S), 0-1.

    The figure shades itself: the heights seen by the camera are walked toward the light at a quarter of the
    resolution, which also makes the shadow's edge soft.
    """
    quarter = 4
    size = surface.z.shape[-1]
    floor = -0.9  # behind everything, so that the figure's outline casts no halo
    height = F.max_pool2d(surface.z.clamp(min=floor)[:, None], quarter)
    step = quarter * units_per_sample
    dx, dy, dz = light.direction
    reach = step * 1.5 / max(abs(dx), abs(dy))  # so that each step goes 1.5 coarse samples
    blocked = torch.zeros_like(height)
    for k in range(1, SHADOW_STEPS + 1):
        along = k * reach
        there = _shifted(height, along * dx / step, along * dy / step, floor)
        above = (there - (height + along * dz) - 0.05) / (0.06 + 0.06 * along)
        blocked = torch.maximum(blocked, above.clamp(0, 1))
    around = _blur(height, 3)
    buried = ((around - height - 0.01) / 0.30).clamp(0, 1)
    fields = torch.cat([1 - 0.88 * _blur(blocked, 1), 1 - 0.65 * buried], dim=1)
    fine = F.interpolate(fields, size=(size, size), mode="bilinear", align_corners=False)
    return fine[:, 0], fine[:, 1]


def _shifted(image: Tensor, dx: float, dy: float, outside: float) -> Tensor:
    """The image as seen (dx, dy) samples further on, to the nearest whole sample."""
    h, w = image.shape[-2:]
    x, y = max(-w, min(w, round(dx))), max(-h, min(h, round(dy)))
    padded = F.pad(image, (max(-x, 0), max(x, 0), max(-y, 0), max(y, 0)), value=outside)
    return padded[..., max(y, 0) : max(y, 0) + h, max(x, 0) : max(x, 0) + w]


def _blur(image: Tensor, radius: int) -> Tensor:
    for _ in range(2):
        image = F.avg_pool2d(image, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
    return image


def encode(linear: Tensor) -> Tensor:
    """Linear light -> sRGB in 0-1, with a shoulder instead of a hard clip above 0.8."""
    over = (linear - 0.8).clamp(min=0)
    held = torch.where(linear > 0.8, 0.8 + 0.2 * (1 - torch.exp(-over / 0.35)), linear.clamp(min=0))
    return torch.where(held <= 0.0031308, 12.92 * held, 1.055 * held.clamp(min=1e-6) ** (1 / 2.4) - 0.055)


def _scaled(colour: Colour, by: float) -> Colour:
    return colour[0] * by, colour[1] * by, colour[2] * by
