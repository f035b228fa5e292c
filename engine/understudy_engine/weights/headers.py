"""What a safetensors file says it holds, without reading it. Needs no torch."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import WeightsMismatch, WeightsMissing

METADATA = "__metadata__"
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit


def read_header(path: Path) -> dict[str, Any]:
    """Name -> {dtype, shape, data_offsets} of a safetensors file, and its ``__metadata__``; reads no tensor.

    Raises WeightsMissing or WeightsMismatch if the file is not there or broken.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"its header would take {length} bytes")
            header: dict[str, Any] = json.loads(file.read(length))
            _check_whole(header, 8 + length, os.fstat(file.fileno()).st_size)
            return header
    except FileNotFoundError:
        raise WeightsMissing(f"{path} does not exist. Download the model again.", file=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise WeightsMismatch(
            f"{path} is damaged or no safetensors file ({error}). Download it again.", file=str(path)
        ) from error


def _check_whole(header: Mapping[str, Any], begin: int, size: int) -> None:
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != METADATA]
    if begin + max(ends, default=0) != size:
        raise ValueError(f"it has {size} bytes of {begin + max(ends, default=0)}")
