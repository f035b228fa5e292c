from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from understudy_engine.training.studio.background import (
    Canvases,
    ground_pictures,
    paint_places,
    render_paper,
    render_room,
)
from understudy_engine.training.studio.camera import View, level_view, sample_camera, views
from understudy_engine.training.studio.light import encode, light_rows, sample_light, studio_light
from understudy_engine.training.studio.place import Kind, Place, sample_paper, sample_place

SIZE = 128
# These claim a spectrum near nature's where they are in focus; rooms, backdrops and blurred scenes fall faster.
NATURAL = (Kind.LEAVES, Kind.OUTDOOR, Kind.TEXTURE, Kind.NOISE)


def places(count: int, kind: Kind | None = None) -> list[Place]:
    drawn = (sample_place(np.random.default_rng([seed, 1])) for seed in range(40 * count))
    return [place for place in drawn if kind is None or place.kind == kind][:count]


def waist_up(clips: int, size: int = SIZE) -> View:
    heads = torch.full((clips,), 2.82)
    return level_view(size / heads, -heads / 2, torch.full((clips,), -1.48), size)


def painted(chosen: list[Place], size: int = SIZE) -> Canvases:
    lights = [sample_light(np.random.default_rng([seed, 2])) for seed in range(len(chosen))]
    return paint_places(chosen, light_rows(lights, "cpu"), waist_up(len(chosen), size))


def still(canvases: Canvases) -> Tensor:
    return canvases.seen_by(canvases.base, torch.arange(len(canvases.layers)))


def spectral_slope(pictures: Tensor) -> Tensor:
    """The power to which power falls with frequency, (N,), between 3 and 64 cycles a picture of 256 pixels."""
    grey = (pictures * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1)
    size = grey.shape[-1]
    window = torch.hann_window(size, periodic=False)
    power = torch.fft.rfft2((grey - grey.mean((1, 2), keepdim=True)) * window[:, None] * window).abs() ** 2
    frequency = torch.hypot(torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]) * size
    edges = torch.logspace(np.log10(3), np.log10(size / 4), 12)
    rings = [(frequency >= low) & (frequency < high) for low, high in pairwise(edges)]
    levels = torch.stack([power[:, ring].mean(1) for ring in rings], dim=1).log()
    at = 0.5 * (edges[1:] * edges[:-1]).log()
    at = at - at.mean()
    return (levels * at).sum(1) / (at**2).sum()


@pytest.mark.parametrize("kind", NATURAL)
def test_places_in_focus_have_spectra_near_one_over_frequency_squared(kind: Kind) -> None:
    sharp = [replace(place, defocus=place.defocus.clamp(max=0.0012)) for place in places(5, kind)]
    slopes = spectral_slope(still(painted(sharp, 256)))
    assert -2.6 < slopes.mean() < -1.6
    assert slopes.min() > -3.4


def test_every_kind_of_place_occurs() -> None:
    kinds = [int(sample_place(np.random.default_rng([seed, 1])).kind) for seed in range(400)]
    shares = np.bincount(kinds, minlength=len(Kind)) / len(kinds)
    assert (shares > 0.05).all()
    assert shares.max() == shares[Kind.ROOM] < 0.4


def test_a_place_is_the_same_alone_and_among_others() -> None:
    chosen = places(6)
    together = still(painted(chosen))
    light = light_rows([sample_light(np.random.default_rng([4, 2]))], "cpu")
    alone = ground_pictures(chosen[4:5], light, waist_up(1), torch.tensor([0]), waist_up(1))
    assert (encode(together[4]) - encode(alone[0])).abs().max() < 0.5 / 255


def test_a_picture_can_be_seen_and_is_not_burnt_out() -> None:
    seen = encode(still(painted(places(16), 64)))
    assert seen.isfinite().all()
    middle = seen.flatten(1).median(1).values
    assert middle.min() > 0.04
    assert 0.25 < middle.mean() < 0.65
    assert (seen > 0.97).float().mean() < 0.05


def test_rooms_are_brighter_toward_the_key_light() -> None:
    room = places(1, Kind.GRADIENT)
    pictures = []
    for side in (-1.0, 1.0):
        light = replace(studio_light(), direction=(0.8 * side, -0.1, 0.59))
        rows = light_rows([light], "cpu")
        pictures.append(ground_pictures(room, rows, waist_up(1), torch.tensor([0]), waist_up(1))[0])
    from_left, from_right = pictures
    assert from_left[..., :32].mean() > 1.05 * from_right[..., :32].mean()
    assert from_right[..., -32:].mean() > 1.05 * from_left[..., -32:].mean()


def moved(canvases: Canvases, right: float) -> Tensor:
    base = canvases.base
    view = level_view(base.scale, base.left + right * base.size / base.scale, base.top, base.size)
    return canvases.seen_by(view, torch.arange(len(base.scale)))


def test_what_is_far_moves_less_than_the_figures_when_the_camera_does() -> None:
    canvases = painted(places(3, Kind.NOISE))
    empty = torch.zeros_like(canvases.layers)
    empty[:, :3] = canvases.layers[:, :3]
    far = replace(canvases, layers=empty)
    before, after = still(far), moved(far, 0.1)
    errors = [(before[..., d:] - after[..., : SIZE - d]).abs().mean() for d in range(14)]
    assert int(torch.stack(errors).argmin()) == round(0.45 * 0.1 * SIZE)  # the figures move by 13 pixels


def test_a_standing_camera_sees_the_same_ground_at_every_moment() -> None:
    canvases = painted(places(1))
    rows = torch.zeros(3, dtype=torch.long)
    seen = canvases.seen_by(canvases.base.at(rows), rows)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_a_moving_camera_sees_no_jumps_and_no_edge_of_the_canvas() -> None:
    canvases = painted(places(8))
    moves = [sample_camera(np.random.default_rng([seed, 3])) for seed in range(8)]
    clip = torch.arange(8).repeat_interleave(6)
    seconds = (torch.arange(6) / 24).repeat(8)
    seen = encode(canvases.seen_by(views(moves, canvases.base, clip, seconds), clip)).view(
        8, 6, 3, SIZE, SIZE
    )
    assert seen.diff(dim=1).abs().mean(dim=(2, 3, 4)).max() < 0.05
    assert (seen.amax(2) > 0).all()


def test_full_figures_have_a_floor_under_their_feet() -> None:
    chosen = [place for place in places(24) if place.kind != Kind.GRADIENT]
    heads = torch.full((len(chosen),), 7.6)
    base = level_view(32 / heads, -heads / 2, torch.full_like(heads, -1.5), 32)
    canvases = paint_places(chosen, light_rows([studio_light()] * len(chosen), "cpu"), base)
    assert canvases.floored.all()


def test_papers_are_mostly_plain_and_sometimes_a_soft_scene() -> None:
    papers = [sample_paper(np.random.default_rng([seed, 5])) for seed in range(200)]
    plain = [paper.kind == Kind.GRADIENT for paper in papers]
    assert 0.58 < np.mean(plain) < 0.76
    scenes = [paper for paper, is_plain in zip(papers, plain, strict=True) if not is_plain]
    assert all(scene.defocus.min() >= 0.01 for scene in scenes)


def test_one_picture_of_a_room_or_a_paper_needs_no_rows() -> None:
    for picture in (
        render_room(np.random.default_rng(0), 64, studio_light()),
        render_paper(np.random.default_rng(0), 64),
    ):
        assert picture.shape == (3, 64, 64)
        assert (picture >= 0).all()
