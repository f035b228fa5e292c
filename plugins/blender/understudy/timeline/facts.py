# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip remembers of how it came about, in its custom properties: enough to take its job up again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from ..messages import Outcome
from ..ranges import ClipRange
from ..request import Mode
from ..session import Swap
from .strips import FACTS_KEY

CUT_KEY = "understudy_cut"  # frames it was cut to when its job ended early
FITTED_KEY = "understudy_fitted"  # its pictures have been fitted into the frame
OUTCOME_KEY = "understudy_outcome"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """As it stands in the .blend, where newer and older extensions may read it."""

    mode: str
    name: str  # of the source's strip
    clip: str = ""  # its file
    start: int = 0  # clip frames that the strip was made of, handles included
    end: int = 0
    before: int = 0  # of them, those behind the strip's handles
    behind: int = 0
    layers: tuple[str, ...] = ()  # that were wanted beside the result

    @classmethod
    def of(cls, strip: Any) -> Self | None:
        """None if *strip* says nothing that we understand."""
        try:
            found = json.loads(strip.get(FACTS_KEY, ""))
            known = {name: found[name] for name in cls.__slots__ if name in found}
            facts = cls(**{**known, "layers": tuple(known.get("layers", ()))})
            Mode(facts.mode)
        except (TypeError, ValueError, KeyError):
            return None
        return facts

    @property
    def frames(self) -> int:
        return self.end - self.start

    @property
    def clip_range(self) -> ClipRange:
        return ClipRange(self.start, self.end)


def write(strip: Any, swap: Swap) -> None:
    place = swap.placement
    facts = Facts(
        mode=swap.mode,
        name=place.name,
        clip=place.clip,
        start=place.clip_range.start,
        end=place.clip_range.end,
        before=place.before,
        behind=place.behind,
        layers=swap.thread.work.layers,
    )
    strip[FACTS_KEY] = json.dumps(asdict(facts))


def settle(strip: Any, swap: Swap) -> None:
    """Notes how its job ended: one that was cancelled is not taken up again."""
    ended = str(swap.outcome or "")
    if strip.get(OUTCOME_KEY, "") != ended:
        strip[OUTCOME_KEY] = ended


def was_cancelled(strip: Any) -> bool:
    return strip.get(OUTCOME_KEY, "") == Outcome.CANCELLED


def is_fitted(strip: Any) -> bool:
    return FITTED_KEY in strip


def set_fitted(strip: Any) -> None:
    strip[FITTED_KEY] = True


def cut(strip: Any) -> int | None:
    return strip.get(CUT_KEY)


def set_cut(strip: Any, frames: int | None) -> None:
    if frames is None:
        del strip[CUT_KEY]
    else:
        strip[CUT_KEY] = frames
