# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the server what it found in a clip, and tells it what was put right. On threads. Knows nothing of bpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import server
from ..people import fraction_of, stage_of
from ..ranges import ClipRange
from ..server import ServerChoice

if TYPE_CHECKING:
    from .._api.client import Client

MOST_FRAMES = 256  # of points in one answer
MATTES_AT_ONCE_BYTES = 3_000_000  # of painted pictures in one request

Say = Callable[[str, float], None]  # words, and how much is done
PointOfFrame = tuple[int, str]
Row = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An analysis: the same one for the same clip, frames and person."""

    clip: Path
    frames: ClipRange
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was put right; frames are the clip's."""

    points: Mapping[PointOfFrame, tuple[float, float]] = field(default_factory=dict)
    mattes: Mapping[int, bytes] = field(default_factory=dict)  # PNG, 8 bits of grey


def find_points(choice: ServerChoice, wanted: Wanted, say: Say) -> tuple[str, dict[int, list[Row]]]:
    """The analysis' name, and the 133 points of each frame.

    Raises:
        UnderstudyError: it could not be made.
    """
    with server.connect(choice, lambda text: say(text, 0.0)) as client:
        name = _analysed(client, wanted, say)
        found = {}
        for start in range(wanted.frames.start, wanted.frames.end, MOST_FRAMES):
            for frame in client.points(name, (start, min(start + MOST_FRAMES, wanted.frames.end))):
                found[frame.frame] = [(point.x, point.y, point.score) for point in frame.points]
    return name, found


def find_mattes(choice: ServerChoice, wanted: Wanted, folder: Path, say: Say) -> str:
    """Writes the matte of each frame into *folder* as 000012.png, by the clip's frame; the analysis' name.

    Raises:
        UnderstudyError: it could not be made. OSError: a picture could not be written.
    """
    from .._api.v1 import analysis_pb2

    with server.connect(choice, lambda text: say(text, 0.0)) as client:
        name = _analysed(client, wanted, say)
        frames = range(*wanted.frames)
        for done, frame in enumerate(frames):
            picture = client.analysis_picture(name, analysis_pb2.ANALYSIS_PICTURE_MATTE, frame)
            (folder / f"{frame:06d}.png").write_bytes(picture.data)
            say("fetching the matte", (done + 1) / len(frames))
    return name


def send(choice: ServerChoice, name: str, changes: Changes, folder: Path, say: Say) -> dict[str, Path]:
    """Puts right what *changes* says, and fetches the passes that come of it into *folder*; by their names.

    Raises:
        UnderstudyError: something of it was refused. OSError: a pass could not be written.
    """
    with server.connect(choice, lambda text: say(text, 0.0)) as client:
        if changes.points:
            client.correct(name, changes.points)
        for part in _parts(changes.mattes):
            _send_mattes(client, name, part)
        _wait(client, name, say)
        passes = client.analysis(name).passes
        made = {
            "keypoints": (passes.keypoints, "keypoints.json"),
            "face_boxes": (passes.face_boxes, "face_boxes.json"),
            "matte": (passes.matte, "matte.mkv"),
        }
        say("fetching the passes", 1.0)
        return {each: client.download(asset, folder / file) for each, (asset, file) in made.items() if asset}


def _analysed(client: Client, wanted: Wanted, say: Say) -> str:
    from .._api.v1 import job_pb2, media_pb2

    def told(sent: int, whole: int) -> None:
        say("sending the clip", sent / max(whole, 1))

    clip = client.hand_over(wanted.clip, media_pb2.MEDIA_KIND_VIDEO, progress=told)
    person = job_pb2.PersonChoice(names=wanted.people) if wanted.people else None
    analysis = client.create_analysis(
        clip.name, range=(wanted.frames.start, wanted.frames.end), person=person
    )
    _wait(client, analysis.name, say)
    return analysis.name


def _wait(client: Client, name: str, say: Say) -> None:
    with client.watch_analysis(name) as changes:
        for change in changes:
            say(stage_of(change), fraction_of(change))
    client.wait_for_analysis(name)  # raises what it failed with


def _parts(mattes: Mapping[int, bytes]) -> list[dict[int, bytes]]:
    """*mattes* in requests that are not too large for one message."""
    parts: list[dict[int, bytes]] = []
    size = 0
    for frame, png in sorted(mattes.items()):
        if not parts or size + len(png) > MATTES_AT_ONCE_BYTES:
            parts.append({})
            size = 0
        parts[-1][frame] = png
        size += len(png)
    return parts


def _send_mattes(client: Client, name: str, mattes: Mapping[int, bytes]) -> None:
    from .._api.v1 import analysis_pb2

    request = analysis_pb2.UpdateAnalysisRequest(name=name)
    for frame, png in mattes.items():
        request.set_mattes.add(frame=frame, png=png)
    client.update_analysis(request)
