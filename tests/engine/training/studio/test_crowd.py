"""How much of whom a picture shows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy_engine.training.studio.choreography import Kind
from understudy_engine.training.studio.crowd import Place, Places, sample_crowd, stack_places
from understudy_engine.training.studio.framing import SHARE, sample_framing
from understudy_engine.training.studio.proportions import FLOOR_Y

seeds = st.integers(0, 2**32 - 1)


def test_framings_and_numbers_of_people_come_as_often_as_planned() -> None:
    framings = [sample_framing(np.random.default_rng(seed)) for seed in range(2000)]
    shots = Counter(framing.shot for framing in framings)
    for shot, share in SHARE.items():
        assert abs(shots[shot] / 2000 - share) < 0.03
    crowds = Counter(len(sample_crowd(np.random.default_rng(k), f)) for k, f in enumerate(framings))
    for people, share in ((1, 0.6), (2, 0.3), (3, 0.1)):
        assert abs(crowds[people] / 2000 - share) < 0.04


@given(seeds)
@settings(deadline=None)
def test_everybody_who_stands_is_seen_and_the_driver_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    framing = sample_framing(rng)
    driver, *others = sample_crowd(rng, framing)
    half = framing.heads_high / 2
    assert abs(driver.x - framing.middle) < 0.28 * framing.heads_high
    for other in others:
        if other.kind is not Kind.PASS:
            shoulders = 0.55 * other.scale
            assert abs(other.x - framing.middle) - shoulders < half
        assert abs(other.z - driver.z) > 2  # no two bodies in one place


def test_some_stand_before_the_driver_some_behind_and_some_cross() -> None:
    crowds: list[Place] = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        crowds += sample_crowd(rng, sample_framing(rng))[1:]
    assert sum(place.z > 0 for place in crowds) > 20
    assert sum(place.z < 0 for place in crowds) > 20
    assert sum(place.kind is Kind.PASS and place.z > 0 for place in crowds) > 5


def test_drawing_with_a_persons_own_window_is_drawing_the_placed_person() -> None:
    places = Places(x=torch.tensor([0.5]), z=torch.tensor([1.0]), scale=torch.tensor([0.8]))
    points = torch.tensor([[[0.3, -1.0, 0.2], [-0.7, FLOOR_Y, 0.1]]])
    left, top, high = torch.tensor([-2.0]), torch.tensor([-1.5]), torch.tensor([5.0])
    own_left, own_top, own_high = places.window(left, top, high)
    placed = places.place(points)
    for axis, start, own_start in ((0, left, own_left), (1, top, own_top)):
        assert torch.allclose((placed[..., axis] - start) / high, (points[..., axis] - own_start) / own_high)


def test_stacked_places_keep_their_order() -> None:
    rng = np.random.default_rng(3)
    crowd = [place for seed in range(5) for place in sample_crowd(rng, sample_framing(rng))]
    stacked = stack_places(crowd)
    assert stacked.scale.tolist() == [np.float32(place.scale) for place in crowd]
