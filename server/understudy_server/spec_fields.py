"""What a JobSpec may hold, field by field: Pydantic models, one a message, and the words they are made of."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from understudy_api.v1 import job_pb2
from understudy_engine.loras import MOST_LORAS, STRENGTHS
from understudy_engine.roles import MOST_ROLES
from understudy_engine.types import LIMB_RANGE

from .storage import is_media_name, is_shot_name, job_id

MAX_PATH_CHARACTERS = 4096
MAX_FRAME = 1 << 31
MAX_PROMPT_CHARACTERS = 2000  # about what a model reads of it: 512 tokens

MAX_LORA_NAME = 200


def _media_name(name: str) -> str:
    if not is_media_name(name):
        raise ValueError("is not a media asset's name; LinkMedia and UploadMedia give them")
    return name


def _shot_name(name: str) -> str:
    if not is_shot_name(name):
        raise ValueError("is not a shot's name; a job's `shot` has one")
    return name


def display_text(text: str) -> str:
    for character in text:
        turns_round = unicodedata.bidirectional(character) in _BIDI_MARKS
        if turns_round or unicodedata.category(character) == "Cc":
            raise ValueError(f"has the invisible character U+{ord(character):04X}; remove it")
    return text


_BIDI_MARKS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def known(enum: Any) -> AfterValidator:
    """Open enums let any number through; only those of our .proto mean something."""

    def check(value: int) -> int:
        if value not in enum.values():
            names = ", ".join(enum.keys())
            raise ValueError(f"has the unknown value {value}; known are {names}")
        return value

    return AfterValidator(check)


JobName = Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
ShotName = Annotated[str, AfterValidator(_shot_name)]
MediaName = Annotated[str, AfterValidator(_media_name)]
Frame = Annotated[int, Field(ge=0, le=MAX_FRAME)]


class Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RangeFields(Fields):
    start: Frame = 0
    end: Frame = 0

    @model_validator(mode="after")
    def _not_empty(self) -> RangeFields:
        if self.start >= self.end:
            raise ValueError(f"is empty: start {self.start}, end {self.end} (not included)")
        return self


class RootedPathFields(Fields):
    root_id: Annotated[str, Field(min_length=1, max_length=32)]
    relative_path: Annotated[str, Field(min_length=1, max_length=MAX_PATH_CHARACTERS)]


class PassFields(Fields):
    keypoints: MediaName | None = None
    pose: MediaName | None = None
    face: MediaName | None = None
    face_boxes: MediaName | None = None
    matte: MediaName | None = None
    background: MediaName | None = None
    corrections: MediaName | None = None
    face_clip: MediaName | None = None
    garbage: MediaName | None = None
    keep: MediaName | None = None


PersonName = Annotated[str, Field(pattern=r"^[A-Za-z]{1,3}$")]
LimbFactor = Annotated[float, Field(ge=LIMB_RANGE[0], le=LIMB_RANGE[1])]
Place = Annotated[float, Field(ge=0, le=65536)]


class PersonAtFields(Fields):
    frame: Frame = 0
    x: Place = 0
    y: Place = 0


class PersonFields(Fields):
    names: Annotated[list[PersonName], Field(max_length=64)] = []
    at: PersonAtFields | None = None

    @model_validator(mode="after")
    def _one_way(self) -> PersonFields:
        if self.names and self.at is not None:
            raise ValueError("needs names or at, not both")
        return self


class LimbFields(Fields):
    arms: LimbFactor = 1
    legs: LimbFactor = 1
    torso: LimbFactor = 1
    head: LimbFactor = 1
    hands: LimbFactor = 1


class PoseFields(Fields):
    person: PersonFields = PersonFields()
    proportions: Annotated[int, known(job_pb2.Proportions)] = 0
    limbs: LimbFields = LimbFields()
    steady_faces: bool = False
    reference_bgr: bool = False


Growth = Annotated[int, Field(ge=0, le=256)]


class MatteFields(Fields):
    grow_px: Growth = 9
    blocks_across: Annotated[int, Field(ge=0, le=256)] = 0
    blocks_down: Annotated[int, Field(ge=0, le=256)] = 0
    soften_px: Annotated[float, Field(ge=0, le=256)] = 2
    grow_hair_px: Growth | None = None
    grow_clothes_px: Growth | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> MatteFields:
        if bool(self.blocks_across) != bool(self.blocks_down):
            raise ValueError("needs blocks_across and blocks_down, or neither")
        return self


class LoraFields(Fields):
    name: Annotated[str, Field(min_length=1, max_length=MAX_LORA_NAME), AfterValidator(display_text)]
    strength: Annotated[float, Field(ge=STRENGTHS[0], le=STRENGTHS[1])] = 1


WorkArea = Annotated[int, Field(ge=4096, le=1 << 22)]


class SamplingFields(Fields):
    steps: Annotated[int, Field(ge=1, le=100)] | None = None
    seed: int = 0
    solver: Annotated[int, known(job_pb2.Solver)] = 0
    shift: Annotated[float, Field(ge=0.1, le=20)] | None = None
    guidance_scale: Annotated[float, Field(ge=1, le=10)] | None = None
    guidance_frames: int | None = None
    work_area_px: WorkArea | None = None
    four_step: bool = False
    four_step_strength: Annotated[float, Field(ge=0.1, le=2)] | None = None
    loras: Annotated[list[LoraFields], Field(max_length=MOST_LORAS)] = []

    @model_validator(mode="after")
    def _one_or_five(self) -> SamplingFields:
        if self.guidance_frames not in (None, 1, 5):
            raise ValueError(f"guidance_frames is {self.guidance_frames}; it must be 1 or 5")
        return self

    @model_validator(mode="after")
    def _each_lora_once(self) -> SamplingFields:
        names = [lora.name for lora in self.loras]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"names the LoRA '{twice[0]}' twice; name it once")
        return self


class DeliveryFields(Fields):
    path: RootedPathFields | None = None
    codec: Annotated[int, known(job_pb2.DeliveryCodec)] = 0
    overwrite: bool = False


class AnimateFields(Fields):
    clip: MediaName | None = None
    character: MediaName
    range: RangeFields | None = None
    passes: PassFields = PassFields()
    sampling: SamplingFields = SamplingFields()
    delivery: DeliveryFields = DeliveryFields()
    model: Annotated[str, Field(max_length=64), AfterValidator(display_text)] = ""
    pose: PoseFields = PoseFields()
    prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS), AfterValidator(display_text)] = ""

    @model_validator(mode="after")
    def _something_to_follow(self) -> AnimateFields:
        if self.clip is None and self.passes.pose is None:
            raise ValueError("needs a clip, or a drawn skeleton in passes.pose")
        return self


RoleDepth = Annotated[int, known(job_pb2.Depth)]


class RoleFields(Fields):
    character: MediaName
    pose: PoseFields = PoseFields()
    passes: PassFields = PassFields()
    matte: MatteFields = MatteFields()
    depth: RoleDepth = 0


class ReplaceFields(AnimateFields):
    clip: MediaName
    matte: MatteFields = MatteFields()
    relight_strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    roles: Annotated[list[RoleFields], Field(max_length=MOST_ROLES - 1)] = []
    depth: RoleDepth = 0


class RetakeFields(Fields):
    job: JobName
    span: RangeFields
    sampling: SamplingFields = SamplingFields()
    blend_frames: Annotated[int, Field(ge=0, le=16)] = 4
    roles: Annotated[list[Annotated[int, Field(ge=0, lt=MOST_ROLES)]], Field(max_length=MOST_ROLES)] = []
    delivery: DeliveryFields = DeliveryFields()

    @model_validator(mode="after")
    def _of_one_size(self) -> RetakeFields:
        for field in ("work_area_px", "guidance_frames"):
            if getattr(self.sampling, field) is not None:
                raise ValueError(
                    f"cannot change sampling.{field}: the frames around the span were made with it"
                )
        return self


class SpecFields(Fields):
    replace: ReplaceFields | None = None
    animate: AnimateFields | None = None
    retake: RetakeFields | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> SpecFields:
        if self.replace is None and self.animate is None and self.retake is None:
            raise ValueError("must hold replace, animate or retake")
        return self
