"""Places for figures to stand in: out-of-focus rooms for clips, plain paper for character pictures.

Pictures of the world have spectra that fall with frequency; white noise does not look like anything, and no video
model compresses it. So shapes are blurred, and textures are 1/f noise.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .light import Light
from .look import hsv

Field = NDArray[np.float64]  # (H, W)
Picture = NDArray[np.float64]  # (H, W, 3), linear light


def render_room(rng: np.random.Generator, size: int, light: Light) -> Tensor:
    """A blurred interior in *light*, (3, size, size) in linear light."""
    x, y = _grid(size)
    hue = float(rng.uniform())
    wall = _between(hsv(hue, 0.34, 0.66), hsv(hue + 0.06, 0.46, 0.42), _rise(y, -0.2, 1.1))
    floor_at = float(rng.uniform(0.66, 0.78))
    floor = np.array(hsv(hue + float(rng.uniform(0.4, 0.6)), 0.35, 0.34))
    room = wall + (floor - wall) * _rise(y, floor_at - 0.02, floor_at + 0.02)[..., None]
    room = _furnish(rng, room, x, y, hue)
    room = _bokeh(rng, room, x, y, light)
    room = room * (1 + 0.11 * falling_noise(rng, size, 1.5) + 0.03 * falling_noise(rng, size, 0.9))[..., None]
    return _lit(room, x, y, light)


def render_paper(rng: np.random.Generator, size: int) -> Tensor:
    """A plain coloured ground that is brighter in the middle, (3, size, size) in linear light."""
    x, y = _grid(size)
    hue = float(rng.uniform())
    away = np.sqrt((x - 0.5) ** 2 + (y - 0.42) ** 2)
    paper = _between(hsv(hue, 0.16, 0.90), hsv(hue + 0.04, 0.34, 0.58), _rise(away, 0.05, 0.85))
    return _tensor(paper * (1 + 0.03 * falling_noise(rng, size, 1.2))[..., None])


def falling_noise(rng: np.random.Generator, size: int, power: float) -> Field:
    """Noise whose amplitude falls with frequency as 1 / f**power; mean 0, standard deviation 1."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    frequency = np.maximum(np.hypot(fx, fy), 1 / size)
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**power
    spectrum[0, 0] = 0
    noise: Field = np.fft.irfft2(spectrum, s=(size, size))
    noise /= noise.std()
    return noise


def _furnish(rng: np.random.Generator, room: Picture, x: Field, y: Field, hue: float) -> Picture:
    """Soft rectangles: shelves, frames, a window."""
    for index in range(11):
        blur = float(rng.uniform(0.010, 0.035))
        cx, cy = float(rng.uniform()), float(rng.uniform(0.05, 0.75))
        half_w, half_h = float(rng.uniform(0.03, 0.16)), float(rng.uniform(0.04, 0.20))
        window = index == 3
        value = 1.0 if window else float(rng.uniform(0.2, 0.75))
        colour = hsv(
            hue + float(rng.normal(0, 0.12)), 0.15 if window else float(rng.uniform(0.2, 0.6)), value
        )
        inside = _step(half_w - abs(x - cx), blur) * _step(half_h - abs(y - cy), blur)
        room = _over(room, colour, inside * (0.9 if window else 0.75))
    return room


def _bokeh(rng: np.random.Generator, room: Picture, x: Field, y: Field, light: Light) -> Picture:
    """Lamps out of focus."""
    for _ in range(int(rng.integers(7, 14))):
        cx, cy, radius = float(rng.uniform()), float(rng.uniform(0, 0.6)), float(rng.uniform(0.018, 0.05))
        inside = _step(radius - np.hypot(x - cx, y - cy), 0.008)
        room = room + inside[..., None] * np.array(light.key) * float(rng.uniform(0.06, 0.22))
    return room


def _lit(room: Picture, x: Field, y: Field, light: Light) -> Tensor:
    """The key light falls off across the room; corners are darker."""
    toward = x if light.direction[0] > 0 else 1 - x
    key = (0.38 + 0.42 * toward)[..., None] * np.array(light.key)
    around = 0.9 * np.array(light.sky) + 0.6 * np.array(light.fill)
    corners = 1 - 0.5 * np.clip((x - 0.5) ** 2 + (y - 0.5) ** 2, 0, 1)
    return _tensor(room * (key + around) * corners[..., None])


def _grid(size: int) -> tuple[Field, Field]:
    middles = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(middles, middles)
    return x, y


def _rise(v: Field, low: float, high: float) -> Field:
    t: Field = np.clip((v - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _step(distance: Field, blur: float) -> Field:
    return _rise(distance, -blur, blur)


def _between(a: tuple[float, ...], b: tuple[float, ...], part: Field) -> Picture:
    mixed: Picture = np.array(a) + (np.array(b) - np.array(a)) * part[..., None]
    return mixed


def _over(room: Picture, colour: tuple[float, ...], alpha: Field) -> Picture:
    return room + (np.array(colour) - room) * alpha[..., None]


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(picture.clip(0).astype(np.float32)).permute(2, 0, 1).contiguous()
