"""A shot with two people in it, whose passes are supplied: one left, one right, or one crossing the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.engine.conftest import SIZE, keypoints_document
from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.types import MatteOptions, PassFiles, Picture, Role, SwapRequest

LEFT, RIGHT = (4, 20), (44, 60)  # columns
TOP, BOTTOM = 12, 52
MATTE = MatteOptions(grow_px=2, soften_px=2)

Make = Callable[..., SwapRequest]


def write_matte(
    path: Path, columns: Sequence[tuple[int, int]], rows: tuple[int, int] = (TOP, BOTTOM)
) -> Path:
    """White in *columns* of each frame."""
    pictures = []
    for first, end in columns:
        person = np.zeros((SIZE, SIZE), np.uint8)
        person[rows[0] : rows[1], first:end] = 255
        pictures.append(Picture((person,), "gray"))
    write_layer(path, pictures, rate=Fraction(24), colour=ColourTags())
    return path


def role_in(
    folder: Path, name: str, columns: Sequence[tuple[int, int]], seed: int, bottom: int = BOTTOM
) -> Role:
    """Somebody in *columns*, replaced by a character of noise."""
    picture = np.random.default_rng(seed).integers(0, 255, (80, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / f"{name}.png"), picture)
    document = keypoints_document(len(columns))
    middle = np.array([sum(each) / 2 for each in columns])[:, None]
    points = np.array(document["frames"])
    points[..., 0] = middle + (points[..., 0] - SIZE / 2) / 3
    (folder / f"{name}.json").write_text(json.dumps(document | {"frames": points.tolist()}))
    matte = write_matte(folder / f"{name}.mkv", columns, (TOP, bottom))
    passes = PassFiles(keypoints=folder / f"{name}.json", matte=matte)
    return Role(character=folder / f"{name}.png", passes=passes, matte=MATTE)


def of_two(
    shot: Make, folder: Path, columns: Sequence[Sequence[tuple[int, int]]], bottoms: Sequence[int]
) -> SwapRequest:
    """A request of two roles in *columns* of each frame."""
    one, other = (
        role_in(folder, f"role{n}", each, 40 + n, bottom)
        for n, (each, bottom) in enumerate(zip(columns, bottoms, strict=True))
    )
    plain = shot(len(columns[0]))
    return replace(plain, character=one.character, passes=one.passes, matte=MATTE, roles=(other,))


@pytest.fixture
def apart(shot: Make, tmp_path: Path) -> SwapRequest:
    """14 frames, two segments; the two never come near each other."""
    return of_two(shot, tmp_path, [[LEFT] * 14, [RIGHT] * 14], (BOTTOM, BOTTOM))


@pytest.fixture
def crossing(shot: Make, tmp_path: Path) -> SwapRequest:
    """9 frames: the first walks from left to right, past the second, whose feet are nearer."""
    walking = [(4 + 5 * k, 20 + 5 * k) for k in range(9)]
    return of_two(shot, tmp_path, [walking, [(26, 42)] * 9], (BOTTOM - 4, BOTTOM))
