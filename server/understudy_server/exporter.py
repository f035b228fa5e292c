"""Exports, each made by a process of its own that ends with the call that asked for it."""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from understudy_api.v1 import job_pb2, result_pb2, take_pb2, types_pb2
from understudy_engine.types import FrameSize, Layer

from .convert import LAYERS, of_role
from .errors import FramesGone, LayerNotMade, NotExportable, StatusError, WorkerCrashed
from .export import FRACTION, OUTPUT, STATUS, Export
from .jobs import SUCCEEDED
from .media.roots import Roots
from .storage import DataFolder, remove

EXPORTS_AT_ONCE = 2
PATIENCE_S = 5.0


class Exporter:
    def __init__(self, data: DataFolder, roots: Roots) -> None:
        self._data = data
        self._roots = roots
        self._room = asyncio.Semaphore(EXPORTS_AT_ONCE)

    async def export(
        self,
        request: result_pb2.ExportResultRequest,
        job: job_pb2.Job,
        segments: Sequence[result_pb2.Segment],
    ) -> AsyncGenerator[result_pb2.ExportResultResponse]:
        """How far it is, and at last the file. Closing the generator ends the export and leaves nothing.

        Raises:
            NotExportable, LayerNotMade, FramesGone: there is no such layer to write.
            PathOutsideRoot, OutputExists, MediaNotFound: it cannot be written there.
            StatusError: what the process that wrote met.
        """
        asked = await asyncio.to_thread(self._asked, request, job, segments)
        yield result_pb2.ExportResultResponse(fraction=0.0)
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "understudy_server.export"), stdin=PIPE, stdout=PIPE
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(asked.model_dump_json().encode() + b"\n")
                ended = False
                async for line in process.stdout:
                    response = _read(line)
                    ended = response.HasField("output")
                    yield response
                if not ended:
                    raise WorkerCrashed(
                        f"The export of '{asked.target.name}' broke off: the process that wrote it died. Often memory "
                        "ran out; export again, or in another codec.",
                        path=asked.relative_path,
                    )
            finally:
                if process.returncode is None:
                    process.stdin.close()  # it tidies up and ends
                    await _end(process)
                await asyncio.to_thread(remove, asked.aside)

    def _asked(
        self,
        request: result_pb2.ExportResultRequest,
        job: job_pb2.Job,
        segments: Sequence[result_pb2.Segment],
    ) -> Export:
        layer = LAYERS[request.layer or result_pb2.LAYER_RESULT]
        folder = self._data.job(job.name)
        if job.state != SUCCEEDED:
            raise NotExportable(
                f"{job.display_name or job.name} has not succeeded, so there is no whole result to export. Its frames "
                "can be streamed as far as they are made.",
                job=job.name,
            )
        check_layer(layer_asked(request), segments)
        if not folder.master.exists():
            raise FramesGone("The frames of this job are no longer kept. Render it again.", job=job.name)
        delivery = request.delivery
        target = self._roots.writable(delivery.path, overwrite=delivery.overwrite)
        return Export(
            folder=folder.path,
            layer=layer,
            role=request.role,
            segments=len(segments),
            size=FrameSize(job.plan.result_size.width, job.plan.result_size.height),
            codec=delivery.codec,
            target=target,
            root_id=delivery.path.root_id,
            relative_path=delivery.path.relative_path,
            aside=_aside(target),
            overwrite=delivery.overwrite,
        )


Asked = (
    result_pb2.ExportResultRequest
    | result_pb2.StreamFramesRequest
    | result_pb2.GetFrameRequest
    | take_pb2.CompareTakesRequest
)


def layer_asked(request: Asked) -> str:
    """The layer's name, as its file has it: of a role, but that the result is everybody's."""
    layer = LAYERS[request.layer or result_pb2.LAYER_RESULT]
    return of_role(layer, 0 if layer is Layer.RESULT else request.role)


def check_layer(layer: str, segments: Sequence[result_pb2.Segment]) -> None:
    """Raises LayerNotMade or FramesGone unless the stored segments have *layer*; the master has the result always."""
    stored = [segment for segment in segments if segment.state == result_pb2.SEGMENT_STATE_STORED]
    if not stored or layer in layers_of(stored[0]) or (layer == Layer.RESULT and not stored[0].layers):
        return
    if not stored[0].layers:
        raise FramesGone(
            f"The layer '{layer}' is no longer kept; the result is. Render the shot again and keep everything of it.",
            layer=layer,
        )
    kept = ", ".join(layers_of(stored[0]))
    raise LayerNotMade(f"This job makes no layer '{layer}'; it has {kept}.", layer=layer, layers=kept)


def layers_of(segment: result_pb2.Segment) -> list[str]:
    """The names of what is stored of it."""
    return [of_role(LAYERS[stored.layer], stored.role) for stored in segment.layers]


def _aside(target: Path) -> Path:
    return target.parent / f".understudy-export-{secrets.token_hex(6)}"


def _read(line: bytes) -> result_pb2.ExportResultResponse:
    """Raises StatusError if the line tells an error."""
    kind, _, value = line.strip().partition(b" ")
    if kind == FRACTION:
        return result_pb2.ExportResultResponse(fraction=float(value))
    if kind == OUTPUT:
        output = job_pb2.OutputFile.FromString(base64.b64decode(value))
        return result_pb2.ExportResultResponse(fraction=1.0, output=output)
    assert kind == STATUS, line
    raise StatusError(types_pb2.Status.FromString(base64.b64decode(value)))


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
