"""The options of replace, animate and retake that say which LoRAs bend the model, and how far."""

from __future__ import annotations

from typing import Annotated

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from .options import MAKING, given

FourStep = Annotated[
    bool | None,
    given(
        "--four-step/--no-four-step",
        text="Four steps a segment by the model's four-step LoRA: quicker, a little less exact. "
        "Goes without --steps and --solver.",
        panel=MAKING,
    ),
]
FourStepStrength = Annotated[
    float | None,
    given(
        "--four-step-strength",
        text="How far that LoRA goes, 0.1 to 2; 1 if unset, as it was distilled.",
        panel=MAKING,
        metavar="NUMBER",
    ),
]
Lora = Annotated[
    list[str] | None,
    given(
        "--lora",
        text="A LoRA of yours and how far it goes, -4 to 4; 1 without a number, 0 leaves it out. May be given several "
        "times; understudy models list shows them.",
        panel=MAKING,
        metavar="NAME=STRENGTH",
    ),
]


def loras(texts: list[str] | None) -> list[job_pb2.Lora]:
    """["anna=0.8", "film"] -> both, the second at its default. Raises InvalidRequest for what is of another form."""
    return [_lora(text) for text in texts or ()]


def _lora(text: str) -> job_pb2.Lora:
    name, equals, strength = text.rpartition("=")
    if not equals:
        return job_pb2.Lora(name=text)
    try:
        if not name:
            raise ValueError(text)
        return job_pb2.Lora(name=name, strength=float(strength))
    except ValueError:
        message = f"--lora {text} is no LoRA and its strength. Write its name and a number: anna=0.8."
        raise InvalidRequest(message, metadata={"field": "lora", "lora": text}) from None
