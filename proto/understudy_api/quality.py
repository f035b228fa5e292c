"""What Preview, Standard and Best mean for the model that a server offers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_STEPS = 100
PREVIEW_AREA_PX = 832 * 480  # the smaller of the two sizes that the 14B model learnt


class Quality(StrEnum):
    PREVIEW = "PREVIEW"
    STANDARD = "STANDARD"
    BEST = "BEST"


@dataclass(frozen=True, slots=True)
class Making:
    """How frames are made; 0 leaves a number to the model."""

    steps: int = 0
    work_area_px: int = 0
    four_step: bool = False


def making(quality: Quality, *, steps: int, work_area_px: int, four_step: bool) -> Making:
    """*quality* by what the model does by default: its *steps* and *work_area_px*, 0 while they are not known.

    Preview makes four steps where the model has learnt to (*four_step*), else half of its own, in pictures no
    larger than 832 x 480. Standard is the model's own. Best makes twice the steps.
    """
    if quality is Quality.STANDARD:
        return Making()
    if quality is Quality.BEST:
        return Making(steps=min(2 * steps, MOST_STEPS))
    area = PREVIEW_AREA_PX if work_area_px > PREVIEW_AREA_PX else 0
    return Making(four_step=True, work_area_px=area) if four_step else Making((steps + 1) // 2, area)
