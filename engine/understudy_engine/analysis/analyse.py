"""ENTRY: ``analyse(request, store, nets)`` yields events until a clip's passes are found, or taken from the store.

Each pass is kept by the hash of what it is made of, so another person, or a correction, looks again only for what
depends on it. Closing the iterator ends the work within a frame, and keeps what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..media.info import ClipInfo
from ..media.read import Clip, Opener, open_clip
from ..media.rgb import RgbSource
from ..planning import asked_frames
from ..preprocess.conform import corrections_of_range
from ..preprocess.document_child import corrections_isolated
from ..preprocess.face_boxes import read_face_boxes, write_face_boxes
from ..preprocess.keypoint_files import read_keypoints, write_keypoints
from ..preprocess.keypoints import Keypoints
from ..preprocess.missing import KEYPOINTS, MATTE, absence_told, faces_told, finding_told
from ..preprocess.motion.corrections import Corrections
from ..preprocess.motion.found import FoundMotion
from ..preprocess.nets import NetFolder, Nets
from ..preprocess.options import refuse_click
from ..preprocess.people.cast import Cast
from ..preprocess.people.choose import choose
from ..preprocess.supplied import ANY_RATE, CORRECTIONS_OUTSIDE
from ..types import FrameRange, Warned
from ..weights.net_files import Net
from .cast_file import read_cast, write_cast
from .files import CAST, FACE_BOXES_FILE, KEYPOINTS_FILE, MATTE_FILE, RAW, THERE, read_mattes, write_mattes
from .looks import Boxes, KeptPerson, first_look, look_for_mattes, look_for_points
from .made_of import Ingredients, motion, painted
from .painted import given_mattes, read_given
from .store import PassStore, key_of
from .types import Analysed, Analysis, AnalysisEvent, AnalysisRequest, Looking, Pass, PassDone, Surveyed

EMPTY_THERE = "the passes are empty there"


def analyse(
    request: AnalysisRequest, store: PassStore, nets: NetFolder, opener: Opener = open_clip
) -> Generator[AnalysisEvent]:
    """Finds people, then points, matte and face of the chosen one; the last event is `Analysed`.

    Memory: about 10 KB a frame, one frame, and the nets.

    Raises:
        MediaError: the clip or the corrections cannot be read. FrameRangeOutside: the clip has no such frames.
        PassMissing: nobody is there, or nobody of that name or at that place. PassMismatch: corrections or frames of
        another clip. WeightsError, DeviceMissing: the nets. DiskFull: the store.
    """
    with opener(request.clip) as clip:
        frames = range_of(request, clip.info)
        yield from _Analysis(request, store, nets, clip, frames, opener).run()
    store.tidy()


def range_of(request: AnalysisRequest, clip: ClipInfo) -> FrameRange:
    """Raises FrameRangeOutside for an empty range, for frames that the clip does not have, and for a click there;
    RequestError for a click beside the picture."""
    frames = asked_frames(request.frames, clip)
    refuse_click(request.person, frames, clip.size, "looked through")
    return frames


class _Kept(NamedTuple):
    """A pass in the store."""

    sha256: str
    folder: Path


class _Analysis:
    """One call of `analyse`."""

    def __init__(
        self,
        request: AnalysisRequest,
        store: PassStore,
        nets: NetFolder,
        clip: Clip,
        frames: FrameRange,
        opener: Opener,
    ) -> None:
        self._request = request
        self._opener = opener
        self._made_of = Ingredients(request.clip, frames, nets, store)
        own = request.own_points.items()
        self._own_points = {index - frames.start: points for index, points in own if index in frames.indices}
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
        people = yield from self._pass(Pass.PEOPLE, self._made_of.people(), self._find_people)
        cast = read_cast(people.folder / CAST)
        yield Surveyed(cast, self._frames)
        boxes = self._chosen(cast)
        of_points = self._made_of.points(boxes, reference_bgr=self._request.reference_bgr)
        points = yield from self._pass(Pass.POINTS, of_points, partial(self._find_points, boxes))
        raw = np.load(points.folder / RAW)
        there, matte = np.array([index in boxes for index in range(len(raw))]), None
        if self._request.matte:
            matte = yield from self._matte(cast, boxes, points, raw)
            there = np.load(matte.folder / THERE)
        person = KeptPerson(self._clip.size, raw, there, cast.shots)
        self._refuse_nobody([index for index in person.absent() if index not in self._own_points])
        of_motion = motion(cast, points.sha256, there, self._rate, self._corrections, self._own_points)
        moves = yield from self._pass(Pass.MOTION, of_motion, partial(self._find_motion, person))
        yield from map(Warned, self._warnings_behind(moves))
        yield Analysed(self._handed_over(cast, boxes, moves, matte))

    def _matte(
        self, cast: Cast, boxes: Boxes, points: _Kept, raw: NDArray[np.float32]
    ) -> Generator[AnalysisEvent, None, _Kept]:
        """As it is found, or with the frames that were given."""
        find = partial(self._find_mattes, cast, boxes, raw)
        found = yield from self._pass(Pass.MATTE, self._made_of.matte(cast, points.sha256), find)
        given = given_mattes(self._request.own_mattes, self._frames)
        if not given:
            return found
        paint = partial(self._paint, found.folder, given)
        return (yield from self._pass(Pass.PAINTED, painted(found.sha256, given), paint))

    def _handed_over(self, cast: Cast, boxes: Boxes, moves: _Kept, matte: _Kept | None) -> Analysis:
        return Analysis(
            clip=self._request.clip,
            clip_sha256=self._made_of.clip_sha256,
            frames=self._frames,
            size=self._clip.size,
            rate=self._info.rate,
            cast=cast,
            boxes=boxes,
            keypoints=moves.folder / KEYPOINTS_FILE,
            face_boxes=moves.folder / FACE_BOXES_FILE,
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

    # ---- How each is made

    @cached_property
    def _nets(self) -> Nets:
        """All that this request may need, so that a bad one is known before the first frame."""
        return self._folder.load([Net.DETECTOR, Net.POSE, *([Net.MATTE] if self._request.matte else [])])

    def _find_people(self, folder: Path) -> Generator[None]:
        cast = yield from first_look(self._clip, self._nets.detector, at_once=self._folder.at_once)
        write_cast(folder / CAST, cast)

    def _chosen(self, cast: Cast) -> Boxes:
        if not cast.members:
            self._refuse_nobody(range(len(self._clip)))
        boxes = choose(cast, self._request.person, start=self._frames.start)
        return dict(sorted(boxes.items()))

    def _find_points(self, boxes: Boxes, folder: Path) -> Generator[None]:
        bgr, at_once = self._request.reference_bgr, self._folder.at_once
        looks = look_for_points(self._clip, boxes, self._nets.pose, reference_bgr=bgr, at_once=at_once)
        np.save(folder / RAW, (yield from looks))

    def _find_mattes(
        self, cast: Cast, boxes: Boxes, raw: NDArray[np.float32], folder: Path
    ) -> Generator[None]:
        at_once = self._folder.at_once
        found = yield from look_for_mattes(
            self._clip, boxes, raw, cast.shots, self._nets.matte, at_once=at_once
        )
        write_mattes(folder, found, self._clip.size, self._rate)

    def _paint(self, found: Path, given: Mapping[int, Path], folder: Path) -> Iterable[None]:
        read = read_given(given, self._clip.size, self._opener)
        mattes = [read.get(index, matte) for index, matte in enumerate(read_mattes(found))]
        write_mattes(folder, mattes, self._clip.size, self._rate)
        return ()

    def _find_motion(self, person: KeptPerson, folder: Path) -> Iterable[None]:
        motion = FoundMotion(person, self._rate, self._corrections, self._own_points)
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

    def _warnings_behind(self, moves: _Kept) -> Iterator[str]:
        points = read_keypoints(moves.folder / KEYPOINTS_FILE, self._clip.size).points
        if absent := np.flatnonzero(~points[..., 2].any(axis=1)).tolist():
            yield absence_told(absent, self._frames, EMPTY_THERE)
        faces = read_face_boxes(moves.folder / FACE_BOXES_FILE, self._clip.size)
        yield from faces_told([face is not None for face in faces])

    def _refuse_nobody(self, absent: Sequence[int]) -> None:
        """Raises PassMissing if that is every frame."""
        if len(absent) == len(self._clip):
            raise PassMissing(
                f"Nobody was found in any of the {len(absent)} frames. Choose frames that show the person, or another "
                "clip.",
                frames=len(absent),
            )
