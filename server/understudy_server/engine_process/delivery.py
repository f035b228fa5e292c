"""A job's end: one lossless master of all its segments, and the file that the artist asked for."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from understudy_api.v1 import job_pb2, types_pb2
from understudy_engine.media.info import ClipInfo
from understudy_engine.media.write import DeliveryCodec, deliver, join_master
from understudy_engine.types import Layer, Plan

from ..errors import OutputExists
from ..settings import RESULTS_ROOT
from ..storage import JobFolder, remove, sha256

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


def join(folder: JobFolder, plan: Plan, clip: ClipInfo | None, count: int) -> job_pb2.OutputFile:
    """Writes master.mkv: the result layer of all *count* segments, with the clip's sound, timecode and colour tags."""
    parts = [folder.layer(index, Layer.RESULT) for index in range(count)]
    join_master(parts, folder.master, clip=clip, frames=plan.frames)
    relative = f"{folder.path.name}/{folder.master.name}"
    path = types_pb2.RootedPath(root_id=RESULTS_ROOT, relative_path=relative)
    return _output(job_pb2.OutputFile.KIND_MASTER, folder.master, path)


def deliver_master(folder: JobFolder, target: Path, asked: job_pb2.Delivery) -> job_pb2.OutputFile:
    """Writes *target*, a file or a folder, which appears as a whole or not at all.

    Raises OutputExists if something is there that this job did not make and may not replace.
    """
    claim, aside = folder.path / "delivery.json", folder.beside(target)
    remove(aside)  # a killed attempt may have left it
    if not (target.exists() and _claimed(claim) == _digest(target)):
        if target.exists() and not asked.overwrite:
            raise _exists(target)
        aside.mkdir()
        try:
            made = aside / target.name
            deliver(folder.master, made, CODECS[asked.codec])
            # Told before it is done: killed in between, the next attempt knows its own work.
            claim.write_text(json.dumps({"sha256": _digest(made)}), "utf-8")
            _place(made, target, overwrite=asked.overwrite)
        finally:
            remove(aside)
    return _output(job_pb2.OutputFile.KIND_DELIVERY, target, asked.path)


def _place(made: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite:
        _place_beside_others(made, target)
    elif target.is_dir():
        target.rename(made.with_name("older"))
        made.rename(target)
    else:
        made.replace(target)


def _place_beside_others(made: Path, target: Path) -> None:
    """Takes the name *target* only if it is free at that very moment, where the file system can do that."""
    try:
        if made.is_dir():
            made.rename(target)  # refused by the system if there is a folder with files
        else:
            os.link(made, target)
    except OSError:
        if target.exists():
            raise _exists(target) from None
        made.rename(target)  # exFAT and some shares know no links


def _exists(target: Path) -> OutputExists:
    return OutputExists(
        f"'{target.name}' was put there while the job ran, and was not to be replaced. The result is kept: choose "
        "another name and deliver it again.",
        path=target.name,
    )


def _claimed(claim: Path) -> str:
    try:
        return str(json.loads(claim.read_text("utf-8"))["sha256"])
    except (OSError, ValueError, KeyError):
        return ""


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _digest(path: Path) -> str:
    """Of a file: its sha256. Of a folder: the sha256 over its files' names and sha256."""
    if not path.is_dir():
        return sha256(path)
    lines = "".join(f"{sha256(file)}  {file.name}\n" for file in _files(path))
    return hashlib.sha256(lines.encode()).hexdigest()


def _output(
    kind: job_pb2.OutputFile.Kind.ValueType, file: Path, path: types_pb2.RootedPath
) -> job_pb2.OutputFile:
    size = sum(part.stat().st_size for part in _files(file))
    return job_pb2.OutputFile(kind=kind, path=path, size_bytes=size, sha256=_digest(file))
