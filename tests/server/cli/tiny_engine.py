"""The engine that the server under test runs: every part of the real one, a few thousand parameters."""

from __future__ import annotations

from pathlib import Path

from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> Engine:
    return Engine.load(TINY, EngineOptions(threads=1, weights="stand-in"))
