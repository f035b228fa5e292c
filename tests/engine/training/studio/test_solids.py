from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from understudy_engine.training.studio.solids import Ellipsoid, RoundCone, Solid, Trunk, smooth


def points(*rows: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rows)


def over(solid: Solid, count: int = 200) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
    axis = torch.linspace(-2, 2, count)
    x, y = axis[None, None, :], axis[None, :, None]
    x, y = (v.expand(1, count, count).reshape(1, -1) for v in (x, y))
    z = solid.depth(x, y)
    grid = (1, count, count)
    nx, ny, nz = (n.expand_as(x).view(grid) for n in solid.normal(x, y, z))
    return x.view(grid), y.view(grid), z.view(grid), (nx, ny, nz)


def number(value: float) -> Tensor:
    return torch.tensor([value])


CONES = [
    RoundCone(points((-0.5, -0.3, 0.2)), points((0.6, 0.4, -0.7)), number(0.4), number(0.2)),
    RoundCone(
        points((0.1, 0.0, 0.9)), points((0.1, 0.01, -0.5)), number(0.2), number(0.35)
    ),  # points at the viewer
    RoundCone(points((0.0, 0.0, 0.0)), points((0.0, 0.0, 1e-3)), number(0.5), number(0.5)),  # a ball
]


@pytest.mark.parametrize("cone", CONES)
def test_a_round_cone_is_the_nearest_of_all_balls_on_its_way(cone: RoundCone) -> None:
    x, y, z, _ = over(cone)
    expected = torch.full_like(z, -math.inf)
    for t in torch.linspace(0, 1, 400):
        centre, radius = torch.lerp(cone.a, cone.b, t)[0], torch.lerp(cone.ra, cone.rb, t)
        inside = radius**2 - (x - centre[0]) ** 2 - (y - centre[1]) ** 2
        expected = torch.where(
            inside > 0, torch.maximum(expected, centre[2] + inside.clamp(min=0).sqrt()), expected
        )
    both = expected.isfinite() & z.isfinite()
    assert (expected.isfinite() ^ z.isfinite()).float().mean() < 0.002  # on the outline alone
    assert (expected - z)[both].abs().max() < 2e-2
    assert (expected - z)[both].abs().mean() < 1e-3


def test_an_ellipsoids_surface_satisfies_its_equation() -> None:
    angle = torch.tensor(0.5)
    rotation = torch.tensor([[[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]]])
    solid = Ellipsoid(points((0.1, -0.2, 0.3)), rotation, points((0.4, 0.7, 1.1)))
    x, y, z, _ = over(solid)
    seen = z.isfinite()
    local = (torch.stack([x[seen], y[seen], z[seen]], dim=-1) - solid.centre) @ rotation[0]
    value = ((local / solid.radii[0]) ** 2).sum(-1)
    assert torch.allclose(value, torch.ones_like(value), atol=1e-4)


SOLIDS: list[Solid] = [
    CONES[0],
    Ellipsoid(points((0.1, -0.2, 0.3)), torch.eye(3)[None], points((0.4, 0.7, 1.1))),
    Trunk(
        points((0.0, -0.5, 0.0)),
        points((-0.10, 0.95, 0.30)),  # leans toward the viewer
        number(0.3),
        torch.tensor([0]),
        smooth((0.0, 0.5, 1.0), torch.tensor([[[0.3, 0.2], [0.6, 0.4], [0.4, 0.3]]])),
        0.0,
        1.0,
    ),
]


@pytest.mark.parametrize("solid", SOLIDS)
def test_normals_stand_upright_on_the_surface_and_face_the_viewer(solid: Solid) -> None:
    _, _, z, (nx, ny, nz) = over(solid, 801)
    step = 4 / 800
    dzdx = (z[:, 1:-1, 2:] - z[:, 1:-1, :-2]) / (2 * step)
    dzdy = (z[:, 2:, 1:-1] - z[:, :-2, 1:-1]) / (2 * step)
    nx, ny, nz = (n[:, 1:-1, 1:-1] for n in (nx, ny, nz))
    gentle = dzdx.isfinite() & dzdy.isfinite() & (nz > 0.3)
    assert gentle.sum() > 1000
    assert torch.allclose((nx**2 + ny**2 + nz**2)[gentle], torch.ones(()), atol=1e-3)
    for slope, n in ((dzdx, nx), (dzdy, ny)):
        assert ((slope + n / nz)[gentle].abs() < 0.06).float().mean() > 0.99


@pytest.mark.parametrize("solid", SOLIDS)
def test_nothing_of_a_solid_lies_outside_its_bounds(solid: Solid) -> None:
    x, y, z, _ = over(solid)
    x0, y0, x1, y1 = solid.bounds()[0]
    seen = z.isfinite()
    assert x[seen].min() >= x0
    assert x[seen].max() <= x1
    assert y[seen].min() >= y0
    assert y[seen].max() <= y1
