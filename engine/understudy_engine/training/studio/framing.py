"""How much of a person a picture shows, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Shot(IntEnum):
    FULL_BODY = 0
    KNEES_UP = 1
    WAIST_UP = 2
    CLOSE_UP = 3


SHARE = {Shot.FULL_BODY: 0.15, Shot.KNEES_UP: 0.20, Shot.WAIST_UP: 0.40, Shot.CLOSE_UP: 0.25}
HEADS_HIGH = {  # of the picture; a face box is about 0.8 heads, so 60 pixels of 256 at 3.4
    Shot.FULL_BODY: (7.8, 9.6),
    Shot.KNEES_UP: (5.1, 6.0),
    Shot.WAIST_UP: (2.6, 3.3),
    Shot.CLOSE_UP: (1.75, 2.3),
}
HEADROOM = {  # heads above the top of the skull
    Shot.FULL_BODY: (0.35, 0.9),
    Shot.KNEES_UP: (0.25, 0.7),
    Shot.WAIST_UP: (0.25, 0.5),
    Shot.CLOSE_UP: (0.12, 0.4),
}
SKULL_TOP_Y = -1.10  # of everybody who stands, see ``proportions``
ASIDE = 0.06  # how far from the middle the person may stand, in widths of the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """A square picture of the studio, before the camera moves."""

    shot: Shot
    heads_high: float
    top: float  # heads, studio coordinates
    left: float

    @property
    def middle(self) -> float:
        """The studio's x in the middle of the picture."""
        return self.left + self.heads_high / 2

    def edge(self, side: float, margin: float = 0.0) -> float:
        """The studio's x at the picture's left (*side* -1) or right (1) edge, *margin* heads outside it."""
        return self.middle + side * (self.heads_high / 2 + margin)


DEMO = Framing(shot=Shot.WAIST_UP, heads_high=2.82, top=-1.48, left=-1.41)


def sample_framing(rng: np.random.Generator) -> Framing:
    shot = Shot(int(rng.choice(len(SHARE), p=list(SHARE.values()))))
    heads_high = float(rng.uniform(*HEADS_HIGH[shot]))
    return Framing(
        shot=shot,
        heads_high=heads_high,
        top=SKULL_TOP_Y - float(rng.uniform(*HEADROOM[shot])),
        left=(float(rng.uniform(-ASIDE, ASIDE)) - 0.5) * heads_high,
    )
