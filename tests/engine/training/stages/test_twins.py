"""Crops and holes that training makes on the device are the engine's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.engine.training.stages.test_skeleton import people
from understudy_engine.preprocess import face as engine_face
from understudy_engine.preprocess import matte as engine_matte
from understudy_engine.preprocess.sizing import Box
from understudy_engine.training.stages import faces, mattes
from understudy_engine.types import FrameSize, MatteOptions

SIZE = FrameSize(256, 192)


def test_the_constants_of_the_face_are_the_engines() -> None:
    names = ("AREA_SCALE", "MIN_LANDMARKS", "MIN_MEAN_SCORE")
    assert [getattr(faces, name) for name in names] == [getattr(engine_face, name) for name in names]


def test_faces_are_found_where_the_engine_finds_them() -> None:
    points = people(SIZE, 40)
    points[::3, :, 2] *= 0.1  # some with too little to be seen
    boxes = faces.face_boxes(torch.from_numpy(points), SIZE.height, SIZE.width).tolist()
    for ours, figure in zip(boxes, points, strict=True):
        box = engine_face.face_box(figure, SIZE)
        theirs = [0] * 4 if box is None else [box.x, box.y, box.x + box.width, box.y + box.height]
        assert ours == theirs


@pytest.mark.parametrize("side", [(20, 30), (60, 80), (80, 60), (64, 64), (70, 90), (128, 128), (190, 150)])
def test_a_face_is_scaled_as_the_engine_scales_it(side: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (3, SIZE.height // 4, SIZE.width // 4, 3)).astype(np.uint8)
    frames = noise.repeat(4, axis=1).repeat(4, axis=2)
    boxes = [Box(k, 2 * k, *side) for k in range(3)]
    corners = torch.tensor([[b.x, b.y, b.x + b.width, b.y + b.height] for b in boxes])
    ours = faces.crop_faces(torch.from_numpy(frames).permute(0, 3, 1, 2), corners, 64)
    theirs = np.stack([engine_face.crop_face(f, b, 64) for f, b in zip(frames, boxes, strict=True)])
    difference = ours.permute(0, 2, 3, 1).numpy().astype(int) - theirs
    assert np.abs(difference).max() <= 1


def test_without_a_box_the_face_is_black() -> None:
    frames = torch.full((1, 3, 64, 64), 200, dtype=torch.uint8)
    assert faces.crop_faces(frames, torch.zeros(1, 4, dtype=torch.long), 32).max() == 0


@pytest.mark.parametrize("blocks", [None, (1, 1), (3, 2), (8, 8), (100, 1)])
@pytest.mark.parametrize("grow_px", [0, 4, 9])
def test_the_hole_is_grown_and_filled_as_the_engine_does(
    grow_px: int, blocks: tuple[int, int] | None
) -> None:
    rng = np.random.default_rng(1)
    matte = np.zeros((5, 96, 128), np.uint8)
    for k in range(4):  # the last stays empty
        y, x = rng.integers(0, 60, 2)
        matte[k, y : y + 25, x : x + 40] = rng.integers(0, 256, (25, 40)) * (rng.random((25, 40)) < 0.05)
    options = MatteOptions(grow_px=grow_px, blocks=blocks)
    theirs = np.stack([engine_matte.binary(engine_matte.prepare(m, options, 1.0)) for m in matte])
    assert np.array_equal(mattes.prepare(torch.from_numpy(matte), options).numpy(), theirs)
