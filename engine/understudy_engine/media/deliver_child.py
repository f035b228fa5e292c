"""A process that writes a delivery file and ends: ``python -m understudy_engine.media.deliver_child``.

A master's pictures are ours, but its sound is the clip's, packet by packet. `deliver_isolated` is the other end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import CorruptMedia
from ..types import FrameSize
from .deliver import DeliveryCodec, deliver
from .errand import Answer, GetsOn, Lost, errand, serve
from .wire import DecoderLimits

SECONDS = 600  # without a frame done: an encoder's last frames come all at once, and a disk may be slow
BYTES_PER_PIXEL = 500  # H.264 of 10 bits with 24 threads: 430 measured, beside 0.5 GB for the libraries


def delivery_limits(size: FrameSize) -> DecoderLimits:
    """What writing frames of *size* may use: encoders hold some dozens of frames."""
    memory_bytes = DecoderLimits().memory_bytes + size.width * size.height * BYTES_PER_PIXEL
    return DecoderLimits(memory_bytes=memory_bytes, seconds=SECONDS)


def deliver_isolated(
    master: Path,
    out: Path,
    codec: DeliveryCodec,
    *,
    limits: DecoderLimits,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """`deliver.deliver` in a process of its own; the same errors, and CorruptMedia if the process is lost.

    *meanwhile* is called twice a second; what it raises ends the process and is raised here. What a lost process
    leaves has hidden names beside *out*.
    """
    asked = {"master": str(master.absolute()), "out": str(out.absolute()), "codec": codec.value}
    try:
        errand(f"{__package__}.deliver_child", asked, limits, take=lambda *_: None, meanwhile=meanwhile)
    except Lost as error:
        raise CorruptMedia(
            f"{out.name} could not be written: the clip's sound, or the codec, needed too much memory or time, or "
            "broke the writer. The frames and the master are kept: try again, choose another codec, or convert the "
            "clip's sound with another program.",
            file=out.name,
        ) from error


def _delivered(asked: Answer, gets_on: GetsOn) -> tuple[Mapping[str, Any], Sequence[NDArray[Any]]]:
    codec = DeliveryCodec(asked["codec"])
    deliver(Path(asked["master"]), Path(asked["out"]), codec, progress=lambda _: gets_on())
    return {}, ()


if __name__ == "__main__":
    serve(_delivered, may_write=True)
