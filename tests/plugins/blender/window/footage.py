"""The demo's clip, character and passes, for a windowed Blender to swap: ``python footage.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from understudy_engine.training import render_shot
from understudy_server.cli.demo_files import write_demo

if __name__ == "__main__":
    write_demo(render_shot(seed=11, frames=49), Path(sys.argv[1]))
