"""The gallery page: driver, character, result and truth side by side, as pictures and as short clips."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from .clip import Clip
from .material import RATE, frames_of, write_picture
from .rows import ROWS, Made

COLUMNS = ("driver", "character", "result", "truth")
SHOWN_FRAMES = 2  # of each clip, a row each
RESULTS = ("full_model", "four_step", "vae_round_trip", "copy_paste")  # the first that was made is shown
NAMES = ("full body", "knees up", "waist up", "close-up")
MOVIE = {"crf": "30", "preset": "veryslow"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A clip whose picture and movie lie in the gallery's folder."""

    seed: int
    framing: int  # of NAMES
    frames: int


def show(clip: Clip, made: Mapping[str, Made], folder: Path) -> Shown:
    """Writes *clip* as one of the ways it was made into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    video = _side_by_side(clip, made[result_of(made)])
    times = [len(video) * (2 * k + 1) // (2 * SHOWN_FRAMES) for k in range(SHOWN_FRAMES)]
    write_picture(folder / f"{clip.seed}.jpg", np.concatenate([video[t] for t in times]))
    _write_movie(folder / f"{clip.seed}.mp4", video)
    return Shown(clip.seed, int(clip.clips.framing[clip.index]), len(video))


def result_of(rows: Collection[str]) -> str:
    """Which of *rows* the gallery shows."""
    return next(name for name in RESULTS if name in rows)


def write_page(folder: Path, shown: Sequence[Shown], row: str, conditions: Mapping[str, Any]) -> Path:
    """The page of *folder*, beside it; *row* is the one whose results are seen."""
    page = folder.with_suffix(".md")
    head = [
        "# Gallery",
        "",
        f'Left to right: {", ".join(COLUMNS)}. The result shown is the row "{ROWS[row].title}" of',
        "[the quality table](benchmarks/quality.json). Clips come from seeds that nothing was trained on;",
        "`understudy bench quality` makes them and this page.",
        "",
    ]
    entries = [line for clip in shown for line in _entry(clip, folder.name)]
    said = ", ".join(f"{name} {value}" for name, value in conditions.items())
    page.write_text("\n".join([*head, *entries, said, ""]), encoding="utf-8")
    return page


def _entry(clip: Shown, place: str) -> list[str]:
    return [
        f"## Clip {clip.seed}, {NAMES[clip.framing]}",
        "",
        f"![{', '.join(COLUMNS)}]({place}/{clip.seed}.jpg)",
        "",
        f"[As a clip]({place}/{clip.seed}.mp4), {clip.frames} frames.",
        "",
    ]


def _side_by_side(clip: Clip, made: Made) -> NDArray[np.uint8]:
    """(T, H, 4 W, 3)"""
    batch, index = clip.clips, clip.index
    driver, truth = frames_of(batch.plate[index]), frames_of(batch.truth_replace[index])
    character = np.broadcast_to(frames_of(batch.character[index][None]), driver.shape)
    return np.concatenate([driver, character, frames_of(made.frames), truth], axis=2)


def _write_movie(file: Path, video: NDArray[np.uint8]) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", RATE, options=MOVIE)
        stream.height, stream.width, stream.pix_fmt = video.shape[1], video.shape[2], "yuv420p"
        for rgb in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
