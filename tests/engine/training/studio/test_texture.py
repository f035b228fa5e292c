from __future__ import annotations

import math

import torch
from torch import Tensor

from understudy_engine.training.studio.texture import blur, cells, chance, dead_leaves, falling_noise

SIZE = 96


def grid(clips: int) -> tuple[Tensor, Tensor]:
    middles = (torch.arange(SIZE) + 0.5) / SIZE
    u = middles[None, None, :].expand(clips, SIZE, SIZE)
    return u, u.mT


def test_chances_are_even_and_neighbours_know_nothing_of_each_other() -> None:
    drawn = chance(torch.arange(3)[:, None, None], torch.arange(100)[:, None], torch.arange(100))
    assert abs(drawn.mean() - 0.5) < 0.01
    assert abs(drawn.std() - math.sqrt(1 / 12)) < 0.01
    for axis in (0, 1, 2):
        length = drawn.shape[axis] - 1
        pair = torch.stack([drawn.narrow(axis, 0, length).flatten(), drawn.narrow(axis, 1, length).flatten()])
        assert abs(pair.corrcoef()[0, 1]) < 0.02


def test_noise_falls_with_frequency_as_its_power_says() -> None:
    power = torch.tensor([0.6, 1.0, 1.6])
    noise = falling_noise(torch.tensor([1, 2, 3]), SIZE, power, torch.ones(3))
    assert torch.allclose(noise.std(dim=(1, 2)), torch.ones(3), atol=1e-4)
    spectrum = torch.fft.rfft2(noise).abs()
    frequency = torch.hypot(torch.fft.fftfreq(SIZE)[:, None], torch.fft.rfftfreq(SIZE)[None])
    low, high = ((frequency > a) & (frequency < a * 1.3) for a in (0.05, 0.3))
    fallen = torch.log(spectrum[:, low].mean(1) / spectrum[:, high].mean(1)) / math.log(6)
    assert torch.allclose(fallen, power, atol=0.15)


def test_stretched_noise_runs_across_the_picture() -> None:
    noise = falling_noise(torch.tensor([5]), SIZE, torch.tensor([1.0]), torch.tensor([4.0]))[0]
    assert noise.diff(dim=0).std() > 1.5 * noise.diff(dim=1).std()


def test_a_clips_texture_is_the_same_alone_and_among_others() -> None:
    seeds, ones = torch.tensor([4, 5, 6]), torch.ones(3)
    together = falling_noise(seeds, SIZE, ones, ones)
    alone = falling_noise(seeds[1:2], SIZE, ones[:1], ones[:1])
    assert torch.allclose(together[1], alone[0], atol=1e-5)
    leaves = dead_leaves(seeds, *grid(3), 0.4 * ones)
    assert torch.equal(leaves[1:2], dead_leaves(seeds[1:2], *grid(1), 0.4 * ones[:1]))


def test_leaves_are_of_many_sizes_and_most_of_them_small() -> None:
    seen = dead_leaves(torch.tensor([7]), *grid(1), torch.tensor([0.5]))
    _, areas = seen.unique(return_counts=True)
    assert len(areas) > 100
    assert areas.median() < 12
    assert areas.max() > 0.02 * SIZE**2


def test_bricks_lie_half_over_each_other_and_tiles_do_not() -> None:
    u, v = grid(1)
    size = torch.tensor([0.25])
    for shift, moved in ((0.5, True), (0.0, False)):
        column, row, edge = cells(u, v, 2 * size, size, torch.tensor([shift]))
        first, second = (column[0, (row[0, :, 0] == r).nonzero()[0, 0]] for r in (0, 1))
        assert (first != second).any() == moved
        assert 0 <= edge.min() < 0.01
        assert edge.max() < 0.125


def test_blur_keeps_the_light_and_takes_the_detail() -> None:
    picture = torch.rand(2, 3, SIZE, SIZE)
    blurred = blur(picture, torch.tensor([0.0, 4.0]))
    assert torch.allclose(blurred[0], picture[0], atol=1e-5)
    assert torch.allclose(blurred[1].mean(), picture[1].mean(), atol=1e-4)
    assert blurred[1].std() < 0.2 * picture[1].std()
