"""Every field of a request against the range that its .proto comment promises. Pydantic models, one a message.

What fails is refused with the field's path and what it must be; nothing has been written or started by then.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from google.protobuf.message import Message
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from understudy_api.v1 import job_pb2, media_pb2, result_pb2
from understudy_engine.roles import MOST_ROLES

from .errors import InvalidField
from .spec_fields import (
    DeliveryFields,
    Fields,
    Frame,
    JobName,
    MediaName,
    RangeFields,
    RootedPathFields,
    ShotName,
    SpecFields,
    display_text,
    known,
)
from .storage import job_id

RoleNumber = Annotated[int, Field(ge=0, lt=MOST_ROLES)]


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("is not a UUID; a client makes one for each new job") from None


LabelKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")]
LabelValue = Annotated[str, Field(max_length=200), AfterValidator(display_text)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]
Priority = Annotated[int, Field(ge=-100, le=100)]


class CreateJobFields(Fields):
    request_id: Annotated[str, AfterValidator(_uuid)]
    spec: SpecFields
    shot: ShotName | None = None
    priority: Priority = 0
    labels: Labels = Field(default_factory=dict)
    keep: Annotated[int, known(job_pb2.KeepPolicy)] = 0
    display_name: Annotated[str, Field(max_length=200), AfterValidator(display_text)] = ""


class EstimateJobFields(Fields):
    spec: SpecFields


class ListJobsFields(Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""
    states: list[Annotated[int, known(job_pb2.JobState)]] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    shot: ShotName | None = None


class UpdateMaskFields(Fields):
    paths: Annotated[list[Literal["priority", "labels", "display_name"]], Field(min_length=1)]


class UpdateJobFields(Fields):
    name: JobName
    update_mask: UpdateMaskFields
    priority: Priority = 0
    labels: Labels = Field(default_factory=dict)
    display_name: Annotated[str, Field(max_length=200), AfterValidator(display_text)] = ""


class WatchJobsFields(Fields):
    labels: Labels = Field(default_factory=dict)


class DrainServerFields(Fields):
    patience_seconds: Annotated[int, Field(ge=0, le=3600)] = 0


class WatchJobFields(Fields):
    name: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    after_sequence: Annotated[int, Field(ge=0)] = 0
    previews: bool = False


class ListShotsFields(Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^(\d{1,18}-\d{1,9})?$")] = ""
    shot: ShotName | None = None


class CompareTakesFields(Fields):
    job_a: JobName
    job_b: JobName
    layer: Annotated[int, known(result_pb2.Layer)] = 0
    role: RoleNumber = 0


class LinkMediaFields(Fields):
    path: RootedPathFields
    kind: Annotated[int, known(media_pb2.MediaKind)] = 0


class ContentFields(Fields):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, Field(ge=1)]


class CheckMediaFields(Fields):
    contents: Annotated[list[ContentFields], Field(max_length=256)] = Field(default_factory=list)


class UploadHeaderFields(Fields):
    content: ContentFields
    kind: Annotated[int, known(media_pb2.MediaKind)] = 0
    display_name: Annotated[str, Field(max_length=200), AfterValidator(display_text)] = ""
    offset: Annotated[int, Field(ge=0)] = 0


class MediaNameFields(Fields):
    name: MediaName


class ListMediaFields(Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^(\d{1,19}-[0-9a-f]{20})?$")] = ""


class DownloadMediaFields(Fields):
    media: MediaName | None = None
    output: RootedPathFields | None = None
    offset: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _one_source(self) -> DownloadMediaFields:
        if self.media is None and self.output is None:
            raise ValueError("must hold media or output")
        return self


class StreamFramesFields(Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, known(result_pb2.Layer)] = 0
    role: RoleNumber = 0
    range: RangeFields | None = None
    encoding: Annotated[int, known(result_pb2.FrameEncoding)] = 0
    max_edge_px: Annotated[int, Field(ge=0, le=65536)] = 0
    follow: bool = False


class GetFrameFields(Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, known(result_pb2.Layer)] = 0
    role: RoleNumber = 0
    frame: Frame = 0
    encoding: Annotated[int, known(result_pb2.FrameEncoding)] = 0
    max_edge_px: Annotated[int, Field(ge=0, le=65536)] = 0


class PathDeliveryFields(DeliveryFields):
    path: RootedPathFields


class ExportResultFields(Fields):
    job: Annotated[str, AfterValidator(lambda name: job_id(name) and name)]
    layer: Annotated[int, known(result_pb2.Layer)] = 0
    role: RoleNumber = 0
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
