"""Whether there is room for what a job will still write."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from understudy_api.v1 import job_pb2, result_pb2

from .convert import delivery_of
from .store import JobStore

ROOM = 1.2  # free bytes wanted for each byte needed
LEAST_BYTES = 16 << 20  # needed by a job of which nothing is known yet
LAYERS_BYTES = (
    3.0  # a pixel of all layers together, until the job's own are measured: grainy footage takes 2.6 in FFV1
)
RESULT_BYTES = 1.5  # of that, the result layer's
OVERLAP_BYTES = 5 * 3 * 4  # a pixel of the overlap kept between two segments: 5 frames of RGB floats


def bytes_needed(job: job_pb2.Job, segments: Sequence[result_pb2.Segment]) -> int:
    """Of the disk, for the segments of *job* that are still to come, its master and its delivery.

    From what its stored segments take, or by a generous guess before the first.
    """
    if not segments:
        return LEAST_BYTES
    stored = [segment for segment in segments if segment.state == result_pb2.SEGMENT_STATE_STORED]
    frames_stored, frames = _frames(stored), _frames(segments)
    layers, result = _per_frame(job.plan, stored, frames_stored)
    model = job.plan.model_size
    overlaps = (len(segments) - len(stored)) * model.width * model.height * OVERLAP_BYTES * _roles(job.plan)
    copies = 2 if delivery_of(job.spec).HasField("path") else 1  # of the result: master and delivery
    return int((frames - frames_stored) * layers + overlaps + copies * frames * result)


def _per_frame(
    plan: job_pb2.JobPlan, stored: Sequence[result_pb2.Segment], frames: int
) -> tuple[float, float]:
    """Bytes of all layers, and of the result alone."""
    if not frames:
        pixels = plan.result_size.width * plan.result_size.height
        own = (LAYERS_BYTES - RESULT_BYTES) * _roles(plan)
        return (RESULT_BYTES + own) * pixels, RESULT_BYTES * pixels
    layers = [layer for segment in stored for layer in segment.layers]
    result = sum(layer.size_bytes for layer in layers if layer.layer == result_pb2.LAYER_RESULT)
    return sum(layer.size_bytes for layer in layers) / frames, result / frames


def _roles(plan: job_pb2.JobPlan) -> int:
    return max(1, plan.role_count)


def _frames(segments: Sequence[result_pb2.Segment]) -> int:
    return sum(segment.frames.end - segment.frames.start for segment in segments)


async def free_bytes(folder: Path) -> int:
    return (await asyncio.to_thread(shutil.disk_usage, folder)).free


class Disk:
    """The disk of the data folder."""

    def __init__(self, folder: Path, store: JobStore) -> None:
        self._folder = folder
        self._store = store

    async def lack(self, job: job_pb2.Job) -> str:
        """A sentence for the artist if *job* will not find the room it needs, or ""."""
        needed = bytes_needed(job, await self._store.segments(job.name))
        free = await free_bytes(self._folder)
        if free >= needed * ROOM:
            return ""
        return (
            f"The disk is nearly full: {free >> 20} MiB are free, and this job still needs about "
            f"{int(needed * ROOM) >> 20}. Make room, and it goes on by itself."
        )
