"""Whether what a job delivered is as it should be: frames, rate, sound, colour, and pictures that are pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy_engine.media.digest import picture_digest
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import RgbSource
from understudy_engine.types import FrameRange

from .footage import RATE, sound_seconds

SOUND_OFF_S = 0.1  # an AAC packet is 21 ms


def delivered(file: Path, clip: Path, frames: int, *, keeps_colour: bool) -> dict[str, Any]:
    """What is wrong with *file*, beside some facts; *keeps_colour*: its tags are the clip's."""
    made, plate = probe(file), probe(clip)
    wanted_s = float(frames / RATE)
    sound_s = sound_seconds(file)
    faults = [
        *_unlike("frames", made.frame_count, frames),
        *_unlike("rate", made.rate, RATE),
        *(_unlike("colour", made.colour, plate.colour) if keeps_colour else _untagged(made)),
        *(
            []
            if abs(sound_s - wanted_s) < SOUND_OFF_S
            else [f"sound lasts {sound_s:.2f}, not {wanted_s:.2f} s"]
        ),
    ]
    spread = _spread(file)
    if min(spread) < 1:
        faults.append(f"frame {spread.index(min(spread))} is of one colour")
    size = [made.size.width, made.size.height]
    return {"faults": faults, "size": size, "pix_fmt": made.pix_fmt, "sound_s": round(sound_s, 3),
            "spread": [round(min(spread), 1), round(max(spread), 1)]}  # fmt: skip


def pixels(job: Path) -> dict[str, Any]:
    """Digests of a job's pictures, all layers of all segments, and of its master."""
    manifest = json.loads((job / "manifest.json").read_text())
    segments = [
        {name: layer["pixels"] for name, layer in segment["layers"].items()}
        for segment in manifest["segments"]
    ]
    return {"segments": segments, "master": picture_digest(job / "master.mkv")}


def unlike(made: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Where two jobs' pixels differ: segments and their layers, or the master."""
    pairs = zip(made["segments"], expected["segments"], strict=True)
    layers = [
        f"segment {index} {name}"
        for index, (ours, theirs) in enumerate(pairs)
        for name in ours
        if ours[name] != theirs[name]
    ]
    return layers + (["master"] if made["master"] != expected["master"] else [])


def psnr(a: Path, b: Path, matte: Path | None = None) -> list[float]:
    """Of each frame, in dB; inside *matte* alone if there is one. 99 where nothing differs."""
    found = []
    with open_clip(a) as left, open_clip(b) as right:
        count = left.info.frame_count
        inside = _mattes(matte, count) if matte else [None] * count
        sources = RgbSource(left), RgbSource(right)
        for index in range(count):
            ours, theirs = (source.read([index])[0].astype(np.float64) for source in sources)
            squares = (ours - theirs) ** 2
            here = inside[index]
            error = float(squares.mean() if here is None else squares[here].mean())
            found.append(99.0 if error == 0 else float(10 * np.log10(255**2 / error)))
    return found


def _mattes(file: Path, count: int) -> list[NDArray[np.bool_] | None]:
    with open_clip(file) as clip:
        return [picture.planes[0] > 127 for picture in clip.read(FrameRange(0, count))]


def _spread(file: Path) -> list[float]:
    """How far samples are from their mean, of each frame: noise has much, a broken result none."""
    with open_clip(file) as clip:
        source = RgbSource(clip)
        return [float(source.read([index])[0].std()) for index in range(clip.info.frame_count)]


def _unlike(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: {found}, not {wanted}"]


def _untagged(made: ClipInfo) -> list[str]:
    return [] if made.colour.matrix and made.colour.range else [f"colour is not told: {made.colour}"]
