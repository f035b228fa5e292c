"""Under which conditions was measured: the card, its driver, its clocks and its power."""

from __future__ import annotations

import platform
import subprocess
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

ASKED = ("clocks.sm", "clocks.mem", "power.draw", "temperature.gpu")
ONCE = ("driver_version", "power.limit", "clocks.max.sm")


def conditions(device: torch.device) -> dict[str, Any]:
    is_cuda = device.type == "cuda"
    return {
        "date": date.today().isoformat(),
        "card": torch.cuda.get_device_name(device) if is_cuda else platform.machine(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if is_cuda else None,
        "triton": _version("triton"),
        "diffusers": _version("diffusers"),
        "python": platform.python_version(),
        "weights": "random",
    } | _told_by_driver(ONCE)


def state_of_card() -> dict[str, str]:
    """Clocks, power and temperature now, or nothing where the driver's own tool is missing."""
    return _told_by_driver(ASKED)


def _told_by_driver(names: tuple[str, ...]) -> dict[str, str]:
    command = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader", "--id=0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(zip(names, (word.strip() for word in done.stdout.split(",")), strict=False))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
