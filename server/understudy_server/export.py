"""A process that writes one layer of a result as a file and ends: ``python -m understudy_server.export``.

Reads what is asked from standard input (`Export`, one line of JSON), and writes to standard output a line for each bit
of progress and one for how it ended. It ends when standard input does: then nobody wants the file any more.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from google.protobuf.message import Message
from pydantic import BaseModel, ConfigDict

from understudy_api.v1 import job_pb2, types_pb2
from understudy_engine.media.confined import allow_more_seconds, confine
from understudy_engine.media.deliver_child import delivery_limits
from understudy_engine.media.join import join_master
from understudy_engine.media.read import probe
from understudy_engine.media.write import deliver
from understudy_engine.types import FrameRange, FrameSize, Layer

from .convert import of_role
from .engine_process.delivery import CODECS
from .errors import PathOutsideRoot, to_status
from .placing import output_file, place
from .storage import JobFolder, remove

TELL_EVERY_S = 0.2
NICE = 5  # rendering, and answering, come first
FRACTION, OUTPUT, STATUS = b"fraction", b"output", b"status"


class Export(BaseModel):
    """What to write where. Paths are the server's own choice: nothing of them comes from a client unchecked."""

    model_config = ConfigDict(frozen=True)

    folder: Path  # the job's
    layer: Layer
    role: int
    segments: int
    size: FrameSize
    codec: int  # DeliveryCodec
    target: Path
    root_id: str  # the target as the client knows it
    relative_path: str
    aside: Path  # beside the target: what is not finished lies here alone
    overwrite: bool


def export(asked: Export, progress: Callable[[float], None]) -> job_pb2.OutputFile:
    """Writes and checks the file, and puts it in place at the end.

    Raises:
        OutputExists: something came to lie there meanwhile. MediaError: the layer does not suit the codec.
        DiskFull, PathOutsideRoot (the system does not let us write there)
    """
    try:
        asked.aside.mkdir()
    except PermissionError:
        raise PathOutsideRoot(
            f"Nothing can be written beside '{asked.relative_path}': the system does not allow it. Choose another "
            "folder.",
            path=asked.relative_path,
        ) from None
    try:
        made = asked.aside / asked.target.name
        codec = CODECS[job_pb2.DeliveryCodec.ValueType(asked.codec)]
        deliver(_whole(asked), made, codec, light=asked.layer is not Layer.MATTE, progress=progress)
        place(made, asked.target, overwrite=asked.overwrite)
    finally:
        remove(asked.aside)
    path = types_pb2.RootedPath(root_id=asked.root_id, relative_path=asked.relative_path)
    return output_file(job_pb2.OutputFile.KIND_EXPORT, asked.target, path)


def _whole(asked: Export) -> Path:
    """The layer from its first frame to its last, with the result's sound and timecode."""
    folder = JobFolder(asked.folder)
    if asked.layer is Layer.RESULT:
        return folder.master
    master = probe(folder.master)
    parts = [folder.layer(index, of_role(asked.layer, asked.role)) for index in range(asked.segments)]
    whole = asked.aside / "whole.mkv"
    join_master(parts, whole, clip=master, frames=FrameRange(0, master.frame_count))
    return whole


def main() -> int:
    """0: written. 1: an error that is told. Anything else: the process did not survive.

    It reads a master's sound, which is the clip's: its memory is limited, and the processor time between two frames.
    """
    asked = Export.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_end_with_input, args=(asked,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)
    limits = delivery_limits(asked.size)
    confine(limits, may_write=True)
    last_told = 0.0

    def progress(fraction: float) -> None:
        nonlocal last_told
        allow_more_seconds(limits.seconds)
        if time.monotonic() - last_told >= TELL_EVERY_S:
            last_told = time.monotonic()
            _tell(FRACTION, f"{fraction:.4f}".encode())

    try:
        _tell_message(OUTPUT, export(asked, progress))
    except MemoryError:
        return 2
    except Exception as error:
        _tell_message(STATUS, to_status(error))
        return 1
    return 0


def _end_with_input(asked: Export) -> None:
    while os.read(
        sys.stdin.fileno(), 1024
    ):  # by the system's hand: a lock held in sys.stdin would hinder our exit
        pass
    remove(asked.aside)
    os._exit(2)


def _tell(kind: bytes, value: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(kind + b" " + value + b"\n")
        sys.stdout.buffer.flush()


def _tell_message(kind: bytes, message: Message) -> None:
    _tell(kind, base64.b64encode(message.SerializeToString()))


if __name__ == "__main__":
    sys.exit(main())
