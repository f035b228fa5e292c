"""Writes the demo's shot as the files an artist would bring, and looks at what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.info import ColourTags
from understudy_engine.media.layer import write_layer
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import RgbSource
from understudy_engine.preprocess import face_boxes as boxes_format
from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import Keypoints
from understudy_engine.training import DemoShot
from understudy_engine.types import FrameSize, Picture

Rgb = NDArray[np.uint8]

BT709, LIMITED = 1, 1  # FFmpeg's numbers for the colour tags
LABEL_PX = 18  # height of the line of words above the side by side picture


@dataclass(frozen=True, slots=True)
class DemoFiles:
    clip: Path
    character: Path
    passes: Path  # a folder: keypoints, face_boxes, matte


def write_demo(shot: DemoShot, folder: Path) -> DemoFiles:
    """Writes clip.mp4, character.png and passes/ into *folder*."""
    passes = folder / "passes"
    passes.mkdir(parents=True, exist_ok=True)
    height, width = shot.plate.shape[1:3]
    size = FrameSize(width, height)
    write_clip(folder / "clip.mp4", shot)
    write_png(folder / "character.png", shot.character)
    write_keypoints(passes / "keypoints.json", Keypoints(shot.keypoints, size), shot.rate)
    write_face_boxes(passes / "face_boxes.json", shot.face_boxes, size)
    mattes = [Picture((matte,), "gray") for matte in shot.matte]
    write_layer(passes / "matte.mkv", mattes, rate=shot.rate, colour=ColourTags(range="pc"))
    return DemoFiles(folder / "clip.mp4", folder / "character.png", passes)


def write_clip(path: Path, shot: DemoShot) -> None:
    """The shot's plate and sound as H.264 (BT.709, limited range) and AAC, at its rate."""
    height, width = shot.plate.shape[1:3]
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", shot.rate, options={"crf": "12", "preset": "fast"})
        video.height, video.width, video.pix_fmt = height, width, "yuv420p"
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        audio = container.add_stream("aac", shot.sample_rate, layout="stereo")
        for rgb in shot.plate:
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            container.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        container.mux(video.encode())
        sound = av.AudioFrame.from_ndarray(shot.sound.reshape(1, -1), format="s16", layout="stereo")
        sound.sample_rate = shot.sample_rate
        container.mux(audio.encode(sound))
        container.mux(audio.encode())


def write_png(path: Path, rgb: Rgb) -> None:
    _, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    path.write_bytes(data.tobytes())  # cv2.imwrite fails silently, and on paths beyond ASCII under Windows


def write_face_boxes(path: Path, boxes: NDArray[np.float32], size: FrameSize) -> None:
    document = {
        "format": boxes_format.FORMAT,
        "version": boxes_format.VERSION,
        "width": size.width,
        "height": size.height,
        "boxes": boxes.tolist(),
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def side_by_side(files: DemoFiles, result: Path, path: Path, rows: int = 4) -> None:
    """Writes a picture of clip, character, matte and result (columns) at a few frames (rows) to *path*."""
    clip, swapped = _frames(files.clip, rows), _frames(result, rows)
    matte = _frames(files.passes / "matte.mkv", rows)
    character = cv2.cvtColor(cv2.imread(str(files.character)), cv2.COLOR_BGR2RGB)
    height, width = clip.shape[1:3]
    character = cv2.resize(character, (width, height), interpolation=cv2.INTER_AREA)
    pictures = [np.hstack([clip[row], character, matte[row], swapped[row]]) for row in range(len(clip))]
    names = ("clip", "character", "matte", "result")
    write_png(path, np.vstack([_labels(names, width), *pictures]))


def _frames(path: Path, count: int) -> NDArray[np.uint8]:
    """*count* frames spread evenly over the movie at *path*, (count, H, W, 3)."""
    with open_clip(path) as clip:
        last = clip.info.frame_count - 1
        return RgbSource(clip).read([round(index * last / max(1, count - 1)) for index in range(count)])


def _labels(names: Sequence[str], width: int) -> Rgb:
    line = np.zeros((LABEL_PX, width * len(names), 3), np.uint8)
    for index, name in enumerate(names):
        place = (index * width + 4, LABEL_PX - 5)
        cv2.putText(line, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return line
