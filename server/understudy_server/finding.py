"""The nets that find people for an analysis: those that a job of the same model would ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .models import weights_of

if TYPE_CHECKING:
    from understudy_engine.preprocess.nets import NetFolder


def nets_of(model: str, data_folder: Path, threads: int = 0) -> NetFolder:
    """On this machine's best device; *threads* 0 leaves torch's own choice. Imports torch.

    Raises WeightsMissing.
    """
    import torch

    from understudy_engine.preprocess.nets import NetFolder

    if threads:
        torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = weights_of(model, data_folder).folder
    return NetFolder(released=folder, device=device, threads=torch.get_num_threads())
