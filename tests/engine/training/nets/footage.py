"""Rows to learn from that are drawn in no time: one block of a person a picture."""

from __future__ import annotations

import torch

from understudy_engine.training.nets.points import matte_boxes
from understudy_engine.training.nets.pool import Rows


def block_rows(count: int, size: int = 64, people: int = 2) -> Rows:
    """Pictures of a bright block on dark noise; its points are spread over it, and its face looks at us."""
    generator = torch.Generator().manual_seed(count)
    pictures = (torch.rand(count, 3, size, size, generator=generator) * 60).byte()
    mattes = torch.zeros(count, people, size, size, dtype=torch.uint8)
    points = torch.zeros(count, people, 133, 3)
    for row in range(count):
        x, y = torch.randint(2, size // 4, (2,), generator=generator).tolist()
        wide, tall = size // 2 + row % 5, size // 2 + row % 7
        mattes[row, 0, y : y + tall, x : x + wide] = 255
        pictures[row, :, y : y + tall, x : x + wide] += torch.tensor([150, 80, 40], dtype=torch.uint8).view(
            3, 1, 1
        )
        points[row, 0] = face_points(x, y, wide, tall)
    return Rows(
        pictures=pictures,
        mattes=mattes,
        points=points,
        boxes=matte_boxes(mattes),
        expression=torch.rand(count, 8, generator=generator),
        complete=torch.ones(count, dtype=torch.bool),
        soft=torch.ones(count, dtype=torch.bool),
    )


def face_points(x: float, y: float, wide: float, tall: float) -> torch.Tensor:
    """(133, 3) within a box, with the ears left and right of the nose as in a face that looks at us."""
    points = torch.ones(133, 3)
    points[:, 0] = x + wide * torch.linspace(0.1, 0.9, 133)
    points[:, 1] = y + tall * (0.5 + 0.4 * torch.sin(torch.arange(133.0)))
    for number, across in ((0, 0.5), (3, 0.9), (4, 0.1)):  # nose, left ear, right ear
        points[number, :2] = torch.tensor([x + across * wide, y + 0.5 * tall])
    return points
