"""The passes of one request, opened: everything a segment needs besides noise and the character.

Supplied files of any size and of the range's or the whole clip's length come in; streams at the model's size
come out, read at any place and never held whole. What does not fit is refused here, before the model runs.
What nobody supplied is found in the clip, as far as it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import PassMissing
from ..media.read import Clip, Opener, open_clip
from ..types import FrameRange, FrameSize, FrameSource, LimbFactors, Mode, SwapRequest
from .conform import content_of, other_shape
from .document_child import face_boxes_isolated
from .face import Edges, face_box
from .face_clip import FaceClip
from .following import OnCanvas, Retargeted, WithLimbs
from .keypoints import Points, Skeleton, on_canvas, skeleton_of
from .masks import Masks
from .memory import RemembersShot
from .missing import (
    CHARACTER_FOUND,
    CLIP_STAYS,
    MATTE,
    NOTHING_TO_FOLLOW,
    absence_told,
    faces_told,
    finding_told,
    to_find,
)
from .motion.faces import face_track
from .motion.found import FoundMotion
from .nets import NetFolder
from .options import finds_character
from .other_roles import OtherRoles
from .perceive import FoundMattes, FoundPerson
from .plate import CutPlate, PlateMatte, WithKept
from .sizing import Box, Fit, letterbox_box, paste, resize
from .sources import Black, DrawnSkeletons, Each, FaceCrops, Indexed, Mapped
from .streams import Passes
from .supplied import Supplied

MATTE_UNUSED = "Animate makes the whole picture and does not use the matte."


@contextmanager
def open_passes(
    request: SwapRequest,
    clip: Clip | None,
    frames: FrameRange,
    fit: Fit,
    face_px: int,
    opener: Opener = open_clip,
    nets: NetFolder | None = None,
    *,
    picture: NDArray[np.uint8] | None = None,
    others: OtherRoles | None = None,
) -> Iterator[Passes]:
    """The passes of *request*'s *frames* on *fit*'s canvas, with faces of *face_px*.

    *clip* is None only where a drawn skeleton takes its place (Animate). In Replace *fit* is the clip's, in
    Animate the character picture's; the clip's motion is then letterboxed into the picture. *nets* find what
    `to_find` names; None: those that come with Understudy. *picture* (H, W, 3), the character's, is looked at where its
    proportions are followed. *others*: the other roles of the job, if it has any.

    Raises:
        MediaError: a pass cannot be read. PassMissing, PassMismatch, MatteEmpty: the passes do not suffice,
        are of another length or shape than the clip, or select nothing. WeightsMissing: the nets are not there.
    """
    with ExitStack() as stack:
        nets = nets or NetFolder()
        yield _Opening(request, clip, frames, fit, face_px, opener, nets, stack, picture, others).passes()


class _Opening:
    """One call of `open_passes`: the request and what has been opened for it so far."""

    def __init__(
        self,
        request: SwapRequest,
        clip: Clip | None,
        frames: FrameRange,
        fit: Fit,
        face_px: int,
        opener: Opener,
        nets: NetFolder,
        stack: ExitStack,
        picture: NDArray[np.uint8] | None,
        others: OtherRoles | None,
    ) -> None:
        self._others = others
        self._to_find = to_find(request)
        self._pose_options = request.pose
        self._picture = picture if finds_character(request) else None
        self._options = request.matte
        self._replace = request.mode is Mode.REPLACE
        self._frames = frames
        self._fit = fit
        self._face_px = face_px
        self._nets = nets
        self._supplied = supplied = Supplied(request, clip, frames, fit, opener, stack)
        self._files, self._clip, self._rate = supplied.files, supplied.clip, supplied.rate
        self._corrections, self._keypoints = supplied.corrections, supplied.keypoints
        self._warnings = supplied.warnings
        self._masks = Masks(supplied.mask("garbage"), supplied.mask("keep"))
        self._supplied_matte = self._read_matte()
        self._person = self._sought(clip) if clip is not None and self._to_find else None
        self._motion = (
            None if self._person is None else FoundMotion(self._person, self._rate, self._corrections)
        )
        self._retargeted: Retargeted | None = None
        self._face_clip: FaceClip | None = None
        self._found_faces: Indexed[Edges | None] | None = None

    def passes(self) -> Passes:
        pose = self._pose()
        faces = self._faces()
        matte = self._matte() if self._replace else None
        background = Black(self._fit.canvas, len(self._frames)) if matte is None else self._background(matte)
        if matte is None and self._files.matte is not None:
            self._warnings.append(MATTE_UNUSED)
        return Passes(
            pose,
            faces,
            background,
            matte,
            warnings=tuple(self._warnings),
            person=self._person,
            retargeted=self._retargeted,
            points=self._points(),
            face_clip=self._face_clip,
            settings={} if self._corrections is None else {"corrections": self._corrections.sha256()},
            noticed=lambda: tuple(self._noticed()),
        )

    # ---- What is found

    def _sought(self, clip: Clip) -> FoundPerson:
        self._nets.refuse_missing()
        if told := finding_told(self._to_find, self._nets.small()):
            self._warnings.append(told)
        matte = self._supplied_matte
        around = None if self._others is None else self._others.first_look
        return FoundPerson(
            self._supplied.own(clip) if around is None else around.clip,
            self._nets,
            points=None if self._keypoints is None else self._keypoints.points,
            matte=None if matte is None else lambda index: matte.plain([index])[0],
            cuts=MATTE in self._to_find,
            needed=MATTE in self._to_find or self._files.pose is None,
            who=self._pose_options.person,
            start=self._frames.start,
            reference_bgr=self._pose_options.reference_bgr,
            memory=self._remembered(clip),
            around=around,
        )

    def _remembered(self, clip: Clip) -> RemembersShot | None:
        """Of what is found without help: passes of the artist's would make it another."""
        if self._nets.memory is None or self._keypoints is not None or self._supplied_matte is not None:
            return None
        bgr = self._pose_options.reference_bgr
        return self._nets.memory.shot(self._nets, clip.info, self._frames, reference_bgr=bgr)

    def _noticed(self) -> Iterator[str]:
        """What is known once the clip has been looked through."""
        absent = [] if self._person is None or not self._person.needed else self._person.absent()
        if absent:
            so = CLIP_STAYS if MATTE in self._to_find else NOTHING_TO_FOLLOW
            yield absence_told(absent, self._frames, so)
        if self._found_faces is not None:
            boxes = self._found_faces
            yield from faces_told([boxes[index] is not None for index in range(len(boxes))])

    # ---- Pose

    def _pose(self) -> FrameSource:
        if self._files.pose is not None:
            return self._placed(self._supplied.open(self._files.pose, "skeleton"), "skeleton")
        points = self._points()
        if points is None or self._clip is None:
            raise PassMissing("The keypoints belong to a clip. Name the clip as well.")
        return DrawnSkeletons(self._skeletons(points, self._clip.size), self._fit.canvas)

    def _skeletons(self, points: Indexed[Points], size: FrameSize) -> Indexed[Skeleton]:
        """On the canvas, of (133, 3) in pixels of the clip."""
        options = self._pose_options
        if self._picture is not None:
            self._nets.refuse_missing()
            self._warnings.append(CHARACTER_FOUND)
            self._retargeted = Retargeted(
                points,
                size,
                self._picture,
                self._nets,
                options.limbs,
                reference_bgr=options.reference_bgr,
            )
            return OnCanvas(self._retargeted, self._fit)
        fit = self._motion_fit(size)
        if options.limbs != LimbFactors():
            return OnCanvas(WithLimbs(points, options.limbs), fit)
        return Each(lambda index: skeleton_of(on_canvas(points[index], fit)), len(points))

    def _points(self) -> Indexed[Points] | None:
        """(133, 3) a frame in pixels of the clip, supplied or found."""
        if self._keypoints is not None:
            return self._keypoints.points
        if self._person is None or self._motion is None:
            return None
        motion = self._motion
        return Each(lambda index: motion.points[index], len(self._person))

    def _points_at(self, index: int) -> Points:
        points = self._points()
        assert points is not None  # `refuse_idle` has seen to it
        return points[index]

    def _motion_fit(self, size: FrameSize) -> Fit:
        """Where pictures of the clip's motion lie on the canvas."""
        if self._replace:
            return self._fit
        content = self._fit.content
        inside = letterbox_box(size, content.size)
        box = inside._replace(x=inside.x + content.x, y=inside.y + content.y)
        return Fit(size, self._fit.canvas, box)

    def _placed(self, source: FrameSource, what: str) -> FrameSource:
        """Drawn pictures on the canvas, black around them."""
        content = content_of(source.size, self._fit.source)
        if content is None and self._replace:
            raise other_shape(what, source.size, self._fit.source)
        if content is None:
            content, box = Box(0, 0, *source.size), self._motion_fit(source.size).content
        else:
            box = self._fit.content

        def place(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
            part = resize(frame[content.rows, content.columns], box.size, enlarge=cv2.INTER_LINEAR)
            return paste(part, box, self._fit.canvas)

        return Mapped(source, self._fit.canvas, place)

    # ---- Faces

    def _faces(self) -> FrameSource:
        size = FrameSize(self._face_px, self._face_px)
        if self._files.face is not None:
            crops = self._supplied.open(self._files.face, "face")
            return Mapped(crops, size, lambda frame: resize(frame, size, enlarge=cv2.INTER_LINEAR))
        if self._files.face_clip is not None:
            self._nets.refuse_missing()
            faces, bgr = (
                self._supplied.open(self._files.face_clip, "face clip"),
                self._pose_options.reference_bgr,
            )
            self._face_clip = FaceClip(faces, self._rate, self._nets, reference_bgr=bgr)
            self._found_faces = self._face_clip.boxes
            return self._face_clip.crops(self._face_px)
        if self._person is not None and self._keypoints is None and self._files.face_boxes is None:
            return self._found(self._person)
        boxes = self._face_boxes()
        self._warnings.extend(faces_told([box is not None for box in boxes]))
        if self._clip is None or not any(boxes):
            return Black(size, len(self._frames))
        return FaceCrops(self._clip, boxes, self._face_px)

    def _found(self, person: FoundPerson) -> FrameSource:
        assert self._clip is not None  # the person is in it
        assert self._motion is not None
        motion = self._motion
        self._found_faces = Each(lambda index: motion.face_crops[index], len(person))
        return FaceCrops(self._clip, self._found_faces, self._face_px)

    def _face_boxes(self) -> Sequence[Box | Edges | None]:
        """Supplied ones, or those of supplied keypoints, one a frame of the range; none where neither came."""
        if self._clip is None:
            return []
        if self._files.face_boxes is not None:
            boxes = face_boxes_isolated(self._files.face_boxes, self._clip.size)
            frames = self._supplied.of_range(len(boxes), "face box")
            return boxes[frames.start : frames.end]
        if self._keypoints is None:
            return []
        points, size = self._keypoints.points, self._clip.size
        if self._pose_options.steady_faces:
            return face_track(points, size, self._rate).crops
        return [face_box(frame, size) for frame in points]

    # ---- Matte and background

    def _read_matte(self) -> PlateMatte | None:
        if self._files.matte is None or not self._replace:
            return None
        matte = self._plate_matte(*self._supplied.shaped(self._files.matte, "matte"))
        matte.refuse_empty()
        return matte

    def _matte(self) -> PlateMatte | None:
        """Of Replace: the supplied one, or the found person's."""
        if self._supplied_matte is not None or not self._replace:
            return self._supplied_matte
        if self._person is None:
            raise PassMissing("Replace needs the clip whose person is replaced. Name the clip.")
        return self._plate_matte(FoundMattes(self._person), Box(0, 0, *self._person.size))

    def _plate_matte(self, source: FrameSource, content: Box) -> PlateMatte:
        touching = None if self._others is None else self._others.touching
        points = Each(self._points_at, len(self._frames)) if self._options.grows_parts else None
        return PlateMatte(source, content, self._fit, self._options, touching, self._masks, points)

    def _background(self, matte: PlateMatte) -> FrameSource:
        if self._clip is None:
            raise PassMissing("Replace needs the clip whose person is replaced. Name the clip.")
        if self._files.background is None:
            return CutPlate(self._clip, matte, self._fit)
        source, content = self._supplied.shaped(self._files.background, "background")
        fit = Fit(content.size, self._fit.canvas, self._fit.content)
        clean = Mapped(source, fit.canvas, lambda frame: fit.apply(frame[content.rows, content.columns]))
        return clean if self._masks.keep is None else WithKept(clean, self._clip, matte, self._fit)
