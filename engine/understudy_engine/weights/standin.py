"""Stand-in weights: a tensor is a pure function of its name in the original release, its shape and a salt.

The rule is that of the golden data, so that a model filled this way computes what the reference computes with
the same rule. It needs no file; the pictures it makes are noise.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from numpy.typing import NDArray


def standin_weight(name: str, shape: tuple[int, ...], salt: int = 0) -> NDArray[np.float32]:
    """The tensor called *name* in the original release; *salt* picks an independent set."""
    draw = np.random.default_rng([zlib.crc32(name.encode()), salt])
    values = draw.standard_normal(shape, dtype=np.float32)
    if name.endswith("bias"):
        return np.float32(0.1) * values
    if name.endswith("gamma") or len(shape) == 1:
        return np.float32(1.0) + np.float32(0.1) * values
    if name.endswith("modulation"):
        return values / np.float32(math.sqrt(shape[-1]))
    if name.startswith("motion_encoder."):
        return values  # its layers scale by 1/√fan_in themselves
    return values / np.float32(math.sqrt(max(1, math.prod(shape[1:]))))
