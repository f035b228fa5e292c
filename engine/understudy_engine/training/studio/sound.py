"""A voice for the performance: harmonics through two formants that follow the mouth."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from .performance import Performance

SAMPLE_RATE = 48_000
HARMONICS = 28


def speak(
    performance: Performance, frames: int, rate: Fraction, rng: np.random.Generator
) -> NDArray[np.int16]:
    """The sound of *frames* frames at *rate*, (samples, 2) at SAMPLE_RATE, to the nearest sample."""
    count = round(frames * SAMPLE_RATE / rate)
    seconds = torch.arange(count, dtype=torch.float64) / SAMPLE_RATE
    opened, puckered = (curve.numpy() for curve in performance.mouth(seconds))
    time = seconds.numpy()
    pitch = rng.uniform(105, 215) * (
        1 + 0.05 * np.sin(2 * np.pi * 0.9 * time) + 0.012 * np.sin(2 * np.pi * 5.2 * time)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    first, second = 280 + 520 * opened, 1750 - 950 * puckered
    voice = np.zeros(count)
    for k in range(1, HARMONICS + 1):
        heard = _formant(k * pitch, first, 110) + 0.6 * _formant(k * pitch, second, 170) + 0.04
        voice += heard * np.sin(k * phase) / k
    breath = rng.standard_normal(count) * 0.02
    mono = (voice + breath) * np.clip(opened * 1.4, 0, 1) ** 1.5
    mono *= 0.32 / max(1e-9, float(np.abs(mono).max()))
    room = rng.standard_normal((count, 2)) * 0.0008
    stereo = np.clip(mono[:, None] + room, -1, 1)
    return np.round(stereo * 32767).astype(np.int16)


def _formant(
    frequency: NDArray[np.float64], middle: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    return 1 / (1 + ((frequency - middle) / width) ** 2)
