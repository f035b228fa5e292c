"""Who else is in the picture: one to three people, where each stands and who is before whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .choreography import Kind
from .framing import Framing, Shot

PEOPLE_SHARE = (0.6, 0.3, 0.1)  # of clips with one, two, three people
HORIZON_Y = -0.7  # studio height that keeps its place however far somebody stands: eyes, about
CROSSING = 0.25  # of the others walk through the picture
ASIDE = {  # how far the others stand from the driver, in widths of the picture
    Shot.FULL_BODY: (0.22, 0.38),
    Shot.KNEES_UP: (0.22, 0.40),
    Shot.WAIST_UP: (0.30, 0.48),
    Shot.CLOSE_UP: (0.34, 0.52),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person stands: a figure's studio coordinates are scaled about the horizon and moved aside."""

    x: float  # heads to the right
    z: float  # heads toward the viewer: who is before whom
    scale: float  # 1 the driver's, less farther away or for a smaller person
    kind: Kind | None  # of performance that the person must give, or any


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Each (C,), or (N,) as rows."""

    x: Tensor
    z: Tensor
    scale: Tensor

    def place(self, points: Tensor) -> Tensor:
        """A figure's own points (N, ..., 3) -> where they are among the others."""
        shape = (-1, *[1] * (points.dim() - 2))
        x, z, scale = (value.view(shape) for value in (self.x, self.z, self.scale))
        px, py, pz = points.unbind(-1)
        return torch.stack([px * scale + x, HORIZON_Y + (py - HORIZON_Y) * scale, pz * scale + z], dim=-1)

    def window(self, left: Tensor, top: Tensor, heads_high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where a picture of the studio begins, and how high it is, in the figure's own coordinates: drawing the
        figure with that window is drawing the placed one with the given window."""
        own_top = HORIZON_Y + (top - HORIZON_Y) / self.scale
        return (left - self.x) / self.scale, own_top, heads_high / self.scale


def sample_crowd(rng: np.random.Generator, framing: Framing) -> tuple[Place, ...]:
    """The driver's place, then those of none to two others. Everybody is seen at some time."""
    count = 1 + int(rng.choice(len(PEOPLE_SHARE), p=PEOPLE_SHARE))
    if count == 1:
        return (Place(x=0.0, z=0.0, scale=1.0, kind=None),)
    way = float(rng.choice([-1.0, 1.0]))
    own = -0.35 * way * float(rng.uniform(*ASIDE[framing.shot])) * framing.heads_high
    driver = Place(x=own if count == 2 else 0.3 * own, z=0.0, scale=1.0, kind=None)
    others = (_other(rng, framing, driver.x, side) for side in (way, -way)[: count - 1])
    return driver, *others


def _other(rng: np.random.Generator, framing: Framing, driver_x: float, side: float) -> Place:
    crossing = rng.random() < CROSSING
    before = rng.random() < (0.5 if crossing else 0.25)
    scale = float(rng.uniform(1.0, 1.15) if before else rng.uniform(0.72, 1.0))
    x = driver_x + side * float(rng.uniform(*ASIDE[framing.shot])) * framing.heads_high
    depth = float(rng.uniform(2.2, 3.5))
    return Place(
        x=0.0 if crossing else x,
        z=depth if before else -depth,
        scale=scale,
        kind=Kind.PASS if crossing else None,
    )


def stack_places(places: Sequence[Place], device: torch.device | str = "cpu") -> Places:
    """The places of C people as (C,) tensors on *device*."""
    table = torch.tensor([[place.x, place.z, place.scale] for place in places]).to(device)
    return Places(x=table[:, 0], z=table[:, 1], scale=table[:, 2])
