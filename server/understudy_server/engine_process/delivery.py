"""A job's end: one lossless master of all its segments, and the file that the artist asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from understudy_api.v1 import job_pb2, types_pb2
from understudy_engine.media.deliver_child import deliver_isolated, delivery_limits
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.join_child import join_isolated
from understudy_engine.media.write import DeliveryCodec
from understudy_engine.types import FrameSize, Layer, Plan

from ..media.identity import digest_of
from ..placing import output_file, place, taken
from ..settings import RESULTS_ROOT
from ..storage import JobFolder, remove

CODECS: dict[job_pb2.DeliveryCodec.ValueType, DeliveryCodec] = {
    job_pb2.DELIVERY_CODEC_UNSPECIFIED: DeliveryCodec.H264,
    job_pb2.DELIVERY_CODEC_FFV1: DeliveryCodec.FFV1,
    job_pb2.DELIVERY_CODEC_H264: DeliveryCodec.H264,
    job_pb2.DELIVERY_CODEC_PRORES_422_HQ: DeliveryCodec.PRORES_422_HQ,
    job_pb2.DELIVERY_CODEC_PNG_SEQUENCE: DeliveryCodec.PNG_SEQUENCE,
    job_pb2.DELIVERY_CODEC_PRORES_4444: DeliveryCodec.PRORES_4444,
    job_pb2.DELIVERY_CODEC_DNXHR_HQX: DeliveryCodec.DNXHR_HQX,
    job_pb2.DELIVERY_CODEC_EXR_SEQUENCE: DeliveryCodec.EXR_SEQUENCE,
}


def join(
    folder: JobFolder, plan: Plan, clip: ClipInfo | None, count: int, meanwhile: Callable[[], None]
) -> job_pb2.OutputFile:
    """Writes master.mkv: the result layer of all *count* segments, with the clip's sound, timecode and colour tags.

    *meanwhile* is called now and then; what it raises ends the work, and nothing is left of it.
    """
    parts = [folder.layer(index, Layer.RESULT) for index in range(count)]
    join_isolated(parts, folder.master, clip=clip, frames=plan.frames, meanwhile=meanwhile)
    relative = f"{folder.path.name}/{folder.master.name}"
    path = types_pb2.RootedPath(root_id=RESULTS_ROOT, relative_path=relative)
    return output_file(job_pb2.OutputFile.KIND_MASTER, folder.master, path)


def deliver_master(
    folder: JobFolder,
    target: Path,
    asked: job_pb2.Delivery,
    size: FrameSize,
    meanwhile: Callable[[], None],
) -> job_pb2.OutputFile:
    """Writes *target*, a file or a folder of frames of *size*, which appears as a whole or not at all.

    The master's sound is the clip's, so a process of its own reads it; *meanwhile* as for `join`.

    Raises OutputExists if something is there that this job did not make and may not replace.
    """
    claim, aside = folder.path / "delivery.json", folder.beside(target)
    remove(aside)  # a killed attempt may have left it
    if not (target.exists() and _claimed(claim) == digest_of(target)):
        if target.exists() and not asked.overwrite:
            raise taken(target)
        aside.mkdir()
        try:
            made = aside / target.name
            limits = delivery_limits(size)
            deliver_isolated(folder.master, made, CODECS[asked.codec], limits=limits, meanwhile=meanwhile)
            # Told before it is done: killed in between, the next attempt knows its own work.
            claim.write_text(json.dumps({"sha256": digest_of(made)}), "utf-8")
            place(made, target, overwrite=asked.overwrite)
        finally:
            remove(aside)
    return output_file(job_pb2.OutputFile.KIND_DELIVERY, target, asked.path)


def _claimed(claim: Path) -> str:
    try:
        return str(json.loads(claim.read_text("utf-8"))["sha256"])
    except (OSError, ValueError, KeyError):
        return ""
