"""Every field of a request against the range that its .proto comment promises. Pydantic models, one a message.

What fails is refused with the field's path and what it must be; nothing has been written or started by then.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from google.protobuf.message import Message
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from understudy_api.v1 import job_pb2, media_pb2, result_pb2
from understudy_engine.types import LIMB_RANGE

from .errors import InvalidField
from .storage import is_media_name, is_shot_name, job_id

MAX_PATH_CHARACTERS = 4096
MAX_FRAME = 1 << 31


def _media_name(name: str) -> str:
    if not is_media_name(name):
        raise ValueError("is not a media asset's name; LinkMedia and UploadMedia give them")
    return name


def _shot_name(name: str) -> str:
    if not is_shot_name(name):
        raise ValueError("is not a shot's name; a job's `shot` has one")
    return name


def _display_text(text: str) -> str:
    for character in text:
        turns_round = unicodedata.bidirectional(character) in _BIDI_MARKS
        if turns_round or unicodedata.category(character) == "Cc":
            raise ValueError(f"has the invisible character U+{ord(character):04X}; remove it")
    return text


_BIDI_MARKS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("is not a UUID; a client makes one for each new job") from None


def _known(enum: Any) -> AfterValidator:
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


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RangeFields(_Fields):
    start: Frame = 0
    end: Frame = 0

    @model_validator(mode="after")
    def _not_empty(self) -> RangeFields:
        if self.start >= self.end:
            raise ValueError(f"is empty: start {self.start}, end {self.end} (not included)")
        return self


class RootedPathFields(_Fields):
    root_id: Annotated[str, Field(min_length=1, max_length=32)]
    relative_path: Annotated[str, Field(min_length=1, max_length=MAX_PATH_CHARACTERS)]


class PassFields(_Fields):
    keypoints: MediaName | None = None
    pose: MediaName | None = None
    face: MediaName | None = None
    face_boxes: MediaName | None = None
    matte: MediaName | None = None
    background: MediaName | None = None
    corrections: MediaName | None = None
    face_clip: MediaName | None = None


PersonName = Annotated[str, Field(pattern=r"^[A-Za-z]{1,3}$")]
LimbFactor = Annotated[float, Field(ge=LIMB_RANGE[0], le=LIMB_RANGE[1])]
Place = Annotated[float, Field(ge=0, le=65536)]


class PersonAtFields(_Fields):
    frame: Frame = 0
    x: Place = 0
    y: Place = 0


class PersonFields(_Fields):
    names: Annotated[list[PersonName], Field(max_length=64)] = []
    at: PersonAtFields | None = None

    @model_validator(mode="after")
    def _one_way(self) -> PersonFields:
        if self.names and self.at is not None:
            raise ValueError("needs names or at, not both")
        return self


class LimbFields(_Fields):
    arms: LimbFactor = 1
    legs: LimbFactor = 1
    torso: LimbFactor = 1
    head: LimbFactor = 1
    hands: LimbFactor = 1


class PoseFields(_Fields):
    person: PersonFields = PersonFields()
    proportions: Annotated[int, _known(job_pb2.Proportions)] = 0
    limbs: LimbFields = LimbFields()
    steady_faces: bool = False
    reference_bgr: bool = False


class MatteFields(_Fields):
    grow_px: Annotated[int, Field(ge=0, le=256)] = 9
    blocks_across: Annotated[int, Field(ge=0, le=256)] = 0
    blocks_down: Annotated[int, Field(ge=0, le=256)] = 0
    soften_px: Annotated[float, Field(ge=0, le=256)] = 2

    @model_validator(mode="after")
    def _both_or_none(self) -> MatteFields:
        if bool(self.blocks_across) != bool(self.blocks_down):
            raise ValueError("needs blocks_across and blocks_down, or neither")
        return self


class SamplingFields(_Fields):
    steps: Annotated[int, Field(ge=1, le=100)] | None = None
    seed: int = 0
    solver: Annotated[int, _known(job_pb2.Solver)] = 0
    shift: Annotated[float, Field(ge=0.1, le=20)] | None = None
    guidance_scale: Annotated[float, Field(ge=1, le=10)] | None = None
    guidance_frames: int | None = None
    work_area_px: Annotated[int, Field(ge=4096, le=1 << 22)] | None = None
    four_step: bool = False

    @model_validator(mode="after")
    def _one_or_five(self) -> SamplingFields:
        if self.guidance_frames not in (None, 1, 5):
            raise ValueError(f"guidance_frames is {self.guidance_frames}; it must be 1 or 5")
        return self


class DeliveryFields(_Fields):
    path: RootedPathFields | None = None
    codec: Annotated[int, _known(job_pb2.DeliveryCodec)] = 0
    overwrite: bool = False


class AnimateFields(_Fields):
    clip: MediaName | None = None
    character: MediaName
    range: RangeFields | None = None
    passes: PassFields = PassFields()
    sampling: SamplingFields = SamplingFields()
    delivery: DeliveryFields = DeliveryFields()
    model: Annotated[str, Field(max_length=64), AfterValidator(_display_text)] = ""
    pose: PoseFields = PoseFields()

    @model_validator(mode="after")
    def _something_to_follow(self) -> AnimateFields:
        if self.clip is None and self.passes.pose is None:
            raise ValueError("needs a clip, or a drawn skeleton in passes.pose")
        return self


class ReplaceFields(AnimateFields):
    clip: MediaName
    matte: MatteFields = MatteFields()
    relight_strength: Annotated[float, Field(ge=0, le=1)] = 1.0


class RetakeFields(_Fields):
    job: JobName
    span: RangeFields
    sampling: SamplingFields = SamplingFields()
    blend_frames: Annotated[int, Field(ge=0, le=16)] = 4
    delivery: DeliveryFields = DeliveryFields()

    @model_validator(mode="after")
    def _of_one_size(self) -> RetakeFields:
        for field in ("work_area_px", "guidance_frames"):
            if getattr(self.sampling, field) is not None:
                raise ValueError(
                    f"cannot change sampling.{field}: the frames around the span were made with it"
                )
        return self


class SpecFields(_Fields):
    replace: ReplaceFields | None = None
    animate: AnimateFields | None = None
    retake: RetakeFields | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> SpecFields:
        if self.replace is None and self.animate is None and self.retake is None:
            raise ValueError("must hold replace, animate or retake")
        return self


LabelKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
LabelValue = Annotated[str, Field(max_length=200), AfterValidator(_display_text)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
Priority = Annotated[int, Field(ge=-100, le=100)]


class CreateJobFields(_Fields):
    request_id: Annotated[str, AfterValidator(_uuid)]
    spec: SpecFields
    shot: ShotName | None = None
    priority: Priority = 0
    labels: Labels = {}
    keep: Annotated[int, _known(job_pb2.KeepPolicy)] = 0
    display_name: Annotated[str, Field(max_length=200), AfterValidator(_display_text)] = ""


class EstimateJobFields(_Fields):
    spec: SpecFields


class ListJobsFields(_Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""
    states: list[Annotated[int, _known(job_pb2.JobState)]] = []
    labels: Labels = {}
    shot: ShotName | None = None


class UpdateMaskFields(_Fields):
    paths: Annotated[list[Literal["priority", "labels", "display_name"]], Field(min_length=1)]


class UpdateJobFields(_Fields):
    name: JobName
    update_mask: UpdateMaskFields
    priority: Priority = 0
    labels: Labels = {}
    display_name: Annotated[str, Field(max_length=200), AfterValidator(_display_text)] = ""


class WatchJobsFields(_Fields):
    labels: Labels = {}


class DrainServerFields(_Fields):
    patience_seconds: Annotated[int, Field(ge=0, le=3600)] = 0


class WatchJobFields(_Fields):
    name: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    after_sequence: Annotated[int, Field(ge=0)] = 0
    previews: bool = False


class ListShotsFields(_Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^(\d{1,18}-\d{1,9})?$")] = ""
    shot: ShotName | None = None


class CompareTakesFields(_Fields):
    job_a: JobName
    job_b: JobName
    layer: Annotated[int, _known(result_pb2.Layer)] = 0


class LinkMediaFields(_Fields):
    path: RootedPathFields
    kind: Annotated[int, _known(media_pb2.MediaKind)] = 0


class ContentFields(_Fields):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, Field(ge=1)]


class CheckMediaFields(_Fields):
    contents: Annotated[list[ContentFields], Field(max_length=256)] = []


class UploadHeaderFields(_Fields):
    content: ContentFields
    kind: Annotated[int, _known(media_pb2.MediaKind)] = 0
    display_name: Annotated[str, Field(max_length=200), AfterValidator(_display_text)] = ""
    offset: Annotated[int, Field(ge=0)] = 0


class MediaNameFields(_Fields):
    name: MediaName


class ListMediaFields(_Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^(\d{1,19}-[0-9a-f]{20})?$")] = ""


class DownloadMediaFields(_Fields):
    media: MediaName | None = None
    output: RootedPathFields | None = None
    offset: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _one_source(self) -> DownloadMediaFields:
        if self.media is None and self.output is None:
            raise ValueError("must hold media or output")
        return self


class StreamFramesFields(_Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, _known(result_pb2.Layer)] = 0
    range: RangeFields | None = None
    encoding: Annotated[int, _known(result_pb2.FrameEncoding)] = 0
    max_edge_px: Annotated[int, Field(ge=0, le=65536)] = 0
    follow: bool = False


class GetFrameFields(_Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, _known(result_pb2.Layer)] = 0
    frame: Frame = 0
    encoding: Annotated[int, _known(result_pb2.FrameEncoding)] = 0
    max_edge_px: Annotated[int, Field(ge=0, le=65536)] = 0


class PathDeliveryFields(DeliveryFields):
    path: RootedPathFields


class ExportResultFields(_Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, _known(result_pb2.Layer)] = 0
    delivery: PathDeliveryFields


def check(request: Message, fields: type[BaseModel]) -> None:
    """Raises InvalidField for the first field of *request* that *fields* refuses."""
    try:
        fields.model_validate(_plain(request))
    except ValidationError as error:
        raise _told(error) from None


def _plain(message: Message) -> dict[str, Any]:
    """Only what is set: a field that is not has its default in the model."""
    return {field.name: _plain_value(value) for field, value in message.ListFields()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Message):
        return _plain(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (str, bytes, int, float, bool)):
        return value
    return [_plain_value(each) for each in value]


def _told(error: ValidationError) -> InvalidField:
    first = error.errors(include_url=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    problem = first["msg"].removeprefix("Value error, ")
    value = first.get("input")
    if first["type"] == "missing":
        return InvalidField(f"{path} is missing; this request needs it.", field=path)
    if first["type"] == "value_error":
        return InvalidField(f"{path or 'The request'} {problem}.", field=path)
    wish = problem.replace("Input should", "it must").replace("String should", "it must")
    return InvalidField(f"{path} is {repr(value)[:60]}; {wish}.", field=path)
