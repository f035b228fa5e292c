"""ModelService."""

from __future__ import annotations

import asyncio
from typing import Any

from understudy_api.v1 import model_pb2, model_pb2_grpc
from understudy_engine.errors import WeightsMissing
from understudy_engine.footprint import PARAMETERS
from understudy_engine.model.configs import MODELS, ModelSpec
from understudy_engine.weights.installed import notice_of
from understudy_engine.weights.parts import Part

from ..loras import loras_for
from ..models import weights_of
from ..settings import Settings


class ModelService(model_pb2_grpc.ModelServiceServicer):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def ListModels(  # noqa: N802 - the API's name
        self, request: model_pb2.ListModelsRequest, context: Any
    ) -> model_pb2.ListModelsResponse:
        models = await asyncio.to_thread(lambda: [self._model(spec) for spec in MODELS.values()])
        return model_pb2.ListModelsResponse(models=models)

    def _model(self, spec: ModelSpec) -> model_pb2.Model:
        try:
            weights = weights_of(spec.name, self._settings.data_folder)
            notice, four_step = notice_of(spec, weights), Part.FOUR_STEP_LORA in weights.loras
        except WeightsMissing:
            notice, four_step = spec.notice, False
        served = spec.name == self._settings.default_model
        return model_pb2.Model(
            name=spec.name,
            title=spec.title,
            installed=served,
            is_default=served,
            notice=notice,
            four_step=four_step,
            parameter_count=PARAMETERS[spec.name][0],  # the transformer's
            segment_frames=spec.segment_frames,
            work_area_px=spec.sampling.work_area_px,
            steps=spec.sampling.steps,
            takes_prompt=spec.text is not None,
            loras=[
                model_pb2.ModelLora(name=lora.name, rank=lora.facts.rank, size_bytes=lora.facts.size_bytes)
                for lora in loras_for(spec.name, self._settings.data_folder)
                if lora.facts
            ],
        )
