"""A clip, a character and every pass that a job can be given, drawn: so that nothing has to be found in the clip."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.info import ColourTags
from understudy_engine.media.layer import write_layer
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import POINTS, Keypoints
from understudy_engine.types import FrameSize, Picture
from understudy_server.cli.demo_files import write_clip, write_face_boxes, write_png

Rgb = NDArray[np.uint8]

RATE = Fraction(24000, 1001)
SAMPLE_RATE = 48_000
TONE_HZ = 220


@dataclass(frozen=True, slots=True)
class Film:
    """What `write_clip` writes."""

    plate: Rgb  # (T, H, W, 3)
    sound: NDArray[np.int16]  # (samples, 2)
    rate: Fraction = RATE
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Footage:
    clip: Path
    character: Path
    passes: Path  # a folder: keypoints, face_boxes, matte
    frames: int


def make_footage(folder: Path, size: FrameSize, frames: int) -> Footage:
    """Somebody, an ellipse with a head, walks through a picture that pans; the sound is a tone."""
    passes = folder / "passes"
    passes.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(5)
    backdrop = _backdrop(draw, size)
    bodies = [_body(size, index / max(1, frames - 1)) for index in range(frames)]
    plate = np.stack([_frame(backdrop, index, body) for index, body in enumerate(bodies)])
    write_clip(folder / "clip.mp4", Film(plate, _tone(frames)))  # type: ignore[arg-type] # it has all that is read
    write_png(folder / "character.png", draw.integers(0, 255, (size.height, size.width, 3), np.uint8))
    mattes = [Picture((np.where(body.inside, np.uint8(255), np.uint8(0)),), "gray") for body in bodies]
    write_layer(passes / "matte.mkv", mattes, rate=RATE, colour=ColourTags(range="pc"))
    points = np.stack([body.points(draw) for body in bodies])
    write_keypoints(passes / "keypoints.json", Keypoints(points, size), RATE)
    write_face_boxes(passes / "face_boxes.json", np.stack([body.face for body in bodies]), size)
    return Footage(folder / "clip.mp4", folder / "character.png", passes, frames)


@dataclass(frozen=True, slots=True)
class Body:
    inside: NDArray[np.bool_]  # (H, W)
    place: tuple[float, float, float, float]  # centre and half axes, pixels

    @property
    def face(self) -> NDArray[np.float32]:
        """Left, top, right, bottom of the ellipse's upper fifth."""
        x, y, half_width, half_height = self.place
        box = (x - half_width / 2, y - half_height, x + half_width / 2, y - 0.6 * half_height)
        return np.array(box, np.float32)

    def points(self, draw: np.random.Generator) -> NDArray[np.float32]:
        """(133, 3), all over the ellipse, each seen."""
        x, y, half_width, half_height = self.place
        turn, far = draw.uniform(0, 2 * np.pi, POINTS), draw.uniform(0.1, 0.95, POINTS)
        spread = np.stack([x + far * half_width * np.cos(turn), y + far * half_height * np.sin(turn)], axis=1)
        return np.concatenate([spread, np.ones((POINTS, 1))], axis=1).astype(np.float32)


def _body(size: FrameSize, at: float) -> Body:
    """Where somebody is who has gone *at*, 0 to 1, of the way."""
    width, height = size
    place = (width * (0.35 + 0.3 * at), height * 0.55, width * 0.1, height * 0.38)
    x, y = np.arange(width)[None], np.arange(height)[:, None]
    inside = ((x - place[0]) / place[2]) ** 2 + ((y - place[1]) / place[3]) ** 2 <= 1
    return Body(inside, place)


def _frame(backdrop: Rgb, index: int, body: Body) -> Rgb:
    frame = np.roll(backdrop, -2 * index, axis=1).copy()
    frame[body.inside] = (180, 120, 90)
    return frame


def _backdrop(draw: np.random.Generator, size: FrameSize) -> Rgb:
    """Waves of colour with a little grain."""
    x, y = np.arange(size.width)[None], np.arange(size.height)[:, None]
    waves = [np.sin(x / size.width * 2 * np.pi * k + y / (13 * k) + k) for k in (2, 3, 5)]
    grain = draw.normal(0, 4, (size.height, size.width, 3))
    rgb: Rgb = np.clip(np.stack(waves, axis=-1) * 60 + 120 + grain, 0, 255).astype(np.uint8)
    return rgb


def _tone(frames: int) -> NDArray[np.int16]:
    """(samples, 2), as long as the frames."""
    at = np.arange(round(frames / RATE * SAMPLE_RATE)) / SAMPLE_RATE
    tone = (8000 * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16)
    return np.stack([tone, tone], axis=1)


def sound_seconds(path: Path) -> float:
    """Of the first sound track, by its packets; 0 without one."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return 0.0
        stream = container.streams.audio[0]
        last = max((packet for packet in container.demux(stream) if packet.pts is not None),
                   key=lambda packet: packet.pts or 0)  # fmt: skip
        assert stream.time_base is not None
        assert last.pts is not None
        return float((last.pts + (last.duration or 0)) * stream.time_base)
