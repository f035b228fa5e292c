"""Writes the demo's shot as the files an artist would bring, and looks at what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
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
COLUMNS = ("clip", "character", "matte", "result")
LABEL_PX = 18  # height of the line of words above them


@dataclass(frozen=True, slots=True)
class DemoFiles:
    clip: Path
    character: Path
    passes: Path  # a folder: keypoints, face_boxes, matte
    rate: Fraction


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
    return DemoFiles(folder / "clip.mp4", folder / "character.png", passes, shot.rate)


def write_clip(path: Path, shot: DemoShot) -> None:
    """The shot's plate and sound as H.264 (BT.709, limited range) and AAC, at its rate."""
    height, width = shot.plate.shape[1:3]
    with av.open(str(path), "w") as container:
        video = _video(container, FrameSize(width, height), shot.rate)
        audio = container.add_stream("aac", shot.sample_rate, layout="stereo")
        for rgb in shot.plate:
            _add(container, video, rgb)
        container.mux(video.encode())
        sound = av.AudioFrame.from_ndarray(shot.sound.reshape(1, -1), format="s16", layout="stereo")
        sound.sample_rate = shot.sample_rate
        container.mux(audio.encode(sound))
        container.mux(audio.encode())


def _video(container: av.container.OutputContainer, size: FrameSize, rate: Fraction) -> av.VideoStream:
    """H.264 in BT.709, limited range. Both sides of *size* are even."""
    video = container.add_stream("libx264", rate, options={"crf": "12", "preset": "fast"})
    video.height, video.width, video.pix_fmt = size.height, size.width, "yuv420p"
    context = video.codec_context
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    return video


def _add(container: av.container.OutputContainer, video: av.VideoStream, rgb: Rgb) -> None:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    container.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))


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


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Clip, character, matte and result next to each other: a few frames as a picture, all of them as a movie."""

    picture: Path
    movie: Path


def side_by_side(files: DemoFiles, result: Path, folder: Path, rows: int = 4) -> SideBySide:
    """Writes side_by_side.png and side_by_side.mp4 into *folder*, a frame at a time."""
    made = SideBySide(folder / "side_by_side.png", folder / "side_by_side.mp4")
    with open_clip(files.clip) as clip:
        size, count = clip.info.size, clip.info.frame_count
    labels = _labels(COLUMNS, size.width)
    shown = [round(row * (count - 1) / max(1, rows - 1)) for row in range(min(rows, count))]
    kept = {}
    with av.open(str(made.movie), "w") as container:
        video = _video(container, FrameSize(labels.shape[1], labels.shape[0] + size.height), files.rate)
        for index, frame in enumerate(_columns(files, result, size)):
            _add(container, video, np.vstack([labels, frame]))
            if index in shown:
                kept[index] = frame
        container.mux(video.encode())
    write_png(made.picture, np.vstack([labels, *(kept[index] for index in shown)]))
    return made


def _columns(files: DemoFiles, result: Path, size: FrameSize) -> Iterator[Rgb]:
    """(H, 4·W, 3) for each frame."""
    character = cv2.cvtColor(cv2.imread(str(files.character)), cv2.COLOR_BGR2RGB)
    character = cv2.resize(character, (size.width, size.height), interpolation=cv2.INTER_AREA)
    with (
        open_clip(files.clip) as clip,
        open_clip(files.passes / "matte.mkv") as matte,
        open_clip(result) as made,
    ):
        sources = [RgbSource(source) for source in (clip, matte, made)]
        for index in range(clip.info.frame_count):
            before, cut, after = (source.read([index])[0] for source in sources)
            yield np.hstack([before, character, cut, after])


def _labels(names: Sequence[str], width: int) -> Rgb:
    line = np.zeros((LABEL_PX, width * len(names), 3), np.uint8)
    for index, name in enumerate(names):
        place = (index * width + 4, LABEL_PX - 5)
        cv2.putText(line, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA)
    return line
