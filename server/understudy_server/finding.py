"""The nets that find people for an analysis: those that a job of the same model would ask."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from understudy_api.errors import InvalidRequest

from .models import weights_of

if TYPE_CHECKING:
    from understudy_engine.preprocess.nets import NetFolder


NETS_DEVICE = "UNDERSTUDY_NETS_DEVICE"


def nets_device(device: str) -> str:
    """Where larger nets run: where the model does, *device*, or on the CPU where the variable says so.

    Raises InvalidRequest for anything else that it says.
    """
    asked = os.environ.get(NETS_DEVICE, "")
    if asked not in ("", "cpu"):
        raise InvalidRequest(
            f"{NETS_DEVICE} is '{asked}'. Set it to cpu, or leave it unset: larger nets then run where the model does.",
            metadata={"field": NETS_DEVICE},
        )
    return asked or device


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
    return NetFolder(released=folder, device=nets_device(device), threads=torch.get_num_threads())
