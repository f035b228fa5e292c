"""What happens in a clip: who is in it, where, in which light and before which camera, all from one seed.

Everything random is drawn here, with numpy on the CPU, clip by clip; drawing pictures is the rest's work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import crowd
from .camera import CameraMove, sample_camera
from .framing import HEADROOM, HEADS_HIGH, SKULL_TOP_Y, Framing, Shot, sample_framing
from .light import Light, sample_light, sample_picture_light
from .look import Look, random_look
from .occluders import Occluder, sample_occluder
from .performance import Performance, sample_performance, sample_standing
from .place import Place, sample_paper, sample_place
from .proportions import Measures, sample_proportions

FRAMES_A_SECOND = 24
WIDER = 0.4  # of the character pictures show more of the person than the clip does


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    body: Measures
    look: Look
    performance: Performance
    place: crowd.Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    framing: Framing
    people: tuple[Person, ...]  # the driver first
    camera: CameraMove
    light: Light
    place: Place
    occluder: Occluder
    character: Person  # who poses for the picture; the performance is the pose
    picture_framing: Framing
    picture_light: Light
    paper: Place


def write_script(seed: int, frames: int) -> Script:
    """The script of *seed* for at least *frames* frames. A longer one begins as the shorter one does."""
    rngs = [np.random.default_rng([seed, stream]) for stream in range(10)]
    seconds = frames / FRAMES_A_SECOND
    framing = sample_framing(rngs[0])
    places = crowd.sample_crowd(rngs[0], framing)
    people = tuple(
        Person(
            body=sample_proportions(rngs[1 + k]),
            look=random_look(rngs[1 + k]),
            performance=sample_performance(rngs[1 + k], seconds, framing, place.kind),
            place=place,
        )
        for k, place in enumerate(places)
    )
    picture_framing = _picture_framing(rngs[5], framing)
    character = Person(
        body=sample_proportions(rngs[5]),
        look=random_look(rngs[5], unlike=people[0].look),
        performance=sample_standing(rngs[5]),
        place=crowd.Place(x=0.0, z=0.0, scale=1.0, kind=None),
    )
    return Script(
        framing=framing,
        people=people,
        camera=sample_camera(rngs[6]),
        light=sample_light(rngs[7]),
        place=sample_place(rngs[7]),
        occluder=sample_occluder(rngs[9]),
        character=character,
        picture_framing=picture_framing,
        picture_light=sample_picture_light(rngs[8]),
        paper=sample_paper(rngs[8]),
    )


def _picture_framing(rng: np.random.Generator, clip: Framing) -> Framing:
    """As much of the person as the clip shows, or more, in the middle of the picture."""
    wider = bool(rng.random() < WIDER) and clip.shot > Shot.FULL_BODY
    shot = Shot(clip.shot - 1) if wider else clip.shot
    heads_high = float(rng.uniform(*HEADS_HIGH[shot]))
    top = SKULL_TOP_Y - float(rng.uniform(*HEADROOM[shot]))
    left = (float(rng.uniform(-0.04, 0.04)) - 0.5) * heads_high
    return Framing(shot=shot, heads_high=heads_high, top=top, left=left)
