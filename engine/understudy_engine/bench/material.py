"""A test clip as the files that an artist would bring: clip, character picture and exact passes, all lossless."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..media.info import ColourTags
from ..media.layer import write_layer
from ..preprocess import face_boxes as boxes_format
from ..preprocess.keypoint_files import write_keypoints
from ..preprocess.keypoints import Keypoints
from ..training.studio.clips import ClipBatch
from ..types import FrameSize, Mode, PassFiles, Picture, Sampling, SwapRequest

RATE = Fraction(24)
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]


@dataclass(frozen=True, slots=True)
class Material:
    folder: Path
    frames: int

    def request(self, seed: int) -> SwapRequest:
        """A Replace with every pass supplied."""
        passes = PassFiles(
            keypoints=self.folder / "keypoints.json",
            face_boxes=self.folder / "face_boxes.json",
            matte=self.folder / "matte.mkv",
        )
        return SwapRequest(
            mode=Mode.REPLACE,
            clip=self.folder / "clip.mkv",
            character=self.folder / "character.png",
            passes=passes,
            sampling=Sampling(seed=seed),
        )

    @property
    def no_pose(self) -> Path:
        """A skeleton video with no skeleton in it."""
        return self.folder / "no_pose.mkv"


def write_material(clips: ClipBatch, index: int, folder: Path) -> Material:
    """Writes clip *index* of the batch into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    plate = frames_of(clips.plate[index])
    size = FrameSize(plate.shape[2], plate.shape[1])
    _write_video(folder / "clip.mkv", plate)
    _write_video(folder / "no_pose.mkv", np.zeros_like(plate))
    mattes = [Picture((matte,), "gray") for matte in clips.matte[index].cpu().numpy()]
    write_layer(folder / "matte.mkv", mattes, rate=RATE, colour=ColourTags(range="pc"))
    points = clips.keypoints[index, 0].cpu().numpy()
    write_keypoints(folder / "keypoints.json", Keypoints(points, size), RATE)
    _write_boxes(folder / "face_boxes.json", clips.face_boxes[index].cpu().numpy(), size)
    write_picture(folder / "character.png", frames_of(clips.character[index][None])[0])
    return Material(folder, len(plate))


def frames_of(video: Tensor) -> NDArray[np.uint8]:
    """(T, 3, H, W) uint8, or float in 0-1 -> (T, H, W, 3) uint8."""
    pictures = video if not video.is_floating_point() else (video.clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(pictures.permute(0, 2, 3, 1).cpu().numpy())


def write_picture(file: Path, rgb: NDArray[np.uint8]) -> None:
    """PNG or JPEG, by the name's ending."""
    _, data = cv2.imencode(
        file.suffix, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), JPEG if file.suffix == ".jpg" else []
    )
    file.write_bytes(data.tobytes())


def _write_video(file: Path, frames: NDArray[np.uint8]) -> None:
    pictures = [Picture((np.ascontiguousarray(frame),), "rgb24") for frame in frames]
    write_layer(file, pictures, rate=RATE, colour=ColourTags(range="pc"))


def _write_boxes(file: Path, boxes: NDArray[np.float32], size: FrameSize) -> None:
    usable = [box if box[2] > box[0] and box[3] > box[1] else None for box in boxes.tolist()]
    document = {
        "format": boxes_format.FORMAT,
        "version": boxes_format.VERSION,
        "width": size.width,
        "height": size.height,
        "boxes": usable,
    }
    file.write_text(json.dumps(document), encoding="utf-8")
