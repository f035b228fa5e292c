"""Every field of AnalysisService's requests against what analysis.proto promises; validate.py has the others."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from understudy_api.v1 import analysis_pb2, result_pb2
from understudy_engine.preprocess.keypoints import POINTS
from understudy_engine.preprocess.motion.corrections import LONGEST_FADE

from ..spec_fields import (
    Fields,
    Frame,
    MatteFields,
    MediaName,
    PersonFields,
    RangeFields,
    WorkArea,
    known,
)
from ..storage import analysis_id
from .answers import MOST_FRAMES
from .edits import MOST_CORRECTIONS

MOST_PEOPLE = 32

AnalysisName = Annotated[str, AfterValidator(lambda name: analysis_id(name) and name)]
Coordinate = Annotated[float, Field(ge=-65536, le=65536, allow_inf_nan=False)]
PointText = Annotated[str, Field(min_length=1, max_length=40)]
Frames = Annotated[list[Frame], Field(max_length=MOST_CORRECTIONS)]


class NameFields(Fields):
    """Of requests that hold a name alone."""

    name: AnalysisName


class SpecFields(Fields):
    clip: MediaName
    range: RangeFields | None = None
    person: PersonFields = PersonFields()
    no_matte: bool = False
    reference_bgr: bool = False


class CreateAnalysisFields(Fields):
    spec: SpecFields


class ListAnalysesFields(Fields):
    page_size: Annotated[int, Field(ge=0)] = 0
    page_token: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""


class CorrectionFields(Fields):
    frame: Frame = 0
    point: PointText
    x: Coordinate = 0
    y: Coordinate = 0


class PlaceFields(Fields):
    frame: Frame = 0
    point: PointText


class PointFields(Fields):
    x: Coordinate = 0
    y: Coordinate = 0
    score: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 0


class PointFrameFields(Fields):
    frame: Frame = 0
    points: Annotated[list[PointFields], Field(min_length=POINTS, max_length=POINTS)]


class MatteFrameFields(Fields):
    frame: Frame = 0
    png: Annotated[bytes, Field(min_length=1)]


class UpdateAnalysisFields(NameFields):
    set_corrections: Annotated[list[CorrectionFields], Field(max_length=MOST_CORRECTIONS)] = Field(
        default_factory=list
    )
    remove_corrections: Annotated[list[PlaceFields], Field(max_length=MOST_CORRECTIONS)] = Field(
        default_factory=list
    )
    fade_frames: Annotated[int, Field(ge=0, le=LONGEST_FADE)] | None = None
    set_points: list[PointFrameFields] = Field(default_factory=list)
    remove_points: Frames = Field(default_factory=list)
    set_mattes: list[MatteFrameFields] = Field(default_factory=list)
    remove_mattes: Frames = Field(default_factory=list)


class ListPeopleFields(NameFields):
    page_size: Annotated[int, Field(ge=0, le=MOST_PEOPLE)] = 0
    page_token: Annotated[str, Field(pattern=r"^\d{0,9}$")] = ""


class GetPointsFields(NameFields):
    range: RangeFields | None = None

    @model_validator(mode="after")
    def _of_one_answer(self) -> GetPointsFields:
        if self.range is not None and self.range.end - self.range.start > MOST_FRAMES:
            raise ValueError(f"range holds more than {MOST_FRAMES} frames; ask for it in parts")
        return self


class GetAnalysisPictureFields(NameFields):
    picture: Annotated[int, known(analysis_pb2.AnalysisPicture)] = 0
    matte: MatteFields = MatteFields()
    work_area_px: WorkArea | None = None
    frame: Frame = 0
    encoding: Annotated[int, known(result_pb2.FrameEncoding)] = 0
    max_edge_px: Annotated[int, Field(ge=0, le=65536)] = 0
