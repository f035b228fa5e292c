"""Generated pixels over the plate, in the plate's own pixel format, touching nothing outside the matte."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..media.colour import Float, block_mean, clipped, quantise
from ..media.info import ColourTags
from ..media.pixels import Plane, assemble, components, pixel_format
from ..media.rgb import sample_values
from ..types import Picture


def soften(matte: NDArray[Any], soften_px: float) -> Float:
    """Alpha (H, W) in 0-1 from a matte whose nonzero pixels are inside: the soft edge lies inside the matte.

    Alpha rises linearly over the outermost *soft_px* pixels of the matte and is exactly 0 outside it; with 0
    the edge is hard. The picture's border is no edge.
    """
    inside = np.asarray(matte != 0, np.uint8)
    if soften_px <= 0 or inside.all():
        return inside.astype(np.float32)
    distance = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    return clipped(distance / np.float32(soften_px + 1))


def kept(alpha: Float, keep: NDArray[np.uint8] | None) -> Float:
    """*alpha* (H, W) without the share of the plate that stays, 255 = all of it: exactly 0 there."""
    return alpha if keep is None else alpha * (1 - np.asarray(keep, np.float32) / np.float32(255))


def composite(plate: Picture, generated: Float, alpha: Float, colour: ColourTags) -> Picture:
    """The plate with *generated* blended in by *alpha*; same size, pixel format and colour tags as the plate.

    Luma (and RGB) are blended at luma resolution. A chroma sample is blended by the mean alpha of the luma
    pixels it covers, so one that covers no matte pixel is the plate's. Where alpha is 0 every sample is the
    plate's, bit for bit; where it is 1, `from_rgb`'s. The plate's own alpha grows by the matte.

    Args:
        plate: as read from the clip.
        generated: (H, W, 3) RGB in 0-1, in the clip's transfer curve.
        alpha: (H, W) in 0-1.

    Raises:
        ValueError: sizes differ.
        UnsupportedMedia: a colour matrix that is not supported.
    """
    layout = pixel_format(plate.pix_fmt)
    if not plate.planes[0].shape[:2] == generated.shape[:2] == alpha.shape:
        raise ValueError(f"plate {plate.planes[0].shape}, generated {generated.shape}, alpha {alpha.shape}")
    values = sample_values(generated, plate.pix_fmt, colour)
    chroma_alpha = block_mean(alpha, layout.chroma_shift)
    blended = {}
    for letter, samples in components(plate).items():
        weight = chroma_alpha if letter in "uv" else alpha
        target = values.get(letter)
        if target is None:  # the plate's alpha channel: what is generated is opaque
            target = np.full(samples.shape, layout.maximum, np.float32)
        blended[letter] = np.where(weight > 0, quantise(_mix(samples, target, weight), layout), samples)
    if "0" in layout.channels:
        return _with_padding(plate, blended)
    return assemble(blended, plate.pix_fmt)


def _mix(samples: Plane, target: Float, weight: Float) -> Float:
    base = samples.astype(np.float32)
    return np.where(weight >= 1, target, base + weight * (target - base))


def _with_padding(plate: Picture, channels: dict[str, Plane]) -> Picture:
    """Packed RGB with a padding byte, which stays as it was."""
    packed = plate.planes[0].copy()
    for i, letter in enumerate(pixel_format(plate.pix_fmt).channels):
        if letter != "0":
            packed[..., i] = channels[letter]
    return Picture((packed,), plate.pix_fmt)


def character_with_alpha(generated: Float, alpha: Float) -> Picture:
    """The generated pixels with straight alpha, as 8-bit bgra; (H, W, 3) and (H, W) in 0-1.

    Where alpha comes out as 0 the colour is 0 too: no compositing looks at it, and stored it would be noise that
    makes the layer many times larger.
    """
    values = np.rint(np.dstack([generated[..., ::-1], alpha]) * np.float32(255))
    pixels = np.clip(values, 0, 255).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return Picture((pixels,), "bgra")
