"""Writes down how a result came about, where it is made: beside the master, when the master is there."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import av
import cv2
import numpy as np
from google.protobuf.json_format import MessageToDict

from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.media.atomic import atomic_file
from understudy_engine.types import Plan

from .. import __version__
from ..convert import media_of, roles_of, uses, work_of
from ..manifest import BASE_TAKE, File, Input, Layer, Machine, Manifest, Model, Segment
from ..media.identity import digest_of, size_and_time
from ..placing import output_file
from ..settings import RESULTS_ROOT
from ..storage import JobFolder, job_id
from .devices import devices
from .messages import Assignment
from .segments import pixel_hashes, segment_manifest

if TYPE_CHECKING:
    from understudy_engine.identity import ModelIdentity  # brings torch, which an engine need not have


@runtime_checkable
class Identified(Protocol):
    def identity(self) -> ModelIdentity: ...


def inputs_of(assignment: Assignment, folder: JobFolder) -> list[Input]:
    """Everything that the job reads, by its content: reads all files, about 2 GB a second."""
    work = work_of(job_pb2.JobSpec.FromString(assignment.spec))
    hashed = {
        name: _input(Path(assignment.files[name]), name, assignment.shown_as[name]) for name in media_of(work)
    }
    inputs = [hashed[name].model_copy(update={"role": what}) for what, name in uses(work).items()]
    if assignment.retake:
        base = job_pb2.RetakeSpec.FromString(assignment.retake).job
        master = JobFolder(folder.path.parent / job_id(base)).master
        inputs.append(_input(master, base, base).model_copy(update={"role": BASE_TAKE}))
    return inputs


def _input(path: Path, asset: str, shown_as: str) -> Input:
    size_bytes, _ = size_and_time(path)
    return Input(role="", name=shown_as, asset=asset, sha256=digest_of(path), size_bytes=size_bytes)


def write_manifest(
    folder: JobFolder,
    assignment: Assignment,
    engine: object,
    plan: Plan,
    segments: Sequence[result_pb2.Segment],
    inputs: Sequence[Input],
    master: job_pb2.OutputFile,
) -> job_pb2.OutputFile:
    """Writes manifest.json, whole or not at all. Raises DiskFull."""
    identity = engine.identity() if isinstance(engine, Identified) else None
    manifest = Manifest(
        job=assignment.job,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        software=software(),
        machine=_machine(identity),
        model=_model(plan, identity, inputs),
        request=_request(assignment),
        inputs=list(inputs),
        mode=plan.mode.value,
        frames=(plan.frames.start, plan.frames.end),
        rate=f"{plan.rate.numerator}/{plan.rate.denominator}",
        result_size=(plan.result_size.width, plan.result_size.height),
        model_size=(plan.model_size.width, plan.model_size.height),
        settings={**plan.settings, "steps": plan.steps, "seed": plan.seed},
        warnings=list(plan.warnings),
        segments=[_segment(folder, segment) for segment in segments],
        master=File(sha256=master.sha256, size_bytes=master.size_bytes),
    )
    with atomic_file(folder.manifest) as file:
        file.write(manifest.to_json().encode())
    relative = f"{folder.path.name}/{folder.manifest.name}"
    path = types_pb2.RootedPath(root_id=RESULTS_ROOT, relative_path=relative)
    return output_file(job_pb2.OutputFile.KIND_MANIFEST, folder.manifest, path)


def software() -> dict[str, str]:
    """Versions of all that pixels depend on."""
    found = {
        "understudy": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "av": av.__version__,
        "ffmpeg": av.ffmpeg_version_info,
        "opencv": cv2.__version__,
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = str(torch.__version__)
        found |= {name: str(value) for name, value in (("cuda", torch.version.cuda),) if value}
    for package in ("transformers", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _machine(identity: ModelIdentity | None) -> Machine:
    name = identity.device if identity else "cpu"
    known = {device.id: device.name for device in devices()}
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        device=name,
        device_name=known.get(name) or known.get(f"{name}:0", ""),
        threads=identity.threads if identity else 0,
    )


def _model(plan: Plan, identity: ModelIdentity | None, inputs: Sequence[Input]) -> Model:
    if identity is None:
        return Model(name=plan.model)
    looked = any(settings.keys() & {"found", "proportions"} for settings in _of_roles(plan)) or any(
        one.role.startswith("face_clip") for one in inputs
    )
    return Model(
        name=plan.model,
        spec_sha256=identity.spec_sha256,
        weights=identity.weights,
        weights_sha256=identity.weights_sha256,
        nets_sha256=identity.nets_sha256 if looked else "",
        nets=identity.nets if looked else "",
    )


def _of_roles(plan: Plan) -> Sequence[Mapping[str, Any]]:
    """The settings of each role."""
    return [plan.settings, *plan.settings.get("roles", ())]


def _request(assignment: Assignment) -> dict[str, Any]:
    """The job as it was asked for, without the names that only this server knows."""
    spec = job_pb2.JobSpec.FromString(assignment.spec)
    work = work_of(spec)
    for role in roles_of(work):
        role.ClearField("character")
        role.ClearField("passes")
    work.ClearField("clip")
    work.ClearField("delivery")
    if assignment.retake:
        spec = job_pb2.JobSpec(retake=job_pb2.RetakeSpec.FromString(assignment.retake))
        spec.retake.ClearField("job")
        spec.retake.ClearField("delivery")
    asked: dict[str, Any] = MessageToDict(spec, preserving_proto_field_name=True)
    return asked


def _segment(folder: JobFolder, planned: result_pb2.Segment) -> Segment:
    stored = segment_manifest(folder, planned.index)
    files = stored["files"]
    layers = {
        layer: Layer(
            pixels=digest,
            file_sha256=files[f"{layer}.mkv"]["sha256"],
            size_bytes=files[f"{layer}.mkv"]["size_bytes"],
        )
        for layer, digest in pixel_hashes(folder, planned.index).items()
    }
    frames = (planned.frames.start, planned.frames.end)
    further = {name: stored[name] for name in ("seeds", "order") if name in stored}
    return Segment(index=planned.index, frames=frames, seed=stored["seed"], layers=layers, **further)
