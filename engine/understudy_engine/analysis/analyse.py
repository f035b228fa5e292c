"""ENTRY: ``analyse(request, store, nets)`` yields events until a clip's passes are found, or taken from the store.

Each pass is kept by the hash of what it is made of, so another person, or a correction, looks again only for what
depends on it. Closing the iterator ends the work within a frame, and keeps what was done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import FrameRangeOutside, PassMissing
from ..media.info import ClipInfo
from ..media.read import Clip, Opener, open_clip
from ..media.rgb import RgbSource
from ..planning import asked_frames
from ..preprocess.conform import corrections_of_range
from ..preprocess.document_child import corrections_isolated
from ..preprocess.face_boxes import read_face_boxes, write_face_boxes
from ..preprocess.keypoint_files import write_keypoints
from ..preprocess.keypoints import Keypoints
from ..preprocess.motion.corrections import Corrections
from ..preprocess.motion.found import FoundMotion
from ..preprocess.nets import NetFolder, Nets
from ..preprocess.passes import ANY_RATE, CORRECTIONS_OUTSIDE
from ..preprocess.people.cast import Cast
from ..preprocess.people.choose import choose
from ..preprocess.wanting import KEYPOINTS, MATTE, absence_told, faces_told, finding_told
from ..types import Clicked, FrameRange, Warned
from ..weights.hashes import file_hash
from ..weights.net_files import Net, nets_sha256
from .cast_file import read_cast, write_cast
from .looks import Boxes, KeptPerson, look_around, look_for_mattes, look_for_points, write_mattes
from .store import PassStore, key_of
from .types import Analysed, Analysis, AnalysisEvent, AnalysisRequest, Looking, Pass, PassDone

CAST, RAW, THERE = "people.json", "points.npy", "there.npy"
KEYPOINTS_FILE, FACE_BOXES_FILE, MATTE_FILE = "keypoints.json", "face_boxes.json", "matte.mkv"
EMPTY_THERE = "the passes are empty there"


def analyse(
    request: AnalysisRequest, store: PassStore, nets: NetFolder, opener: Opener = open_clip
) -> Generator[AnalysisEvent]:
    """Finds people, then points, matte and face of the chosen one; the last event is `Analysed`.

    Memory: about 10 KB a frame, one frame, and the nets.

    Raises:
        MediaError: the clip or the corrections cannot be read. FrameRangeOutside: the clip has no such frames.
        PassMissing: nobody is there, or nobody of that name or at that place. PassMismatch: corrections of another
        clip. WeightsError, DeviceMissing: the nets. DiskFull: the store.
    """
    with opener(request.clip) as clip:
        frames = range_of(request, clip.info)
        yield from _Analysis(request, store, nets, clip, frames).run()
    store.tidy()


def range_of(request: AnalysisRequest, clip: ClipInfo) -> FrameRange:
    """Raises FrameRangeOutside for an empty range, for frames that the clip does not have, and for a click there."""
    frames = asked_frames(request.frames, clip)
    click = request.person
    if isinstance(click, Clicked) and click.frame not in frames.indices:
        raise FrameRangeOutside(
            f"The person was clicked in frame {click.frame}, but frames {frames.start} to {frames.end - 1} are looked "
            "through. Click in one of those.",
            frame=click.frame,
            start=frames.start,
            end=frames.end,
        )
    return frames


def content_sha256(clip: Path) -> str:
    """Of a file, or of a folder's pictures with their names. Reads all of it, about 2 GB a second."""
    if clip.is_file():
        return file_hash(clip).sha256
    digest = hashlib.sha256()
    for file in sorted(path for path in clip.iterdir() if path.is_file()):
        digest.update(f"{file_hash(file).sha256}  {file.name}\n".encode())
    return digest.hexdigest()


class _Kept(NamedTuple):
    """A pass in the store."""

    sha256: str
    folder: Path


class _Analysis:
    """One call of `analyse`."""

    def __init__(
        self, request: AnalysisRequest, store: PassStore, nets: NetFolder, clip: Clip, frames: FrameRange
    ) -> None:
        self._request = request
        self._store = store
        self._folder = nets
        self._clip = RgbSource(clip, frames=frames)
        self._info = clip.info
        self._frames = frames
        self._rate = clip.info.rate or ANY_RATE
        self._warnings: list[str] = []
        self._corrections = self._read_corrections()

    def run(self) -> Iterator[AnalysisEvent]:
        yield from map(Warned, self._warnings_before())
        people = yield from self._pass(Pass.PEOPLE, self._made_with(Net.DETECTOR), self._find_people)
        cast = read_cast(people.folder / CAST)
        boxes = self._chosen(cast)
        points = yield from self._pass(Pass.POINTS, self._points_of(boxes), partial(self._find_points, boxes))
        raw = np.load(points.folder / RAW)
        there, matte = np.array([index in boxes for index in range(len(raw))]), None
        if self._request.matte:
            find = partial(self._find_mattes, cast, boxes, raw)
            matte = yield from self._pass(Pass.MATTE, self._matte_of(cast, points), find)
            there = np.load(matte.folder / THERE)
        person = KeptPerson(self._clip.size, raw, there, cast.shots)
        self._refuse_nobody(person.absent())
        made_of = self._motion_of(cast, points, matte)
        motion = yield from self._pass(Pass.MOTION, made_of, partial(self._find_motion, person))
        yield from map(Warned, self._warnings_behind(person, motion))
        yield Analysed(self._handed_over(cast, boxes, motion, matte))

    def _handed_over(self, cast: Cast, boxes: Boxes, motion: _Kept, matte: _Kept | None) -> Analysis:
        return Analysis(
            clip=self._request.clip,
            clip_sha256=self._clip_sha256,
            frames=self._frames,
            size=self._clip.size,
            rate=self._info.rate,
            cast=cast,
            boxes=boxes,
            keypoints=motion.folder / KEYPOINTS_FILE,
            face_boxes=motion.folder / FACE_BOXES_FILE,
            matte=None if matte is None else matte.folder / MATTE_FILE,
        )

    def _pass(
        self, name: Pass, made_of: Mapping[str, Any], make: Callable[[Path], Iterable[None]]
    ) -> Generator[AnalysisEvent, None, _Kept]:
        """From the store, or by *make*, which writes it into a folder and yields after each frame."""
        key = key_of(name, made_of)
        entry = self._store.find(key)
        if entry is not None:
            yield PassDone(name, reused=True)
            return _Kept(key.sha256, entry)
        with self._store.writing(key, made_of) as folder:
            for frame, _ in enumerate(make(folder), start=1):
                yield Looking(name, frame, len(self._clip))
        yield PassDone(name, reused=False)
        return _Kept(key.sha256, self._store.entry(key))

    # ---- What each pass is made of

    def _made_with(self, net: Net) -> dict[str, Any]:
        nets = {
            "net": nets_sha256([self._folder.files[net]]),
            "device": self._folder.device_of(net),
        }
        return {"clip": self._clip_sha256, "frames": [self._frames.start, self._frames.end], **nets}

    def _points_of(self, boxes: Boxes) -> dict[str, Any]:
        rows = json.dumps([[frame, *box] for frame, box in sorted(boxes.items())])
        where = {"boxes": hashlib.sha256(rows.encode()).hexdigest()}
        return {**self._made_with(Net.POSE), **where, "reference_bgr": self._request.reference_bgr}

    def _matte_of(self, cast: Cast, points: _Kept) -> dict[str, Any]:
        return {**self._made_with(Net.MATTE), "points": points.sha256, "shots": _rows(cast)}

    def _motion_of(self, cast: Cast, points: _Kept, matte: _Kept | None) -> dict[str, Any]:
        return {
            "points": points.sha256,
            "matte": matte and matte.sha256,
            "shots": _rows(cast),
            "rate": str(self._rate),
            "corrections": self._corrections and self._corrections.sha256(),
        }

    @cached_property
    def _clip_sha256(self) -> str:
        return content_sha256(self._request.clip)

    # ---- How each is made

    @cached_property
    def _nets(self) -> Nets:
        """All that this request may need, so that a bad one is known before the first frame."""
        return self._folder.load([Net.DETECTOR, Net.POSE, *([Net.MATTE] if self._request.matte else [])])

    def _find_people(self, folder: Path) -> Generator[None]:
        cast = yield from look_around(self._clip, self._nets.detector)
        write_cast(folder / CAST, cast)

    def _chosen(self, cast: Cast) -> Boxes:
        if not cast.members:
            self._refuse_nobody(range(len(self._clip)))
        boxes = choose(cast, self._request.person, start=self._frames.start)
        return dict(sorted(boxes.items()))

    def _find_points(self, boxes: Boxes, folder: Path) -> Generator[None]:
        bgr = self._request.reference_bgr
        np.save(
            folder / RAW,
            (yield from look_for_points(self._clip, boxes, self._nets.pose, reference_bgr=bgr)),
        )

    def _find_mattes(
        self, cast: Cast, boxes: Boxes, raw: NDArray[np.float32], folder: Path
    ) -> Generator[None]:
        found = yield from look_for_mattes(self._clip, boxes, raw, cast.shots, self._nets.matte)
        np.save(folder / THERE, np.array([matte is not None for matte in found]))
        write_mattes(folder / MATTE_FILE, found, self._clip.size, self._rate)

    def _find_motion(self, person: KeptPerson, folder: Path) -> Iterable[None]:
        motion = FoundMotion(person, self._rate, self._corrections)
        points = Keypoints(motion.points.astype(np.float32), person.size)
        write_keypoints(folder / KEYPOINTS_FILE, points, self._info.rate, exact=True)
        write_face_boxes(folder / FACE_BOXES_FILE, motion.face_crops, person.size)
        return ()

    # ---- What is told

    def _read_corrections(self) -> Corrections | None:
        if self._request.corrections is None:
            return None
        read = corrections_isolated(self._request.corrections)
        own = corrections_of_range(read, self._clip.size, self._frames, self._info.frame_count)
        if outside := len(read.items) - len(own.items):
            self._warnings.append(CORRECTIONS_OUTSIDE.format(outside=outside, all=len(read.items)))
        return own if own.items else None

    def _warnings_before(self) -> Iterator[str]:
        yield from self._warnings
        wanted = (KEYPOINTS, MATTE) if self._request.matte else (KEYPOINTS,)
        if told := finding_told(wanted, self._folder.small()):
            yield told

    def _warnings_behind(self, person: KeptPerson, motion: _Kept) -> Iterator[str]:
        if absent := person.absent():
            yield absence_told(absent, self._frames, EMPTY_THERE)
        faces = read_face_boxes(motion.folder / FACE_BOXES_FILE, person.size)
        yield from faces_told([face is not None for face in faces])

    def _refuse_nobody(self, absent: Sequence[int]) -> None:
        """Raises PassMissing if that is every frame."""
        if len(absent) == len(self._clip):
            raise PassMissing(
                f"Nobody was found in any of the {len(absent)} frames. Choose frames that show the person, or another "
                "clip.",
                frames=len(absent),
            )


def _rows(cast: Cast) -> list[list[int]]:
    return [[shot.start, shot.end] for shot in cast.shots]
