"""LoRAs of the artist's own in a request: what may be asked, and what a plan tells of them. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import RequestError
from .types import Lora
from .weights.hashes import remembered_hashes

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
    """What their files hold, as settings of a plan; reads those that have changed, about 2 GB a second.

    Raises RequestError for a file that is not there.
    """
    found = {}
    for lora in loras:
        if lora.strength:
            try:
                found[lora.name] = remembered_hashes(lora.file.parent, [lora.file.name])[
                    lora.file.name
                ].sha256
            except OSError:
                raise RequestError(
                    f"The file of the LoRA '{lora.name}' cannot be read. Put it back, or leave the LoRA out.",
                    field="loras",
                ) from None
    return {"loras_sha256": found} if found else {}
