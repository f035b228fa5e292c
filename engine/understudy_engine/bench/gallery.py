"""The gallery page: driver, character, result and truth side by side, as pictures and as short clips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from .material import RATE, frames_of, write_picture
from .report import Report
from .rows import ROWS, Clip, Made

COLUMNS = ("driver", "character", "result", "truth")
SHOWN_FRAMES = 3  # of each clip, a row each
RESULTS = ("full_model", "four_step", "vae_round_trip", "copy_paste")  # the first that was made is shown
NAMES = ("full body", "knees up", "waist up", "close-up")


class Gallery:
    """Writes each clip it is given into *folder*, and at the end the page beside that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries: list[str] = []
        self._shown = ""

    def keep(self, clip: Clip, made: Mapping[str, Made]) -> None:
        self._shown = next(name for name in RESULTS if name in made)
        self.folder.mkdir(parents=True, exist_ok=True)
        video = _side_by_side(clip, made[self._shown])
        picture, movie = self.folder / f"{clip.seed}.jpg", self.folder / f"{clip.seed}.mp4"
        times = [round(k * (len(video) - 1) / (SHOWN_FRAMES - 1)) for k in range(SHOWN_FRAMES)]
        write_picture(picture, np.concatenate([video[t] for t in times]))
        _write_movie(movie, video)
        framing = NAMES[int(clip.clips.framing[clip.index])]
        place = self.folder.name
        self._entries += [
            f"## Clip {clip.seed}, {framing}",
            "",
            f"![{', '.join(COLUMNS)}]({place}/{picture.name})",
            "",
            f"[As a clip]({place}/{movie.name}), {len(video)} frames.",
            "",
        ]

    def write_page(self, report: Report) -> Path:
        page = self.folder.with_suffix(".md")
        title = ROWS[self._shown].title if self._shown else ""
        head = [
            "# Gallery",
            "",
            f'Left to right: {", ".join(COLUMNS)}. The result shown is the row "{title}" of',
            "[the quality table](benchmarks/quality.json). Clips come from seeds that nothing was trained on;",
            "`understudy bench quality` makes them and this page.",
            "",
        ]
        said = ", ".join(f"{name} {value}" for name, value in report.conditions.items())
        page.write_text("\n".join([*head, *self._entries, said, ""]), encoding="utf-8")
        return page


def _side_by_side(clip: Clip, made: Made) -> NDArray[np.uint8]:
    """(T, H, 4 W, 3)"""
    batch, index = clip.clips, clip.index
    driver, truth = frames_of(batch.plate[index]), frames_of(batch.truth_replace[index])
    character = np.broadcast_to(frames_of(batch.character[index][None]), driver.shape)
    return np.concatenate([driver, character, frames_of(made.frames), truth], axis=2)


def _write_movie(file: Path, video: NDArray[np.uint8]) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", RATE, options={"crf": "24", "preset": "slow"})
        stream.height, stream.width, stream.pix_fmt = video.shape[1], video.shape[2], "yuv420p"
        for rgb in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
