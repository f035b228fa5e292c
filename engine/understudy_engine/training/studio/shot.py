"""A clip of a figure performing, the character to put in its place, and everything true about both.

``render_shot`` is where training footage begins: pictures, passes and the results a perfect model would give,
all from one seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...types import RgbFrames
from .background import render_paper, render_room
from .camera import View, level_view
from .film import Figures, film, to_bytes
from .framing import DEMO
from .keypoints import face_boxes
from .light import Light, light_rows, random_light, studio_light
from .look import Look, look_rows, random_look
from .performance import Performance, random_performance, standing
from .pose import Pose
from .proportions import Proportions, random_proportions, rows
from .sound import SAMPLE_RATE, speak

RATE = Fraction(24)
FRAMES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoShot:
    """Pictures are full-range sRGB; T frames of H rows and W columns."""

    plate: RgbFrames  # (T, H, W, 3) the driver performs
    clean_plate: NDArray[np.uint8]  # (H, W, 3) the same place without anybody; the camera stands still
    matte: NDArray[np.uint8]  # (T, H, W) 255 wherever the driver covers any part of the pixel, else 0
    keypoints: NDArray[np.float32]  # (T, 133, 3) of the driver: x, y in pixels, score 0 or 1
    face_boxes: NDArray[np.float32]  # (T, 4) x0 y0 x1 y1, whole pixels, end not included
    character: NDArray[np.uint8]  # (H, W, 3) the character picture
    character_keypoints: NDArray[np.float32]  # (133, 3) of the character in its picture
    truth_replace: RgbFrames  # (T, H, W, 3) the character in the driver's place, under the plate's light
    truth_matte: NDArray[np.uint8]  # (T, H, W) of the character, in both truths
    truth_animate: RgbFrames  # (T, H, W, 3) the character performs in its own picture
    light: Light  # of the plate
    sound: NDArray[np.int16]  # (samples, channels), exactly as long as the frames
    sample_rate: int
    rate: Fraction  # frames a second


@dataclass(frozen=True, slots=True)
class Figure:
    body: Proportions  # as scalars
    look: Look

    def rows(self, count: int, device: torch.device | str) -> Figures:
        """The same figure in *count* rows."""
        same = torch.zeros(count, dtype=torch.long, device=device)
        body = {f.name: getattr(self.body, f.name).to(device).view(1) for f in fields(Proportions)}
        return Figures(rows(Proportions(**body), same), look_rows([self.look], device).at(same))


@dataclass(frozen=True, slots=True)
class Set:
    """A place and its light."""

    ground: Tensor  # (3, H, W) linear light
    light: Light


def render_shot(
    seed: int, *, frames: int = 49, size: int = 256, device: torch.device | str = "cpu"
) -> DemoShot:
    """The shot of *seed*: *frames* pictures, *size* pixels square. The same seed gives the same shot.

    Memory: the result's arrays, and under 600 MB at 256 px for the few frames that are drawn at once. Raises
    ValueError if there are no frames or *size* is not a multiple of 8 from 16 on.
    """
    if frames < 1 or size < 16 or size % 8:
        raise ValueError(
            f"a shot needs at least 1 frame, of 16, 24, 32, ... pixels, not {frames} of {size}: choose a "
            "multiple of 8"
        )
    rngs = [np.random.default_rng([seed, stream]) for stream in range(6)]
    driver = Figure(random_proportions(rngs[0]), random_look(rngs[0]))
    character = Figure(random_proportions(rngs[1]), random_look(rngs[1], unlike=driver.look))
    performance = random_performance(rngs[2], float(frames / RATE))
    light = random_light(rngs[3])
    place = Set(render_room(rngs[3], size, light).to(device), light)
    paper = Set(render_paper(rngs[4], size).to(device), studio_light())
    with _one_thread():
        plate, matte, keypoints = _film(driver, performance, frames, [place], size, device)
        truth, truth_matte, _ = _film(character, performance, frames, [place, paper], size, device)
        picture, _, portrait = _expose(character, standing(device), [paper], size)
    return DemoShot(
        plate=plate[0],
        clean_plate=_frames(place.ground[None])[0],
        matte=matte,
        keypoints=keypoints.numpy(),
        face_boxes=face_boxes(keypoints, size).numpy(),
        character=picture[0][0],
        character_keypoints=portrait[0].cpu().numpy(),
        truth_replace=truth[0],
        truth_matte=truth_matte,
        truth_animate=truth[1],
        light=light,
        sound=speak(performance, frames, RATE, rngs[5]),
        sample_rate=SAMPLE_RATE,
        rate=RATE,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Drawing is thousands of small operations. On a busy machine several threads wait for each other ten times
    as long as they work (49 frames: 7 s with one thread, 46 s with two, both cores busy)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _film(
    figure: Figure,
    performance: Performance,
    frames: int,
    sets: list[Set],
    size: int,
    device: torch.device | str,
) -> tuple[list[RgbFrames], NDArray[np.uint8], Tensor]:
    """The figure's performance on each of *sets*, its matte, and its keypoints (T, 133, 3)."""
    takes, mattes, keypoints = [], [], []
    for start in range(0, frames, FRAMES_AT_ONCE):
        numbers = torch.arange(start, min(start + FRAMES_AT_ONCE, frames), device=device)
        pose = performance.pose(numbers.to(torch.float32) * (RATE.denominator / RATE.numerator))
        pictures, matte, points = _expose(figure, pose, sets, size)
        takes.append(pictures)
        mattes.append(matte)
        keypoints.append(points.cpu())
    clips = [np.concatenate(clip) for clip in zip(*takes, strict=True)]
    return clips, np.concatenate(mattes), torch.cat(keypoints)


def _expose(
    figure: Figure, pose: Pose, sets: list[Set], size: int
) -> tuple[list[RgbFrames], NDArray[np.uint8], Tensor]:
    """The figure on each of *sets*, its matte and its keypoints. It is drawn once and lit for each."""
    count, device = len(pose.x), pose.x.device
    lights = [light_rows([stage.light] * count, device) for stage in sets]
    takes = film(figure.rows(count, device), pose, _view(count, size, device), lights)
    pictures = [
        _frames(colours + (1 - takes.cover)[:, None] * stage.ground)
        for colours, stage in zip(takes.colours, sets, strict=True)
    ]
    matte = (takes.cover > 0).to(torch.uint8) * 255
    return pictures, matte.cpu().numpy(), takes.keypoints


def _view(count: int, size: int, device: torch.device | str) -> View:
    heads, left, top = (
        torch.full((count,), v, device=device) for v in (DEMO.heads_high, DEMO.left, DEMO.top)
    )
    return level_view(size / heads, left, top, size)


def _frames(linear: Tensor) -> RgbFrames:
    """(N, 3, H, W) linear light -> (N, H, W, 3) sRGB bytes."""
    pictures: RgbFrames = to_bytes(linear).permute(0, 2, 3, 1).cpu().numpy()
    return pictures
