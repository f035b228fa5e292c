from __future__ import annotations

import pytest
import torch
from torch import Tensor

from understudy_engine.training.studio import raster
from understudy_engine.training.studio.camera import View
from understudy_engine.training.studio.raster import Group, Material, Parts, rasterise, studio_xy
from understudy_engine.training.studio.solids import MISS, RoundCone

ROWS, CONES, SIZE = 3, 7, 48


def scattered_cones(seed: int = 0) -> Parts:
    """Two groups of cones in every row; one cone of the second is nowhere present."""
    dice = torch.Generator().manual_seed(seed)

    def group() -> Group:
        a, b = (torch.rand(ROWS, CONES, 3, generator=dice) * 3 - 1.5 for _ in range(2))
        ra, rb = (torch.rand(ROWS, CONES, generator=dice) * 0.4 + 0.05 for _ in range(2))
        present = torch.ones(ROWS, CONES, dtype=torch.bool)
        return Group(RoundCone(a, b, ra, rb), present, (Material.SKIN,) * CONES, (0,) * CONES)

    first, second = group(), group()
    second.present[:, 2] = False
    return Parts((first, second), torch.zeros(ROWS, 1, 3), torch.eye(3).expand(ROWS, 1, 3, 3))


def views() -> View:
    one = torch.ones(ROWS)
    return View(
        scale=15.0 * one, left=-1.6 * one, top=-1.5 * one, roll=torch.tensor([0.0, 0.2, -0.4]), size=SIZE
    )


def one_by_one(parts: Parts, view: View) -> tuple[Tensor, Tensor]:
    """Part and depth of every sample, by asking every solid about every sample."""
    where = torch.arange(ROWS * SIZE * SIZE)
    x, y = (v.view(ROWS, -1) for v in studio_xy(view, where))
    nearest, number = torch.full_like(x, MISS), torch.full_like(x, -1)
    for first, _, group in parts.numbered():
        for k in range(CONES):
            own = group.solid.at(torch.arange(ROWS) * CONES + k).depth(x, y)
            own = torch.where(group.present[:, k, None], own, MISS)
            number = torch.where(own > nearest, first + k, number)
            nearest = torch.maximum(own, nearest)
    return number.view(ROWS, SIZE, SIZE), nearest.view(ROWS, SIZE, SIZE)


def test_every_sample_of_every_row_sees_the_nearest_part_in_tiles_as_one_by_one() -> None:
    parts, view = scattered_cones(), views()
    surface, (number, depth) = rasterise(parts, view), one_by_one(parts, view)
    assert (surface.part >= 0).double().mean() > 0.3
    assert (surface.part == number).double().mean() > 0.999
    both = surface.z.isfinite() & depth.isfinite()
    assert torch.allclose(surface.z[both], depth[both], atol=1e-4)


def test_the_size_of_the_portions_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rasterise(scattered_cones(), views())
    monkeypatch.setattr(raster, "TRIPLES_AT_ONCE", 5)
    pieces = rasterise(scattered_cones(), views())
    assert torch.equal(whole.part, pieces.part)
    assert torch.equal(whole.z, pieces.z)


def test_what_is_nowhere_present_is_not_seen() -> None:
    surface = rasterise(scattered_cones(), views())
    assert not (surface.part == CONES + 2).any()


def test_depths_on_both_sides_of_zero_are_told_apart() -> None:
    z = torch.tensor([-3.5, -0.25, -0.0, 1e-3, 0.25, 7.0])
    part = torch.tensor([9, 4, 0, 3, 1, 2])
    keys = raster._pack(z, part)
    assert torch.equal(keys.argsort(), torch.arange(len(z)))
    depth, number = raster._unpack(keys)
    assert torch.equal(depth, z)
    assert torch.equal(number.long(), part)
    assert raster._unpack(raster._pack(torch.tensor([MISS]), torch.tensor([5])))[1].item() == -1
