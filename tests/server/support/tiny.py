"""The real engine with the tiny model."""

from __future__ import annotations

from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine


def load(model: str, threads: int) -> Engine:
    return Engine.load(TINY, EngineOptions(threads=threads or None))
