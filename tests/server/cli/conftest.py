"""The command line as an artist calls it, with a real server and a tiny model; mostly as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from understudy_engine.preprocess.keypoint_files import write_keypoints
from understudy_engine.preprocess.keypoints import POINTS, Keypoints
from understudy_engine.types import FrameSize
from understudy_server.cli.app import app
from understudy_server.cli.launch import start_server, stop_server

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 12  # two segments of the tiny model
SIZE = FrameSize(64, 64)


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Understudy = Callable[..., Said]

SLOW_PX = 512 * 512
SLOW = ("--steps", "100", "--work-area", str(SLOW_PX))  # it takes minutes: nobody waits for its end

needs_ctrl_c = pytest.mark.skipif(
    os.name == "nt" or signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    reason="Ctrl-C reaches no single process on Windows, and none at all where tests run behind a shell's &",
)


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "UNDERSTUDY_HOME": str(home),
        "PYTHONPATH": str(ROOT),  # the tiny engine is a module of the tests
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }


def call(home: Path, *arguments: object) -> Said:
    command = [sys.executable, "-W", "error", "-m", "understudy_server", *map(str, arguments)]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=240)
    return Said(done.returncode, done.stdout, done.stderr)


@contextmanager
def called(home: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; a test that fails meanwhile does not wait for its end."""
    command = [sys.executable, "-m", "understudy_server", *map(str, arguments)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment(home), **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def call_here(home: Path, *arguments: object) -> Said:
    """The same in this process."""
    runner = CliRunner(env={"UNDERSTUDY_HOME": str(home), "COLUMNS": "200"})
    done = runner.invoke(app, list(map(str, arguments)), prog_name="understudy")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder that no server uses."""
    return tmp_path / "home"


@pytest.fixture
def understudy(home: Path) -> Understudy:
    """Calls the command with a data folder of the test's own."""
    return lambda *arguments: call(home, *arguments)


@pytest.fixture(scope="module")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a server that runs the tiny model."""
    home = tmp_path_factory.mktemp("server_home")
    before = dict(os.environ)
    os.environ.update(environment(home))
    try:
        start_server(home, [], ["--engine-factory", "tests.server.cli.tiny_engine:load"])
        yield home
        stop_server(home)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def served(server_home: Path) -> Understudy:
    """Calls the command where a server runs: in this process, which saves each call's start of half a second."""
    return lambda *arguments: call_here(server_home, *arguments)


@dataclass(frozen=True)
class Shot:
    clip: Path
    character: Path
    passes: Path


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    folder = tmp_path_factory.mktemp("shot")
    passes = folder / "passes"
    passes.mkdir()
    random = np.random.default_rng(0)
    write_movie(folder / "clip.mp4", random.integers(0, 255, (FRAMES, 64, 64, 3), np.uint8))
    matte = np.zeros((64, 64), np.uint8)
    matte[16:48, 20:44] = 255
    write_png(passes / "matte.png", matte)
    write_png(folder / "hero.png", random.integers(0, 255, (64, 64, 3), np.uint8))
    points = np.ones((FRAMES, POINTS, 3), np.float32)
    points[..., :2] = random.uniform(20, 44, (FRAMES, POINTS, 2))
    write_keypoints(passes / "keypoints.json", Keypoints(points, SIZE), Fraction(24))
    return Shot(folder / "clip.mp4", folder / "hero.png", passes)


def write_movie(path: Path, frames: np.ndarray[Any, Any]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 24, options={"crf": "20"})
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_png(path: Path, picture: np.ndarray[Any, Any]) -> None:
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
