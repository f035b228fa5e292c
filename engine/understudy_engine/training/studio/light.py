"""The light of a set, and what it makes of a surface."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .constants import constant
from .geometry import unit, vector
from .look import Colour, hsv
from .paint import Points
from .raster import Surface

SHADOW_STEPS = 14
COARSE = 4  # samples of the picture to one of the shadows', each way
BEHIND_ALL = -0.9  # heads; what lies behind everything, so that the figure's outline casts no halo


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """One key light far away, a fill from the other side, and light from all around. Colours are linear."""

    direction: tuple[float, float, float]  # toward the key light, length 1 (x right, y down, z to the viewer)
    key: Colour
    fill: Colour
    sky: Colour  # from above
    ground: Colour  # from below
    softness: float = 0.3  # of shadows: 0 sharp, as from the sun, to 1 hardly any, as under a cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class LightRows:
    """The light of every row."""

    direction: Tensor  # (N, 3), as all but the last
    key: Tensor
    fill: Tensor
    sky: Tensor
    ground: Tensor
    softness: Tensor  # (N,)

    def at(self, rows: Tensor) -> LightRows:
        """The rows whose numbers are *rows* (M,)."""
        return LightRows(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def light_rows(lights: Sequence[Light], device: torch.device | str) -> LightRows:
    """One row for each of *lights*."""
    return LightRows(
        **{
            field.name: torch.tensor([getattr(light, field.name) for light in lights], device=device)
            for field in fields(Light)
        }
    )


def sample_light(rng: np.random.Generator) -> Light:
    """The light of a place: from anywhere before the figure and a little behind it, of any strength and contrast;
    one in three is neutral, one in two warm or cool as lamps and skies are, the rest coloured."""
    side, height = rng.uniform(-1, 1), rng.uniform(-0.85, 0.15)
    back = rng.random() < 0.15
    toward = np.array([side, height, rng.uniform(-0.25, 0.1) if back else rng.uniform(0.25, 1.0)])
    if back:
        toward[0] = math.copysign(rng.uniform(0.6, 1.0), side)
    hue, saturation = _tint(rng)
    contrast = float(rng.beta(1.4, 1.4))  # the part of the light that is the key's
    exposure = float(np.exp(rng.uniform(math.log(0.62), math.log(1.2))))
    around = exposure * (1.12 - 0.85 * contrast)
    opposite = hue + 0.5 + rng.normal(0, 0.08)
    return Light(
        direction=_direction(toward),
        key=_scaled(_evened(hsv(hue, saturation, 1.0)), exposure * (0.55 + 0.85 * contrast)),
        fill=_scaled(_evened(hsv(opposite, saturation * float(rng.uniform(0.3, 1)), 1.0)), 0.34 * around),
        sky=_scaled(_evened(hsv(opposite, saturation * float(rng.uniform(0.1, 0.6)), 1.0)), 0.60 * around),
        ground=_scaled(_evened(hsv(hue, saturation * 0.7, 1.0)), 0.30 * around),
        softness=float(np.clip(1.1 - contrast + rng.normal(0, 0.25), 0, 1)),
    )


def _tint(rng: np.random.Generator) -> tuple[float, float]:
    """Hue and saturation of a key light."""
    kind = rng.random()
    if kind < 0.33:
        return float(rng.uniform()), float(rng.uniform(0, 0.08))
    if kind < 0.85:
        hue = rng.choice([0.06, 0.09, 0.12, 0.56, 0.61]) + rng.uniform(-0.02, 0.02)
        return float(hue), float(rng.uniform(0.08, 0.38))
    return float(rng.uniform()), float(rng.uniform(0.25, 0.5))


def sample_picture_light(rng: np.random.Generator) -> Light:
    """The light of a character picture: soft and white in two pictures of three, else tinted or from a side."""
    usual = studio_light()
    tinted, sided = (rng.random(2) < 0.2).tolist()
    hue, saturation = _tint(rng) if tinted else (float(rng.uniform()), float(rng.uniform(0, 0.05)))
    sideways = float(rng.uniform(0.5, 0.95) if sided else rng.uniform(0, 0.5)) * float(rng.choice([-1, 1]))
    toward = np.array([sideways, rng.uniform(-0.65, -0.2), rng.uniform(0.3, 0.6) if sided else 0.78])
    tint = _evened(hsv(hue, 0.7 * saturation, 1.0))
    strength, contrast = float(rng.uniform(0.9, 1.08)), float(rng.uniform(0.6, 0.9) if sided else 1.0)
    return Light(
        direction=_direction(toward),
        key=_scaled(_times(usual.key, tint), strength * (1.8 - 0.8 * contrast)),
        fill=_scaled(_times(usual.fill, tint), strength * contrast),
        sky=_scaled(_times(usual.sky, tint), strength * contrast),
        ground=_scaled(_times(usual.ground, tint), strength * contrast),
        softness=float(rng.uniform(0.2, 0.9)),
    )


def random_light(rng: np.random.Generator) -> Light:
    """A coloured key from the upper left or right, with a fill of another hue."""
    side = float(rng.choice([-1.0, 1.0]))
    toward = np.array([side * rng.uniform(0.55, 0.9), -rng.uniform(0.35, 0.65), rng.uniform(0.5, 0.8)])
    hue = float(rng.choice([0.06, 0.09, 0.11, 0.55, 0.60, 0.88]) + rng.uniform(-0.02, 0.02))
    strength = float(rng.uniform(1.15, 1.4))
    key = _scaled(hsv(hue, float(rng.uniform(0.28, 0.5)), 1.0), strength)
    fill = hsv(hue + 0.5, float(rng.uniform(0.35, 0.6)), 1.0)
    return Light(
        direction=_direction(toward),
        key=key,
        fill=_scaled(fill, 0.22),
        sky=_scaled(hsv(hue + 0.45, 0.22, 1.0), 0.30),
        ground=_scaled(hsv(hue, 0.3, 1.0), 0.13),
    )


def studio_light() -> Light:
    """Soft white light, as most character pictures have it."""
    return Light(
        direction=(-0.42, -0.47, 0.777),
        key=(0.86, 0.84, 0.82),
        fill=(0.20, 0.20, 0.21),
        sky=(0.34, 0.34, 0.35),
        ground=(0.20, 0.19, 0.19),
    )


def shade(
    points: Points, surface: Surface, light: Light | LightRows, units_per_sample: float | Tensor
) -> Tensor:
    """Linear light (3, M) that each point sends to the viewer.

    *light* has a row for each of the surface's N pictures, or is the same for all; *units_per_sample*, in heads,
    is (N,) or the same for all. Memory: about 150 bytes a point and 10 bytes a sample.
    """
    count, size = surface.z.shape[0], surface.z.shape[-1]
    device = surface.z.device
    if isinstance(light, Light):
        light = light_rows([light] * count, device)
    pitch = torch.as_tensor(units_per_sample, dtype=torch.float32, device=device).expand(count)
    row = points.where // size**2

    def at_points(values: Tensor) -> Tensor:
        """(N, 3) -> (3, M)"""
        return values.mT.index_select(1, row)

    lit, open_sky = (f.flatten().index_select(0, points.where) for f in shadows(surface.z, light, pitch))
    key_colour, sky = at_points(light.key), at_points(light.sky)
    normal, wrap = points.normal, points.wrap
    facing = (at_points(light.direction) * normal).sum(0)
    key = ((facing + wrap) / (1 + wrap)).clamp_(0, 1) * lit
    fill = (at_points(_across(light.direction)) * normal).sum(0).clamp_(0, 1) * open_sky
    around = torch.lerp(at_points(light.ground), sky, 0.5 - 0.5 * normal[1]) * open_sky
    received = key * key_colour + fill * at_points(light.fill) + around
    # Where light fades on skin, red goes furthest.
    received += (wrap * 1.6 * key * (1 - key)) * constant((0.16, 0.03, 0.02), normal)[:, None]
    edge = (1 - normal[2].clamp(0, 1)) ** 3 * (0.12 + 0.1 * facing).clamp_(min=0.05)
    received += edge * (key_colour * lit + sky)
    halfway = unit(light.direction + constant((0.0, 0.0, 1.0), light.direction))
    shine = (at_points(halfway) * normal).sum(0).clamp_(0, 1) ** 24 * points.gloss * lit
    return points.albedo * received + shine * key_colour


def _across(direction: Tensor) -> Tensor:
    """Toward the fill light, (N, 3)."""
    x = direction[:, 0]
    return unit(vector(-x, torch.full_like(x, 0.15), torch.full_like(x, 0.45)))


def shadows(z: Tensor, light: LightRows, units_per_sample: Tensor) -> tuple[Tensor, Tensor]:
    """How much of the key light and of the surroundings each sample of depth *z* sees: two of (N, S, S), 0-1.

    The figure shades itself: the heights seen by the camera are walked toward the light at a quarter of the
    resolution, which also makes the shadow's edge soft.
    """
    size = z.shape[-1]
    height = F.max_pool2d(z.clamp(min=BEHIND_ALL)[:, None], COARSE)
    step = COARSE * units_per_sample  # heads, (N,)
    direction = light.direction / light.direction[:, :2].abs().amax(1, keepdim=True).clamp(min=0.1)
    apart = 0.06 + 0.10 * light.softness[:, None, None, None]
    blocked = torch.zeros_like(height)
    for k in range(1, SHADOW_STEPS + 1):
        there = _further(height, 1.5 * k * direction[:, :2])  # each step goes 1.5 coarse samples
        along = (1.5 * k * step)[:, None, None, None]
        above = (there - (height + along * direction[:, 2, None, None, None]) - 0.05) / (
            apart + apart * along
        )
        blocked = torch.maximum(blocked, above.clamp(0, 1))
    buried = ((blur_box(height, 3) - height - 0.01) / 0.30).clamp(0, 1)
    depth = (0.95 - 0.35 * light.softness)[:, None, None, None]
    blocked = torch.lerp(blur_box(blocked, 1), blur_box(blocked, 3), light.softness[:, None, None, None])
    fields = torch.cat([1 - depth * blocked, 1 - 0.65 * buried], dim=1)
    fine = F.interpolate(fields, size=(size, size), mode="bilinear", align_corners=False)
    return fine[:, 0], fine[:, 1]


def _further(height: Tensor, samples: Tensor) -> Tensor:
    """Each of the heights (N, 1, h, w) as it is *samples* (N, 2), x and y, further on."""
    h, w = height.shape[-2:]
    still = torch.eye(2, 3, device=height.device).expand(len(height), 2, 3)
    moved = torch.cat([still[..., :2], samples[..., None] * constant(((2 / w,), (2 / h,)), samples)], dim=-1)
    grid = F.affine_grid(moved, list(height.shape), align_corners=False)
    return F.grid_sample(height - BEHIND_ALL, grid, align_corners=False) + BEHIND_ALL


def blur_box(image: Tensor, radius: int) -> Tensor:
    """The image (N, K, H, W) averaged twice over squares of 2 * *radius* + 1 samples."""
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


def _times(colour: Colour, tint: Colour) -> Colour:
    return colour[0] * tint[0], colour[1] * tint[1], colour[2] * tint[2]


def _evened(colour: Colour) -> Colour:
    """The colour at the brightness of white: half of the way in luminance, so that a blue light is not dark."""
    luminance = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
    return _scaled(colour, min(1.6, luminance**-0.5))


def _direction(toward: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (toward / np.linalg.norm(toward)).tolist()
    return x, y, z
