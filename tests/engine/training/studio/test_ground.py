from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from understudy_engine.training.studio.camera import View, level_view
from understudy_engine.training.studio.ground import cast_shadows
from understudy_engine.training.studio.light import Light, light_rows, studio_light
from understudy_engine.training.studio.proportions import FLOOR_Y

SIZE = 128
HEADS = 7.8
TOP = -1.5
FEET = round((FLOOR_Y - TOP) / HEADS * SIZE)
YES, NO = torch.ones(1), torch.zeros(1)


def full_body(rows: int = 1) -> View:
    heads = torch.full((rows,), HEADS)
    return level_view(SIZE / heads, -heads / 2, torch.full((rows,), TOP), SIZE)


def somebody(rows: int = 1) -> Tensor:
    coverage = torch.zeros(rows, SIZE, SIZE)
    coverage[:, 10:FEET, 58:70] = 1
    return coverage


def light(x: float, softness: float = 0.2) -> Light:
    return replace(studio_light(), direction=(x, -0.5, 0.6), softness=softness)


def left_over(x: float, floored: Tensor = YES, wall_away: Tensor = NO) -> Tensor:
    return cast_shadows(somebody(), full_body(), light_rows([light(x)], "cpu"), floored, wall_away)[0, 0]


def test_the_shadow_lies_on_the_side_away_from_the_light() -> None:
    near_feet = slice(FEET - 10, FEET)
    for x in (-0.6, 0.6):
        left, right = (1 - left_over(x)[near_feet, part].mean() for part in (slice(28, 56), slice(72, 100)))
        assert (right > 2 * left) == (x < 0)
        assert max(left, right) > 0.03


def test_a_shadow_is_faint() -> None:
    assert 0.55 <= left_over(0.6).min() < 0.9
    assert left_over(0.6, wall_away=0.6 * YES).min() >= 0.55


def test_nobody_casts_no_shadow() -> None:
    lights = light_rows([light(0.5)], "cpu")
    assert (cast_shadows(0 * somebody(), full_body(), lights, YES, YES) == 1).all()


def test_a_place_without_floor_and_near_wall_shows_no_shadow() -> None:
    assert (left_over(0.6, floored=NO, wall_away=NO) == 1).all()


def test_a_near_wall_shows_the_shadow_beside_the_figure() -> None:
    shadow = 1 - left_over(0.7, floored=NO, wall_away=0.8 * YES)
    beside = slice(20, 80)
    assert shadow[beside, 40:57].mean() > 0.03
    assert shadow[beside, 72:88].mean() < 0.3 * shadow[beside, 40:57].mean()


def test_feet_darken_the_floor_they_stand_on() -> None:
    assert 1 - left_over(0.0)[FEET + 1, 60:68].mean() > 0.1


def test_figures_seen_from_the_waist_up_shadow_no_floor() -> None:
    heads = torch.tensor([2.82])
    view = level_view(SIZE / heads, -heads / 2, torch.tensor([-1.48]), SIZE)
    left = cast_shadows(somebody(), view, light_rows([light(0.5)], "cpu"), YES, NO)
    assert (left == 1).all()


def test_a_row_is_shadowed_the_same_alone_and_among_others() -> None:
    lights = light_rows([light(-0.6), light(0.4, softness=0.9)], "cpu")
    both = cast_shadows(somebody(2), full_body(2), lights, torch.ones(2), torch.zeros(2))
    assert torch.allclose(both[0, 0], left_over(-0.6), atol=1e-5)
    assert (both[0] - both[1]).abs().max() > 0.05
