"""Small real files to work on."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from understudy_api.v1 import job_pb2
from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_clip
from understudy_engine.media.write import write_layer
from understudy_engine.types import FrameRange, Picture

FRAMES = 11  # three segments of the paint engine: 5, 4 and 2 frames
SIZE = 32


def make_footage(folder: Path) -> Path:
    """clip.mkv, hero.png, points.json and some files that are none of these."""
    folder.mkdir(parents=True, exist_ok=True)
    make_clip(folder / "clip.mkv")
    picture = np.zeros((24, 16, 3), np.uint8)
    picture[..., 2] = 220
    cv2.imwrite(str(folder / "hero.png"), picture)
    (folder / "points.json").write_text(json.dumps({"frames": []}), "utf-8")
    (folder / "broken.json").write_text('{"frames": [', "utf-8")
    (folder / "empty.mov").write_bytes(b"")
    (folder / "words.mov").write_text("This is not a movie.", "utf-8")
    (folder / "cut.mkv").write_bytes((folder / "clip.mkv").read_bytes()[:700])
    return folder


def make_clip(path: Path, frames: int = FRAMES, seed: int = 5, size: int = SIZE) -> None:
    noise = np.random.default_rng(seed)
    base = noise.integers(0, 200, (size, size, 3), np.uint8)
    pictures = [Picture((base + np.uint8(4 * number),), "rgb24") for number in range(frames)]
    write_layer(path, pictures, rate=Fraction(24000, 1001), colour=ColourTags())


def plane_digest(file: Path) -> str:
    """Of every decoded sample in *file*: equal for equal pictures, however the container was written."""
    digest = hashlib.sha256()
    with open_clip(file) as clip:
        for picture in clip.read(FrameRange(0, clip.info.frame_count)):
            for plane in picture.planes:
                digest.update(np.ascontiguousarray(plane).tobytes())
    return digest.hexdigest()


def segment_digests(home: Path, job: job_pb2.Job) -> list[str]:
    """Of every layer of every stored segment, and of the floats between them, in order."""
    folders = sorted((home / job.name / "segments").iterdir())
    digests = []
    for folder in folders:
        digests += [plane_digest(file) for file in sorted(folder.glob("*.mkv"))]
        digests.append(hashlib.sha256((folder / "overlap.npy").read_bytes()).hexdigest())
    return digests
