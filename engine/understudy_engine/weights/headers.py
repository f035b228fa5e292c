"""What a safetensors file says it holds, without reading it. Needs no torch."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import WeightsMismatch, WeightsMissing

METADATA = "__metadata__"
MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit
GGUF = b"GGUF"  # what such files begin with
LFS = b"version https://git-lfs"


def read_header(path: Path) -> dict[str, Any]:
    """Name -> {dtype, shape, data_offsets} of a safetensors file, and its ``__metadata__``; reads no tensor.

    Raises WeightsMissing or WeightsMismatch if the file is not there, broken or of another kind.
    """
    refuse_pointer(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            if start.startswith(GGUF):
                raise gguf_refused(path)
            (length,) = struct.unpack("<Q", start)
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"its header would take {length} bytes")
            header: dict[str, Any] = json.loads(file.read(length))
            _check_whole(header, 8 + length, os.fstat(file.fileno()).st_size)
            return header
    except FileNotFoundError:
        raise WeightsMissing(f"{path} does not exist. Download the model again.", file=str(path)) from None
    except OSError as error:
        raise WeightsMissing(
            f"{path} cannot be read ({error.strerror}). Put the file itself there, and see that you may read it.",
            file=str(path),
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise WeightsMismatch(
            f"{path} is damaged or no safetensors file ({error}). Download it again.", file=str(path)
        ) from error


def refuse_pointer(path: Path) -> None:
    """Raises WeightsMissing for what a git clone without LFS leaves in place of a large file."""
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(LFS)) == LFS:
            raise WeightsMissing(
                f"{path} is a pointer of Git LFS, not the file itself. Get the file in that folder with: git lfs pull",
                file=str(path),
            )


def gguf_refused(path: Path) -> WeightsMismatch:
    return WeightsMismatch(
        f"{path.name} is a GGUF file, which is not read here. Get the same model as safetensors, in bf16, fp16 or fp8; "
        "for a smaller card convert it: understudy models convert FOLDER --precision int8",
        file=str(path),
    )


def _check_whole(header: Mapping[str, Any], begin: int, size: int) -> None:
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != METADATA]
    if begin + max(ends, default=0) != size:
        raise ValueError(f"it has {size} bytes of {begin + max(ends, default=0)}")
