"""The real engine with the tiny model: with the weights that lie where nano's would, or with stand-ins."""

from __future__ import annotations

from pathlib import Path

from tests.support.tiny import TINY
from understudy_engine.config import EngineOptions
from understudy_engine.engine import Engine
from understudy_engine.weights.installed import Asked
from understudy_server.models import weights_folder
from understudy_server.storage import DataFolder


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> Engine:
    folder = weights_folder(model, data_folder)
    weights: Asked = folder if folder.is_dir() else "stand-in"
    options = EngineOptions(threads=threads or None, weights=weights, passes=DataFolder(data_folder).passes)
    return Engine.load(TINY, options)
