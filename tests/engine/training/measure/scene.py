"""A clip to measure: a patterned figure that moves over a patterned ground, known exactly and drawn in no time."""

from __future__ import annotations

import torch

from tests.engine.training.nets.footage import face_points
from understudy_engine.training.measure.figures import Truth

FRAMES, SIZE = 6, 96


def moving_figure() -> Truth:
    generator = torch.Generator().manual_seed(3)
    ground = (
        torch.rand(3, SIZE // 8, SIZE // 8, generator=generator)
        .repeat_interleave(8, 1)
        .repeat_interleave(8, 2)
    )
    cells = 0.2 + 0.6 * torch.rand(3, 7, 5, generator=generator)
    shirt = blurred(cells.repeat_interleave(8, 1).repeat_interleave(8, 2)[None], 2)[0]
    shirt[:, :20] = torch.tensor([0.8, 0.6, 0.5]).view(3, 1, 1)  # a face above it
    plate = ground.repeat(FRAMES, 1, 1, 1)
    result, matte = plate.clone(), torch.zeros(FRAMES, SIZE, SIZE, dtype=torch.uint8)
    parts, points = torch.zeros_like(matte), torch.zeros(FRAMES, 133, 3)
    for t in range(FRAMES):
        x = 10 + 3 * t
        rows, columns = slice(30, 86), slice(x, x + 40)
        result[t, :, rows, columns] = shirt
        matte[t, rows, columns] = 255
        parts[t, rows, columns] = 4
        parts[t, 30:50, columns] = 2
        points[t] = face_points(x, 30, 40, 56)
    return Truth(
        plate=plate,
        result=result,
        matte=matte,
        driver_matte=matte,
        parts=parts,
        points=points,
        expression=torch.zeros(FRAMES, 8),
    )


def blurred(pictures: torch.Tensor, times: int) -> torch.Tensor:
    for _ in range(times):
        pictures = torch.nn.functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    return pictures
