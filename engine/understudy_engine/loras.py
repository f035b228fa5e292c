"""LoRAs of the artist's own in a request: what may be asked, and what a plan tells of them. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import RequestError
from .types import Lora
from .weights.hashes import file_hash

STRENGTHS = (-4.0, 4.0)
MOST_LORAS = 8


def refuse_loras(loras: Sequence[Lora]) -> None:
    """Raises RequestError for too many of them, one named twice, and a strength out of its range."""
    if len(loras) > MOST_LORAS:
        raise RequestError(f"A job takes at most {MOST_LORAS} LoRAs, not {len(loras)}. Leave some out.")
    names = [lora.name for lora in loras]
    for lora in loras:
        if names.count(lora.name) > 1:
            raise RequestError(f"The LoRA '{lora.name}' is named twice. Name it once.", field="loras")
        if not STRENGTHS[0] <= lora.strength <= STRENGTHS[1]:
            raise RequestError(
                f"The strength of the LoRA '{lora.name}' must be between {STRENGTHS[0]:g} and {STRENGTHS[1]:g}, "
                f"not {lora.strength:g}.",
                field="loras",
            )


def lora_strengths(loras: Sequence[Lora]) -> dict[str, Any]:
    """As settings of a plan; nothing of those at 0, which change nothing."""
    named = {lora.name: lora.strength for lora in loras if lora.strength}
    return {"loras": named} if named else {}


def lora_hashes(loras: Sequence[Lora]) -> dict[str, Any]:
    """What their files hold, as settings of a plan; reads those that this process has not read, about 2 GB a second.

    Raises RequestError for a file that is not there.
    """
    found = {}
    for lora in loras:
        if lora.strength:
            try:
                status = lora.file.stat()
                found[lora.name] = _sha256(lora.file, status.st_size, status.st_mtime_ns)
            except OSError:
                raise RequestError(
                    f"The file of the LoRA '{lora.name}' cannot be read. Put it back, or leave the LoRA out.",
                    field="loras",
                ) from None
    return {"loras_sha256": found} if found else {}


@lru_cache(maxsize=64)
def _sha256(file: Path, size_bytes: int, mtime_ns: int) -> str:
    return file_hash(file).sha256
