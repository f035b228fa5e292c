"""What this machine computes with."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from understudy_api.v1 import server_pb2
from understudy_engine.machine import available_bytes


def devices() -> list[server_pb2.Device]:
    """The processor, and every CUDA device that a torch already imported knows."""
    found = [server_pb2.Device(id="cpu", name=_processor_name(), **_memory())]
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            free += torch.cuda.memory_reserved(index)  # what this process has, it can use
            found.append(
                server_pb2.Device(
                    id=f"cuda:{index}",
                    name=torch.cuda.get_device_name(index),
                    total_memory_bytes=total,
                    free_memory_bytes=free,
                )
            )
    return found


def card(*, with_rates: bool = False) -> dict[str, Any]:
    """What the GPU that the engine computes with was seen to do, as `Card.as_data`; empty on a CPU.

    Its rates are measured when they are first asked for, which takes it seconds.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    from understudy_engine.card import card_of, measured_card_of

    return (measured_card_of if with_rates else card_of)(torch.device("cuda", 0)).as_data()


def card_is_lost() -> bool:
    """Whether this process can no longer compute on its GPU.

    After some errors, such as a kernel's access to memory that is none, CUDA refuses all further calls of a process.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False


def _processor_name() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> dict[str, int]:
    """Left out where the system does not tell."""
    told = {}
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        told["total_memory_bytes"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if (available := available_bytes()) is not None:
        told["free_memory_bytes"] = available
    return told
