"""What a server is told when it starts. Checked here, so that nothing later has to doubt it."""

from __future__ import annotations

import ipaddress
import os
import string
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from understudy_api.endpoint import data_folder

from .models import largest_model

RESULTS_ROOT = "results"
"""Id of the root that every server has: its own store of results, read-only."""

RootId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class Root(BaseModel):
    """A folder whose files jobs may use, and write to if *writable*."""

    model_config = ConfigDict(frozen=True)

    path: Path
    writable: bool = False

    @field_validator("path")
    @classmethod
    def _existing_folder(cls, path: Path) -> Path:
        real = path.expanduser().resolve()
        if not real.is_dir():
            raise ValueError(f"{path} is not a folder; a shared root must be one that exists")
        return real


class Limits(BaseModel):
    """What one request may cost. Pixels, frames and seconds are of one file."""

    model_config = ConfigDict(frozen=True)

    max_chunk_bytes: int = Field(default=1 << 20, ge=1 << 14, le=2 << 20)
    max_frame_pixels: int = Field(default=8192 * 4320, ge=1)
    max_clip_frames: int = Field(default=20_000, ge=1)
    max_queued_jobs: int = Field(default=10_000, ge=1)
    max_upload_bytes: int = Field(default=1 << 40, ge=1)
    keep_free_bytes: int = Field(default=1 << 30, ge=0)  # of the disk: uploads leave that much to results
    probe_seconds: int = Field(default=60, ge=1)
    probe_memory_bytes: int = Field(default=4 << 30, ge=1 << 29)


class Reliability(BaseModel):
    """What the server does when something does not go well, and how soon."""

    model_config = ConfigDict(frozen=True)

    hang_seconds: float = Field(
        default=120, gt=0
    )  # an engine that stands still as long, or for 5 steps, is replaced
    deaths_until_held: int = Field(default=3, ge=1)  # engine deaths within hold_seconds, of more than one job
    hold_seconds: float = Field(default=600, ge=0)  # how long the queue then stands still
    drain_seconds: int = Field(default=120, ge=0)  # for the running segment, at SIGTERM
    reserve_bytes: int = Field(default=64 << 20, ge=0)  # kept so that the state can be written on a full disk
    disk_check_seconds: float = Field(default=3, gt=0)
    heartbeat_seconds: float = Field(
        default=5, gt=0, le=5
    )  # of silent streams; after 15 a client takes us for dead
    idle_seconds: float = Field(default=60, gt=0)  # how long the process of analyses waits for the next one
    clean_seconds: float = Field(default=3600, gt=0)  # between two looks for what is to be thrown away


class Settings(BaseModel):
    """``engine_factory`` is "module:function"; the function gets (model name, threads, data folder, plan, bytes of the
    GPU's memory) and returns an object with ``plan(request)`` and ``run(request, meanwhile)``. It is called in the
    engine process only.
    """

    model_config = ConfigDict(frozen=True)

    data_folder: Path = Field(default_factory=data_folder)
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)  # 0: a free one
    roots: dict[RootId, Root] = Field(default_factory=lambda: default_roots())
    default_model: str = Field(default_factory=lambda given: largest_model(given["data_folder"]))
    torch_threads: int = Field(default=0, ge=0)  # 0: torch's own choice
    plan: Literal["auto", "bf16", "int8"] = "auto"  # how the model fits into a GPU
    gpu_memory_bytes: int = Field(default=0, ge=0)  # of the GPU's that may be used; 0: what is free
    limits: Limits = Limits()
    reliability: Reliability = Reliability()
    keep: Literal["all", "master", "week"] = "all"  # of ended jobs that say nothing about it
    engine_factory: str = Field(
        default="understudy_server.engine_process.factory:load", pattern=r"^[\w.]+:\w+$"
    )

    @field_validator("host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if host == "localhost" or _is_loopback(host):
            return host
        raise ValueError(
            f"'{host}' is reachable from other machines, and this version has no TLS to protect the footage. "
            "Use 127.0.0.1 (the default)."
        )

    @field_validator("data_folder")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("roots")
    @classmethod
    def _results_is_taken(cls, roots: dict[str, Root]) -> dict[str, Root]:
        if RESULTS_ROOT in roots:
            raise ValueError(f"the root id '{RESULTS_ROOT}' is the server's own; choose another")
        return roots


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def default_roots() -> dict[str, Root]:
    """Where an artist's files usually are: home, mounted disks, the folder the server was started in, temp."""
    folders = {"home": Path.home(), "here": Path.cwd(), "temp": Path(tempfile.gettempdir())}
    folders |= {name: Path("/", mount) for name, mount in _MOUNTS.items()}
    folders |= {f"drive-{letter.lower()}": Path(f"{letter}:/") for letter in _drive_letters()}
    return {name: Root(path=path, writable=True) for name, path in folders.items() if path.is_dir()}


_MOUNTS = {"media": "media", "mnt": "mnt", "volumes": "Volumes"}


def _drive_letters() -> str:
    return string.ascii_uppercase if os.name == "nt" else ""
