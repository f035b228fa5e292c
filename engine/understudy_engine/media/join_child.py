"""A process that joins segments to a master and ends: ``python -m understudy_engine.media.join_child``.

The clip's sound is a stranger's too. `join_isolated` is the other end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import CorruptMedia
from ..types import FrameRange
from .errand import Answer, GetsOn, Lost, errand, serve
from .info import ClipInfo
from .join import join_master
from .wire import DecoderLimits, clip_answer, clip_of

PATIENCE_S = 600.0  # the sound of a range is found by reading the clip up to there, from whatever disk


def join_isolated(
    parts: Sequence[Path],
    out: Path,
    *,
    clip: ClipInfo | None,
    frames: FrameRange,
    limits: DecoderLimits | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """`join.join_master` in a process of its own; the same errors, and CorruptMedia if the process is lost.

    *meanwhile* is called twice a second; what it raises ends the process and is raised here.
    """
    asked = {
        "parts": [str(part.absolute()) for part in parts],
        "out": str(out.absolute()),
        "clip": clip and {**clip_answer(clip), "path": str(clip.path.absolute())},
        "frames": [frames.start, frames.end],
    }
    try:
        errand(
            f"{__package__}.join_child",
            asked,
            limits or DecoderLimits(),
            take=lambda *_: None,
            patience_s=PATIENCE_S,
            meanwhile=meanwhile,
        )
    except Lost as error:
        name = clip.path.name if clip else out.name
        raise CorruptMedia(
            f"The sound of {name} could not be read: it needed too much memory or time, or broke the reader. Convert "
            "it with another program and try again.",
            file=name,
        ) from error


def _joined(asked: Answer, gets_on: GetsOn) -> tuple[Mapping[str, Any], Sequence[NDArray[Any]]]:
    clip = asked["clip"] and clip_of(asked["clip"], Path(asked["clip"]["path"]))
    parts = [Path(part) for part in asked["parts"]]
    frames = FrameRange(*asked["frames"])
    join_master(parts, Path(asked["out"]), clip=clip, frames=frames, progress=lambda _: gets_on())
    return {}, ()


if __name__ == "__main__":
    serve(_joined, may_write=True)
