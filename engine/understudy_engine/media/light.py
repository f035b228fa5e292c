"""From a clip's transfer curve to linear light, the way ITU and IEC write the curves down."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..errors import UnsupportedMedia
from .colour import Float

Curve = Callable[[Float], Float]

REFERENCE_WHITE_NITS = 100.0  # PQ is absolute: so much light is 1.0


def linear_light(rgb: Float, transfer: str, *, is_yuv: bool) -> Float:
    """*rgb* (any shape, 0-1, in the curve *transfer*) as linear light, float32.

    BT.709, BT.601, BT.2020 and HLG give scene light by inverting the camera's curve (1.0 is the curve's top;
    HLG's reference white, 75 %, comes out as 0.265); sRGB and gammas give display light relative to white; PQ
    gives display light where 1.0 is 100 cd/m². A silent tag means sRGB for RGB clips and BT.709 for Y'CbCr.

    Raises:
        UnsupportedMedia: a curve that is not inverted here (log, SMPTE 428).
    """
    name = transfer or ("bt709" if is_yuv else "iec61966-2-1")
    if name not in _CURVES:
        raise UnsupportedMedia(
            f"The transfer curve '{name}' cannot be made linear here. Export pictures as PNG, which keep it.",
            transfer=name,
        )
    return _CURVES[name](np.asarray(rgb, np.float32)).astype(np.float32)


def _camera(v: Float) -> Float:
    """ITU-R BT.709 and BT.2020 with the constants of ITU-T H.273, which leave no step between line and power."""
    alpha, beta = 1.09929682680944, 0.018053968510807
    return np.where(v < 4.5 * beta, v / 4.5, ((v + (alpha - 1)) / alpha) ** (1 / 0.45))


def _smpte240m(v: Float) -> Float:
    return np.where(v < 4 * 0.0228, v / 4, ((v + 0.1115) / 1.1115) ** (1 / 0.45))


def _srgb(v: Float) -> Float:
    """IEC 61966-2-1."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _pq(v: Float) -> Float:
    """SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = v.astype(np.float64) ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return np.asarray(light * (10_000 / REFERENCE_WHITE_NITS), np.float32)


def _hlg(v: Float) -> Float:
    """ITU-R BT.2100, table 5: the inverse of the HLG OETF."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(v <= 0.5, v**2 / 3, (np.exp((v - c) / a) + b) / 12)


_CURVES: Mapping[str, Curve] = {
    "linear": lambda v: v,
    "bt709": _camera,
    "smpte170m": _camera,
    "iec61966-2-4": _camera,  # xvYCC and BT.1361 differ outside 0-1 only
    "bt1361e": _camera,
    "bt2020-10": _camera,
    "bt2020-12": _camera,
    "smpte240m": _smpte240m,
    "iec61966-2-1": _srgb,
    "gamma22": lambda v: v**2.2,
    "gamma28": lambda v: v**2.8,
    "smpte2084": _pq,
    "arib-std-b67": _hlg,
}
