"""A clip of a figure performing, the character to put in its place, and everything true about both.

``render_shot`` is where training footage begins: pictures, passes and the results a perfect model would give,
all from one seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...types import RgbFrames
from .background import render_paper, render_room
from .body import body_parts
from .figure import Pose, Proportions, Skeleton, pose_skeleton, random_proportions
from .keypoints import face_boxes, whole_body
from .light import Light, encode, random_light, shade, studio_light
from .look import Look, random_look
from .paint import paint
from .performance import Performance, random_performance, standing
from .raster import Camera, rasterise
from .sound import SAMPLE_RATE, speak

RATE = Fraction(24)
OVERSAMPLING = 2  # samples a pixel, each way
FRAMES_AT_ONCE = 4
VIEW_HEADS = 2.82  # how many heads high the picture is: from the waist up
VIEW_TOP = -1.48


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
    body: Proportions
    look: Look


@dataclass(frozen=True, slots=True)
class Set:
    """A place and its light."""

    ground: Tensor  # (3, H, W) linear light
    light: Light


def render_shot(
    seed: int, *, frames: int = 49, size: int = 256, device: torch.device | str = "cpu"
) -> DemoShot:
    """The shot of *seed*: *frames* pictures, *size* pixels square. The same seed gives the same shot.

    Memory: the result's arrays, and about 250 bytes a sample for the few frames that are drawn at once
    (under 300 MB at 256 px). Raises ValueError if frames or size are not positive.
    """
    if frames < 1 or size < 16:
        raise ValueError(f"a shot needs at least 1 frame of 16 pixels, not {frames} of {size}")
    rngs = [np.random.default_rng([seed, stream]) for stream in range(6)]
    driver = Figure(random_proportions(rngs[0]), random_look(rngs[0]))
    character = Figure(random_proportions(rngs[1]), random_look(rngs[1], unlike=driver.look))
    performance = random_performance(rngs[2], float(frames / RATE))
    light = random_light(rngs[3])
    place = Set(render_room(rngs[3], size, light).to(device), light)
    paper = Set(render_paper(rngs[4], size).to(device), studio_light())
    camera = Camera(scale=size / VIEW_HEADS, left=-VIEW_HEADS / 2, top=VIEW_TOP, size=size)

    with _one_thread():
        plate, matte, keypoints = _film(driver, performance, frames, camera, [place], device)
        truth, truth_matte, _ = _film(character, performance, frames, camera, [place, paper], device)
        portrait = pose_skeleton(character.body, standing(device))
        picture, _ = _expose(portrait, character.look, camera, [paper])
    return DemoShot(
        plate=plate[0],
        clean_plate=_bytes(place.ground[None])[0],
        matte=matte,
        keypoints=keypoints.numpy(),
        face_boxes=face_boxes(keypoints, size).numpy(),
        character=picture[0][0],
        character_keypoints=whole_body(portrait, camera)[0].cpu().numpy(),
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
    camera: Camera,
    sets: list[Set],
    device: torch.device | str,
) -> tuple[list[RgbFrames], NDArray[np.uint8], Tensor]:
    """The figure's performance on each of *sets*, its matte, and its keypoints (T, 133, 3)."""
    takes, mattes, keypoints = [], [], []
    for start in range(0, frames, FRAMES_AT_ONCE):
        numbers = torch.arange(start, min(start + FRAMES_AT_ONCE, frames), device=device)
        skeleton = pose_skeleton(figure.body, _pose_at(performance, numbers))
        pictures, matte = _expose(skeleton, figure.look, camera, sets)
        takes.append(pictures)
        mattes.append(matte)
        keypoints.append(whole_body(skeleton, camera).cpu())
    clips = [np.concatenate(clip) for clip in zip(*takes, strict=True)]
    return clips, np.concatenate(mattes), torch.cat(keypoints)


def _pose_at(performance: Performance, numbers: Tensor) -> Pose:
    return performance.pose(numbers.to(torch.float32) * (RATE.denominator / RATE.numerator))


def _expose(
    skeleton: Skeleton, look: Look, camera: Camera, sets: list[Set]
) -> tuple[list[RgbFrames], NDArray[np.uint8]]:
    """The skeleton's figure on each of *sets*, and its matte. It is drawn once and lit for each."""
    fine = camera.finer(OVERSAMPLING)
    parts = body_parts(skeleton, look)
    device = skeleton.pelvis.origin.device
    count = len(skeleton.pelvis.origin)
    surface = rasterise(parts, fine, count, device)
    points = paint(surface, parts, skeleton, look, fine)
    coverage = F.avg_pool2d((surface.part >= 0).float()[:, None], OVERSAMPLING)
    pictures = []
    for stage in sets:
        samples = torch.zeros((3, surface.part.numel()), device=device)
        samples.index_copy_(1, points.where, shade(points, surface, stage.light, 1 / fine.scale))
        figure = F.avg_pool2d(samples.view(3, *surface.part.shape), OVERSAMPLING)
        pictures.append(_bytes(figure.transpose(0, 1) + (1 - coverage) * stage.ground))
    matte = (coverage[:, 0] > 0).to(torch.uint8) * 255
    return pictures, matte.cpu().numpy()


def _bytes(linear: Tensor) -> RgbFrames:
    """(N, 3, H, W) linear light -> (N, H, W, 3) sRGB bytes."""
    pictures: RgbFrames = (encode(linear) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return pictures
