from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from understudy_engine.training.studio.camera import View, level_view
from understudy_engine.training.studio.light import light_rows, studio_light
from understudy_engine.training.studio.occluders import (
    Kind,
    Occluder,
    OccluderCanvases,
    paint_occluders,
    sample_occluder,
)

SIZE = 96
NO_HAND = torch.zeros(1, 2)


def sampled(count: int) -> list[Occluder]:
    return [sample_occluder(np.random.default_rng([seed, 3])) for seed in range(count)]


def one_of(kind: Kind) -> Occluder:
    return next(occluder for occluder in sampled(400) if occluder.kind == kind)


def base(clips: int) -> View:
    heads = torch.full((clips,), 2.82)
    return level_view(SIZE / heads, -heads / 2, torch.full((clips,), -1.48), SIZE)


def painted(*occluders: Occluder) -> OccluderCanvases:
    lights = light_rows([studio_light()] * len(occluders), "cpu")
    return paint_occluders(occluders, lights, base(len(occluders)))


def seen(occluder: Occluder, second: float = 1.0, hand: Tensor = NO_HAND) -> Tensor:
    return painted(occluder).seen_by(base(1), torch.tensor([0]), torch.tensor([second]), hand)[0]


def test_one_clip_in_four_has_something_before_the_camera() -> None:
    kinds = np.bincount([int(occluder.kind) for occluder in sampled(800)], minlength=len(Kind)) / 800
    assert 0.2 < 1 - kinds[Kind.NOTHING] < 0.3
    assert (kinds > 0.01).all()


def test_nothing_is_drawn_where_nothing_stands() -> None:
    assert not seen(one_of(Kind.NOTHING)).any()


def test_what_stands_before_the_camera_hides_a_part_of_the_picture_and_not_all() -> None:
    for kind in (Kind.TABLE, Kind.PLANT, Kind.POLE, Kind.BOX):
        layer = seen(one_of(kind))
        assert 0.01 < layer[3].mean() < 0.45, kind.name
        assert layer[3].max() > 0.95, kind.name


def test_light_never_exceeds_what_its_coverage_can_hold() -> None:
    for kind in Kind:
        layer = seen(one_of(kind))
        assert (layer >= 0).all()
        assert layer[3].max() <= 1.001
        assert not layer[:3, layer[3] < 1e-3].gt(0.01).any(), kind.name


def test_a_passer_crosses_the_picture_and_is_gone() -> None:
    passer = one_of(Kind.PASSER)
    middle, speed = float(passer.middle_s), float(passer.speed)
    columns = torch.arange(SIZE) / SIZE
    weight = seen(passer, middle)[3].sum(0)
    assert abs((weight * columns).sum() / weight.sum() - 0.5) < 0.05
    later = seen(passer, middle + 0.2)[3].sum(0)
    assert ((later * columns).sum() / later.sum() > 0.5) == (speed > 0)
    assert not seen(passer, middle + 0.95 / abs(speed))[3].gt(0.01).any()


def test_a_held_thing_is_where_the_hand_is() -> None:
    prop = one_of(Kind.PROP)
    for hand in (torch.tensor([[0.5, 0.3]]), torch.tensor([[-0.8, -0.6]])):
        alpha = seen(prop, hand=hand)[3]
        x, y = base(1).project(torch.cat([hand, torch.zeros(1, 1)], dim=1)[:, None])[0, 0]
        rows, columns = torch.nonzero(alpha > 0.5).float().unbind(1)
        assert abs(columns.mean() - x) < 3
        assert abs(rows.mean() - y) < 3


def test_a_clips_occluder_is_the_same_alone_and_among_others() -> None:
    chosen = [one_of(kind) for kind in Kind]
    together = painted(*chosen).layers
    for row, occluder in enumerate(chosen):
        assert torch.allclose(together[row], painted(occluder).layers[0], atol=1e-5)
