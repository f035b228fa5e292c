"""How frames are to be made, as editors let the artist say it and as the server is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import Unsupported
from .quality import Making

if TYPE_CHECKING:
    from .client import Client
    from .v1 import job_pb2

MOST_LORAS = 8
LORA_STRENGTH = (-4.0, 4.0)
FOUR_STEP_STRENGTH = (0.1, 2.0)
DECIMALS = 4  # of a strength: sliders of 32 bits say 0.800000011920929


def sampling(
    client: Client,
    making: Making,
    *,
    seed: int,
    steps: int = 0,
    four_step_strength: float = 1.0,
    loras: Mapping[str, float] | None = None,
) -> job_pb2.Sampling:
    """What *making* says, by the artist's own words where there are some.

    Args:
        steps: instead of those of *making*; 0 leaves it to that. Four steps by their LoRA are then not asked for.
        four_step_strength: counts where *making* asks for four steps alone.
        loras: strengths by name; 0 leaves one out.

    Raises:
        Unsupported: the server knows no LoRAs, and some are wanted.
    """
    from .v1 import job_pb2

    four_step = making.four_step and not steps
    strength = round(four_step_strength, DECIMALS)
    bent = {name: round(each, DECIMALS) for name, each in (loras or {}).items()}
    told = job_pb2.Sampling(
        seed=seed,
        steps=steps or making.steps or None,
        work_area_px=making.work_area_px or None,
        four_step=four_step or None,
        four_step_strength=strength if four_step and strength != 1 else None,
        loras=[job_pb2.Lora(name=name, strength=each) for name, each in bent.items() if each],
    )
    if (told.loras or told.HasField("four_step_strength")) and "loras" not in client.info().features:
        raise Unsupported(
            "This server knows no LoRAs of your own, and no strengths. Update it, or leave them out."
        )
    return told
