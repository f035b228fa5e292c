"""The words the engine speaks: shapes, ranges, pictures, requests and events.

Nothing here imports more than numpy and the errors, so every part of the engine may import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .limb_factors import LIMB_RANGE as LIMB_RANGE
from .limb_factors import LimbFactors as LimbFactors

RgbFrames = NDArray[np.uint8]
"""(T, H, W, 3), RGB, full range 0-255, in the clip's own transfer curve."""


class Mode(StrEnum):
    """What the artist asks for. The value is the word used in every interface."""

    ANIMATE = "animate"  # the picture performs the clip's motion on the picture's own background
    REPLACE = "replace"  # the character takes the person's place in the clip


class Solver(StrEnum):
    UNIPC = "unipc"
    DPMPP = "dpm++"
    EULER = "euler"


class Layer(StrEnum):
    """What a finished segment consists of. Every layer has one picture for each clip frame."""

    RESULT = "result"  # what goes on the timeline, in the plate's own size and pixel format
    CHARACTER = "character"  # the generated character with straight alpha (bgra), plate size
    MATTE = "matte"  # the matte that was composited with (gray), plate size
    POSE = "pose"  # the skeleton the model followed (rgb24), model size


class PixelShape(NamedTuple):
    """A stretch of video in pixels."""

    frames: int
    height: int
    width: int


class LatentShape(NamedTuple):
    """A stretch of video in the VAE's latent space: the first frame stands alone, then four share one."""

    channels: int
    frames: int
    height: int
    width: int

    @classmethod
    def from_pixels(cls, shape: PixelShape, channels: int) -> LatentShape:
        """Raises ValueError if frames is not 4n + 1 or a side is not a multiple of 8."""
        if shape.frames % 4 != 1 or shape.height % 8 or shape.width % 8:
            raise ValueError(f"{shape} has no whole latent: frames must be 4n + 1, sides multiples of 8")
        return cls(channels, (shape.frames - 1) // 4 + 1, shape.height // 8, shape.width // 8)


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Clip frames from *start*, zero-based and included, to *end*, not included."""

    start: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.start)

    @property
    def indices(self) -> range:
        return range(self.start, self.end)


class FrameSize(NamedTuple):
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as it is stored: planes in the order of FFmpeg's pixel format *pix_fmt*.

    Each plane is (h, w) for planar formats, or (h, w, c) for packed ones; uint8, or native-endian uint16 for
    formats of more than 8 bits.
    """

    planes: tuple[NDArray[Any], ...]
    pix_fmt: str


class FrameSource(Protocol):
    """Random access to a stream of RGB frames. Implementations decode on demand and hold few frames."""

    @property
    def size(self) -> FrameSize: ...

    def __len__(self) -> int: ...

    def read(self, indices: Sequence[int]) -> RgbFrames:
        """Frames at *indices* (any order, repeats allowed) as (len(indices), H, W, 3)."""
        ...


# ---- What is asked ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a segment is denoised. None means the model's own default (ModelSpec.sampling)."""

    steps: int | None = None
    shift: float | None = None
    solver: Solver | None = None
    guidance_scale: float | None = None  # 1.0 = no guidance; more doubles the work
    guidance_frames: int | None = None  # frames carried over from the segment before: 1 or 5
    work_area_px: int | None = None  # about how many pixels a frame has inside the model
    seed: int = 0
    four_step: bool = False  # the four-step LoRA; steps, solver and guidance scale are settled by it
    four_step_strength: float | None = None  # of that LoRA, 0.1-2.0; None = 1, as it was distilled


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """One of the artist's own."""

    name: str  # as the artist calls it
    file: Path
    strength: float = 1.0  # -4.0-4.0; 1 = as it was trained, 0 = as if it were not there


@dataclass(frozen=True, slots=True, kw_only=True)
class PassFiles:
    """Passes an artist supplies, as files. A pass is as long as the clip's range, or as the whole clip."""

    keypoints: Path | None = None  # whole-body (133 points), OpenPose or DWPose JSON, or a folder of them
    pose: Path | None = None  # a drawn skeleton video or picture sequence
    face: Path | None = None  # face crops, video or sequence
    face_boxes: Path | None = None  # JSON boxes on the clip, x0 y0 x1 y1 a frame
    matte: Path | None = None  # white = the person: video, sequence or one picture
    background: Path | None = None  # the clip without the person; otherwise the matte cuts the person out
    face_clip: Path | None = None  # another clip, whose face drives the expression; video or sequence
    corrections: Path | None = None  # JSON: keypoints put right by hand, supplied and found ones alike
    garbage: Path | None = None  # white = nobody is replaced there: goes out of the matte before it grows
    keep: Path | None = None  # white = always the plate, as of a post before the person; grey = a share


@dataclass(frozen=True, slots=True, kw_only=True)
class MatteOptions:
    """How a matte is prepared for the model (compositing uses the same grown matte, softened)."""

    grow_px: int = 9  # at model size; the reference's 7x7 kernel applied 3 times grows by 9
    blocks: tuple[int, int] | None = None  # (across, down): fill whole cells of the matte's box
    soften_px: float = 2.0  # width of the soft edge inside the matte, at plate size; 0 = hard edge
    grow_hair_px: int | None = None  # around the head, in place of grow_px; needs keypoints
    grow_clothes_px: int | None = None  # around the rest of the body, in place of grow_px; needs keypoints

    @property
    def grows_parts(self) -> bool:
        """Not everywhere alike."""
        return (self.grow_hair_px, self.grow_clothes_px) != (None, None)


@dataclass(frozen=True, slots=True)
class Largest:
    """Who takes up most of each shot. Who is to be seen only while they are not is taken for them."""


@dataclass(frozen=True, slots=True)
class Named:
    """One name, or several where the same person is in several shots."""

    names: tuple[str, ...]  # "A", "B": by how much of the requested range they take up


@dataclass(frozen=True, slots=True)
class Clicked:
    """Whoever is at a place of a frame, in pixels of the clip, through that shot."""

    frame: int  # of the clip
    x: float
    y: float


Choice = Largest | Named | Clicked


class Proportions(StrEnum):
    """Whose body the skeleton has that the character follows."""

    CLIP = "clip"  # the clip's person's, as they are
    CHARACTER = "character"  # Mode.ANIMATE only: the character's own, as the reference's --retarget_flag


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseOptions:
    """Whom the character follows, and how what they do becomes skeletons and face crops."""

    person: Choice = field(default_factory=Largest)
    proportions: Proportions = Proportions.CLIP
    limbs: LimbFactors = field(default_factory=LimbFactors)
    steady_faces: bool = False  # crops by supplied keypoints without tremble, as found ones always are
    reference_bgr: bool = False  # compatibility: the pose net sees red and blue swapped


class Depth(StrEnum):
    """Where a role stands among the others: as the clip shows it, in front of all, or behind all."""

    SEEN = "seen"
    FRONT = "front"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One more person of the clip who is replaced, and by whom. Mode.REPLACE only."""

    character: Path
    passes: PassFiles = field(default_factory=PassFiles)
    matte: MatteOptions = field(default_factory=MatteOptions)
    pose: PoseOptions = field(default_factory=PoseOptions)
    depth: Depth = Depth.SEEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where to go on: the first segment still to make, and what the segment before it left."""

    segment: int = 0
    overlap: NDArray[np.float32] | None = None  # (3, overlap, H, W) in [-1, 1], of segment - 1
    others: tuple[NDArray[np.float32], ...] = ()  # the same of roles 1, 2 and so on


@dataclass(frozen=True, slots=True, kw_only=True)
class Retake:
    """A span of an earlier take made again to join it at both ends; the same seed gives the same span again."""

    span: FrameRange  # counted from the start of the requested range
    base: FrameSource | None  # all frames the earlier take generated, result size; None: only to be planned
    blend_frames: int = 4  # 0-16: how many at the span's end go over into the base, at most half of the span
    others: tuple[FrameSource, ...] = ()  # the base of roles 1, 2 and so on
    roles: tuple[int, ...] = ()  # those that are made again; none named: all


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRequest:
    mode: Mode
    clip: Path | None  # None only in Mode.ANIMATE with a drawn pose pass that brings its own rate and length
    character: Path
    passes: PassFiles = field(default_factory=PassFiles)
    frames: FrameRange | None = None  # None = the whole clip
    sampling: Sampling = field(default_factory=Sampling)
    matte: MatteOptions = field(default_factory=MatteOptions)
    pose: PoseOptions = field(default_factory=PoseOptions)
    relight_strength: float = 1.0  # 0.0-1.0; Mode.REPLACE only
    prompt: str = ""  # of models with a text encoder; empty = their own, which their authors advise
    loras: tuple[Lora, ...] = ()  # the artist's own, merged behind the model's in this order
    resume: Resume = field(default_factory=Resume)
    retake: Retake | None = None  # None = the whole range is made
    depth: Depth = Depth.SEEN
    roles: tuple[Role, ...] = ()  # further people: roles 1, 2 and so on; what stands above is role 0


# ---- What is planned and what happens --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch the model makes at once.

    It makes *length* frames (4n + 1) beginning at clip frame *start*; the first *overlap* of them repeat the
    segment before (in a retake's first: the earlier take), the last *padding* of them lie behind the clip's end
    (in a retake: belong to a later segment or the earlier take). What remains is *delivers*.
    Frame numbers count from the start of the requested range.
    """

    index: int
    start: int
    length: int
    overlap: int  # 0 for the first segment of a take
    padding: int

    @property
    def delivers(self) -> FrameRange:
        return FrameRange(self.start + self.overlap, self.start + self.length - self.padding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is known before the first costly step."""

    model: str
    mode: Mode
    frames: FrameRange  # of the clip
    rate: Fraction  # frames a second, of the clip and of the result
    result_size: FrameSize
    model_size: FrameSize
    segments: tuple[Segment, ...]
    steps: int  # of each role
    seed: int
    settings: Mapping[str, Any]  # every option as resolved, for the manifest
    warnings: tuple[str, ...] = ()
    roles: int = 1
    roles_made: int = 1  # a retake may leave some as they are


@dataclass(frozen=True, slots=True)
class Planned:
    plan: Plan


@dataclass(frozen=True, slots=True)
class Stage:
    """Work other than a denoising step has begun, in words for the artist: "reading the clip"."""

    segment: int
    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something came to light that the artist should know, beyond the plan's warnings."""

    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """Denoising step *step* of *steps* (1-based) of a segment is done, those of all roles counted."""

    segment: int
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A rough look at a frame of the segment after a step: model size / 8, or / 2 where it is decoded."""

    segment: int
    step: int
    frame: RgbFrames  # (1, h, w, 3)


class OrderSpan(NamedTuple):
    """Frames through which the roles stand alike, counted from the start of the requested range."""

    frames: FrameRange
    back_to_front: tuple[int, ...]  # numbers of roles


class RoleDone(NamedTuple):
    """What a segment has of a further role, as `SegmentDone` of the first; all layers but the result."""

    layers: Mapping[Layer, Sequence[Picture]]
    overlap: NDArray[np.float32]
    seed: int


@dataclass(frozen=True, slots=True)
class SegmentDone:
    segment: Segment
    layers: Mapping[Layer, Sequence[Picture]]  # one picture a delivered frame
    overlap: NDArray[np.float32]  # (3, guidance_frames, H, W) in [-1, 1]: what the next segment needs
    seed: int  # the seed this segment's noise came from
    others: tuple[
        RoleDone, ...
    ] = ()  # of roles 1, 2 and so on; what stands above is role 0's, and the result
    order: tuple[OrderSpan, ...] = ()  # of the frames it delivers, where there are several roles
    is_aside: bool = False  # the next one is made meanwhile, and should not be held up


@dataclass(frozen=True, slots=True)
class Done:
    segments: int
    frames: int


Event = Planned | Stage | Warned | Step | Preview | SegmentDone | Done
