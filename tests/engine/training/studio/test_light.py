from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from understudy_engine.training.studio.light import (
    Light,
    LightRows,
    encode,
    light_rows,
    sample_light,
    sample_picture_light,
    shade,
    shadows,
    studio_light,
)

SIZE = 64


def lights(count: int) -> list[Light]:
    return [sample_light(np.random.default_rng(seed)) for seed in range(count)]


def ball(light: Light | LightRows, count: int = 1) -> Tensor:
    """A matt grey ball in the middle of *count* pictures, (count, 3, SIZE, SIZE)."""
    middles = (torch.arange(SIZE) + 0.5) / SIZE * 2.4 - 1.2
    x, y = middles[None, :].expand(SIZE, SIZE), middles[:, None].expand(SIZE, SIZE)
    height = 1 - x**2 - y**2
    seen = height > 0
    z = torch.where(seen, height.clamp(min=0).sqrt(), -math.inf).expand(count, SIZE, SIZE)
    where = torch.nonzero(seen.expand(count, SIZE, SIZE).flatten())[:, 0]
    normal = torch.stack([x, y, height.clamp(min=0).sqrt()])[:, None].expand(3, count, SIZE, SIZE)
    none = torch.zeros(len(where))
    points: Any = SimpleNamespace(
        where=where,
        normal=normal.flatten(1)[:, where],
        albedo=torch.full((3, len(where)), 0.18),
        wrap=none,
        gloss=none,
    )
    surface: Any = SimpleNamespace(z=z)
    picture = torch.zeros(3, count * SIZE * SIZE)
    picture[:, where] = shade(points, surface, light, 2.4 / SIZE)
    return picture.view(3, count, SIZE, SIZE).transpose(0, 1)


def luminance(colour: Tensor) -> Tensor:
    return colour @ torch.tensor([0.2126, 0.7152, 0.0722])


def test_a_row_is_lit_the_same_alone_and_among_others() -> None:
    several = lights(5)
    together = ball(light_rows(several, "cpu"), 5)
    for row, light in enumerate(several):
        assert torch.allclose(together[row], ball(light)[0], atol=1e-5)


def test_the_side_toward_the_key_light_is_the_brighter_one() -> None:
    several = [light for light in lights(40) if abs(light.direction[0]) > 0.5]
    for picture, light in zip(ball(light_rows(several, "cpu"), len(several)), several, strict=True):
        left, right = picture[..., : SIZE // 2].mean(), picture[..., SIZE // 2 :].mean()
        assert (right > left) == (light.direction[0] > 0)


def test_lights_come_from_all_sides_and_some_from_a_little_behind() -> None:
    x, y, z = np.array([light.direction for light in lights(400)]).T
    assert np.allclose(x**2 + y**2 + z**2, 1, atol=1e-6)
    assert 0.4 < (x > 0).mean() < 0.6
    assert 0.25 < (np.abs(x) > 0.7).mean() < 0.6
    assert 0.03 < (z < 0).mean() < 0.2
    assert z.min() > -0.4
    assert 0.02 < (y > 0).mean() < 0.3


def test_lights_are_dim_and_bright_flat_and_contrasty_white_and_coloured() -> None:
    several = light_rows(lights(400), "cpu")
    key, sky = luminance(several.key), luminance(several.sky)
    assert np.quantile(key, 0.95) > 2.2 * np.quantile(key, 0.05)
    assert np.quantile(key / sky, 0.95) > 5
    assert np.quantile(key / sky, 0.05) < 2.2
    chroma = several.key.amax(1) / several.key.amin(1)
    assert 0.2 < (chroma < 1.2).float().mean() < 0.5
    assert 0.2 < (chroma > 1.6).float().mean() < 0.6


def test_a_grey_ball_is_neither_lost_in_the_dark_nor_burnt_out() -> None:
    several = lights(64)
    for picture in ball(light_rows(several, "cpu"), len(several)):
        seen = encode(picture[:, 24:40, 24:40]).mean()
        assert 0.16 < seen < 0.72


def test_picture_lights_are_mostly_white_and_soft() -> None:
    several = light_rows([sample_picture_light(np.random.default_rng(s)) for s in range(400)], "cpu")
    chroma = several.key.amax(1) / several.key.amin(1)
    assert 0.65 < (chroma < 1.15).float().mean() < 0.9
    assert 0.1 < (several.direction[:, 0].abs() > 0.6).float().mean() < 0.3
    usual = luminance(torch.tensor([studio_light().key]))
    assert (luminance(several.key) / usual).log().abs().max() < math.log(1.6)


def from_the_left(softness: float) -> Light:
    dark = (0.0, 0.0, 0.0)
    return Light(
        direction=(-0.7, 0.0, 0.714), key=(1, 1, 1), fill=dark, sky=dark, ground=dark, softness=softness
    )


def wall(rows: int) -> Tensor:
    """Depths of an upright wall on a flat ground, (rows, 256, 256) with 100 samples a head."""
    z = torch.zeros(rows, 256, 256)
    z[:, 80:176, 112:144] = 0.5
    return z


def test_what_stands_between_a_surface_and_the_light_shadows_it() -> None:
    lit, _ = shadows(wall(1), light_rows([from_the_left(0.2)], "cpu"), torch.tensor([0.01]))
    assert lit[0, 128, 160] < 0.3
    assert lit[0, 128, 80] > 0.95
    assert lit[0, 128, 240] > 0.95


def test_soft_light_casts_paler_shadows_than_hard_light() -> None:
    both = light_rows([from_the_left(0.0), from_the_left(1.0)], "cpu")
    lit, _ = shadows(wall(2), both, torch.tensor([0.01, 0.01]))
    assert lit[1].min() > lit[0].min() + 0.2


@pytest.mark.parametrize("level", [0.0, 0.18, 0.8])
def test_encoding_follows_the_srgb_curve_below_the_shoulder(level: float) -> None:
    expected = 12.92 * level if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055
    assert encode(torch.tensor(level)).item() == pytest.approx(expected, abs=1e-5)
