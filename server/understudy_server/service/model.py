"""ModelService."""

from __future__ import annotations

from typing import Any

from understudy_api.v1 import model_pb2, model_pb2_grpc
from understudy_engine.model.configs import MODELS, ModelSpec

PARAMETER_COUNTS = {"nano": 7_997_348, "wan2.2-animate-14b": 17_274_816_884}
"""Of the transformers; a test counts them. Counting takes torch, which has no place in this process."""


class ModelService(model_pb2_grpc.ModelServiceServicer):
    def __init__(self, default_model: str) -> None:
        self._default = default_model

    async def ListModels(  # noqa: N802 - the API's name
        self, request: model_pb2.ListModelsRequest, context: Any
    ) -> model_pb2.ListModelsResponse:
        return model_pb2.ListModelsResponse(models=[self._model(spec) for spec in MODELS.values()])

    def _model(self, spec: ModelSpec) -> model_pb2.Model:
        return model_pb2.Model(
            name=spec.name,
            title=spec.title,
            installed=spec.name == self._default,
            is_default=spec.name == self._default,
            notice=spec.notice,
            parameter_count=PARAMETER_COUNTS[spec.name],
            segment_frames=spec.segment_frames,
            work_area_px=spec.sampling.work_area_px,
        )
