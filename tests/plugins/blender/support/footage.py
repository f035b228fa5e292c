"""A clip whose every frame tells its number, a character, passes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from understudy_engine.media.info import ColourTags
from understudy_engine.media.write import write_layer
from understudy_engine.training import render_shot
from understudy_engine.types import Picture
from understudy_server.cli.demo_files import write_clip, write_demo

FRAMES = 24
RATE = Fraction(24)
WIDTH, HEIGHT = 64, 48


def make_footage(folder: Path) -> Path:
    """clip.mkv (frame k is grey 10 k, with a coloured corner), hero.png, passes/, person.mp4 (who waves), words.mov."""
    (folder / "passes").mkdir(parents=True, exist_ok=True)
    frames = [Picture((frame(number),), "rgb24") for number in range(FRAMES)]
    write_layer(folder / "clip.mkv", frames, rate=RATE, colour=ColourTags())
    write_layer(folder / "clip30.mkv", frames, rate=Fraction(30), colour=ColourTags())
    cv2.imwrite(str(folder / "hero.png"), np.full((32, 24, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "passes" / "matte.png"), np.full((HEIGHT, WIDTH), 255, np.uint8))
    (folder / "passes" / "keypoints.json").write_text(json.dumps(_keypoints()), "utf-8")
    write_clip(folder / "person.mp4", render_shot(11, frames=5))
    (folder / "words.mov").write_text("This is not a movie.", "utf-8")
    return folder


def make_performance(folder: Path) -> None:
    """clip.mp4, 18 frames of 128 x 128 in which somebody moves, and character.png: what nano can make something of."""
    write_demo(render_shot(11, frames=18, size=128), folder)


def _keypoints() -> dict[str, object]:
    """A body that does not move: what is opened before a job must be whole."""
    body = [[WIDTH * (0.3 + 0.003 * point), HEIGHT * 0.5, 1.0] for point in range(133)]
    head = {"format": "understudy.keypoints", "version": 1, "width": WIDTH, "height": HEIGHT}
    return {**head, "frames": [body] * FRAMES}


def frame(number: int) -> np.ndarray:
    """Frame *number* of the clip, (H, W, 3) RGB."""
    picture = np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8)
    picture[: HEIGHT // 4, : WIDTH // 4] = (250, 20, 10 * number)
    return picture
