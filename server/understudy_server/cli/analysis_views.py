"""What understudy analyse shows beyond what it found: a matte's edges, and the skeleton that would be followed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from understudy_api.errors import InvalidRequest
from understudy_api.v1 import job_pb2

from ..convert import limb_factors, matte_options
from ..spec_fields import LimbFields, MatteFields, SamplingFields
from ..validate import check
from .options import given
from .pose_options import FOLLOWING

if TYPE_CHECKING:
    from understudy_engine.analysis.pictures import Rgb
    from understudy_engine.analysis.types import Analysis
    from understudy_engine.analysis.views import View
    from understudy_engine.preprocess.nets import NetFolder

Character = Annotated[
    Path | None,
    given(
        "--character",
        text="A picture of the character, for --proportions character.",
        panel=FOLLOWING,
        metavar="PICTURE",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedViews:
    """As a job would be asked for them. Raises InvalidField or InvalidRequest for what it would refuse."""

    pose: job_pb2.PoseOptions
    matte: job_pb2.MatteOptions
    work_area_px: int | None
    character: Path | None
    no_matte: bool

    def __post_init__(self) -> None:
        check(self.matte, MatteFields)
        check(self.pose.limbs, LimbFields)
        check(job_pb2.Sampling(work_area_px=self.work_area_px), SamplingFields)
        if (self.character is not None) != self._moves:
            raise _amiss(
                "The character's proportions need its picture, and it them: --character PICTURE "
                "--proportions character.",
                "character",
            )
        if self.no_matte and (self.matte.ByteSize() or self.work_area_px is not None):
            raise _amiss(
                "Without a matte nothing grows. Leave out --no-matte, or what the matte is told.", "no_matte"
            )

    @property
    def _moves(self) -> bool:
        return self.pose.proportions == job_pb2.PROPORTIONS_CHARACTER

    def picture(self, nets: NetFolder) -> Rgb | None:
        """The character's, (H, W, 3). Raises MediaError, and PassMissing if it shows no shoulders."""
        from understudy_engine.media.isolated import isolated
        from understudy_engine.media.rgb import read_picture
        from understudy_engine.preprocess.following import body_in

        if self.character is None:
            return None
        picture = read_picture(self.character.expanduser().absolute(), isolated())
        body_in(picture, nets, reference_bgr=self.pose.reference_bgr)
        return picture

    def of(self, analysis: Analysis, picture: Rgb | None, nets: NetFolder, model: str) -> list[View]:
        """*picture* as `picture` gave it. Raises PassMissing if the clip shows no shoulders to hold against its."""
        from understudy_engine.analysis.edge_band import EdgeBand
        from understudy_engine.analysis.views import EdgeView, of_character, with_limbs
        from understudy_engine.model.configs import model_spec

        views: list[View] = []
        limbs = limb_factors(self.pose.limbs)
        if picture is not None:
            bgr = self.pose.reference_bgr
            views.append(of_character(analysis, picture, nets, limbs, reference_bgr=bgr))
        elif self.pose.HasField("limbs"):
            views.append(with_limbs(analysis, limbs))
        if analysis.matte is not None:
            area = self.work_area_px or model_spec(model).sampling.work_area_px
            views.append(EdgeView(analysis, EdgeBand(work_area_px=area, options=matte_options(self.matte))))
        return views


def _amiss(message: str, field: str) -> InvalidRequest:
    return InvalidRequest(message, metadata={"field": field})
