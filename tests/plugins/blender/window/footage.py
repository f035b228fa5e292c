"""What a windowed Blender swaps: the demo's shot, and one that shows two people: ``python footage.py FOLDER``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy_engine.training import render_shot
from understudy_server.cli.demo_files import write_clip, write_demo, write_png


def main(folder: Path) -> None:
    first, second = (render_shot(seed, frames=49) for seed in (11, 4))
    write_demo(first, folder)
    write_png(folder / "second_character.png", second.character)
    both = np.concatenate([first.plate, second.plate], axis=2)  # (T, H, 2 W, 3)
    write_clip(folder / "two.mp4", replace(first, plate=both))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
