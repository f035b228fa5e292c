"""What a model can be computed in on a card, and how quickly: tried on the card itself, once a process."""

from __future__ import annotations

import logging
from functools import cache

import torch

from .expected import Card, Rates
from .memory_plans import Precision
from .offload.rates import measured
from .ops.product8 import Way, way_on, why_not

log = logging.getLogger(__name__)


def precisions_of(device: torch.device) -> tuple[Precision, ...]:
    """What the model can be computed in on the CUDA card *device*."""
    return card_of(device).precisions


def card_of(device: torch.device) -> Card:
    """What the CUDA card *device* was seen to do right, without its rates."""
    return Card(why_no_int8(device))


@cache
def measured_card_of(device: torch.device) -> Card:
    """The same with its rates: they take seconds, and 1.5 GB of the card while they are measured."""
    return Card(why_no_int8(device), _rates(device))


def why_no_int8(device: torch.device) -> str:
    """Why nothing is computed in int8 on *device*; empty if it can be."""
    if way_on(device) is not None:
        return ""
    return "; ".join(f"{way}: {why_not(way, device)}" for way in Way)


def _rates(device: torch.device) -> Rates | None:
    try:
        return measured(device, precisions_of(device))
    except Exception:  # figures to reckon with are worth no error; memory may be short, above all
        log.warning("the rates of %s could not be measured", device, exc_info=True)
        return None
    finally:
        torch.cuda.empty_cache()
