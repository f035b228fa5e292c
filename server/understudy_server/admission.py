"""What can be refused about a job before it is written down: all that costs a few milliseconds to know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from understudy_api.v1 import job_pb2, media_pb2
from understudy_engine.config import in_four_steps, refuse_prompt
from understudy_engine.errors import FrameRangeOutside, UnsupportedMedia
from understudy_engine.loras import refuse_loras
from understudy_engine.model.configs import model_spec
from understudy_engine.preprocess.options import refuse_click_outside, refuse_idle
from understudy_engine.roles import each_role, named_role
from understudy_engine.types import FrameRange, FrameSize
from understudy_engine.weights.parts import Part

from .convert import Work, loras_of, media_of, swap_request, uses, work_of
from .errors import ModelNotInstalled
from .loras import chosen_loras
from .media import Roots
from .models import weights_of
from .settings import Settings
from .store import MediaStore
from .words import KIND_WORDS, Kind, input_words

VIDEO = media_pb2.MEDIA_KIND_VIDEO
IMAGE = media_pb2.MEDIA_KIND_IMAGE
SEQUENCE = media_pb2.MEDIA_KIND_IMAGE_SEQUENCE
KEYPOINTS = media_pb2.MEDIA_KIND_KEYPOINTS

MOVING = frozenset({VIDEO, SEQUENCE})
FIT_FOR: Mapping[str, frozenset[Kind]] = {
    "clip": MOVING,
    "character": frozenset({IMAGE}),
    "keypoints": frozenset({KEYPOINTS}),
    "pose": MOVING | {IMAGE},
    "face": MOVING | {IMAGE},
    "face_boxes": frozenset({KEYPOINTS}),
    "matte": MOVING | {IMAGE},
    "background": MOVING | {IMAGE},
    "corrections": frozenset({KEYPOINTS}),
    "face_clip": MOVING,
    "garbage": MOVING | {IMAGE},
    "keep": MOVING | {IMAGE},
}


class Admission:
    def __init__(self, settings: Settings, media: MediaStore, roots: Roots) -> None:
        self._settings = settings
        self._media = media
        self._roots = roots

    async def check(self, spec: job_pb2.JobSpec) -> None:
        """Raises the ServerError or EngineError that the job would fail with at its start."""
        work = work_of(spec)
        self._check_model(work.model)
        request = swap_request(spec, {name: Path(name) for name in media_of(work)})
        in_four_steps(request.sampling, self._loras() if request.sampling.four_step else ())
        model, data_folder = self._settings.default_model, self._settings.data_folder
        await asyncio.to_thread(chosen_loras, loras_of(work), model, data_folder)
        refuse_loras(request.loras)
        refuse_prompt(request.prompt, model_spec(self._settings.default_model))
        alone = each_role(request)
        for number, role in enumerate(alone):
            with named_role(number, alone):
                refuse_idle(role)
        assets = await self._media.assets(media_of(work))
        _check_kinds(work, assets)
        _check_range(work, assets)
        if request.clip is not None:
            made = request.frames or FrameRange(0, assets[work.clip].probe.frame_count)
            size = assets[work.clip].probe.size
            for number, role in enumerate(alone):
                with named_role(number, alone):
                    refuse_click_outside(role, made, FrameSize(size.width, size.height))
        if work.delivery.HasField("path"):
            delivery = work.delivery
            await asyncio.to_thread(self._roots.writable, delivery.path, overwrite=delivery.overwrite)

    def _loras(self) -> frozenset[Part]:
        return weights_of(self._settings.default_model, self._settings.data_folder).loras

    def _check_model(self, name: str) -> None:
        installed = self._settings.default_model
        if name not in ("", installed):
            raise ModelNotInstalled(
                f"The model '{name}' is not installed here. Choose '{installed}'.",
                model=name,
                installed=installed,
            )


def _check_kinds(work: Work, assets: Mapping[str, media_pb2.MediaAsset]) -> None:
    for role, name in uses(work).items():
        fit = FIT_FOR[role.partition("-")[0]]
        if assets[name].kind not in fit:
            wanted = " or ".join(words for kind, words in KIND_WORDS.items() if kind in fit)
            found = assets[name]
            raise UnsupportedMedia(
                f"The {input_words(role)} must be {wanted}; '{found.display_name}' is {KIND_WORDS[found.kind]}.",
                role=role,
                file=found.display_name,
            )


def _check_range(work: Work, assets: Mapping[str, media_pb2.MediaAsset]) -> None:
    if not (work.clip and work.HasField("range")):
        return
    clip = assets[work.clip]
    if work.range.end > clip.probe.frame_count:
        raise FrameRangeOutside(
            f"Frames {work.range.start} to {work.range.end - 1} were asked for, but '{clip.display_name}' has frames 0 "
            f"to {clip.probe.frame_count - 1}. Choose a range inside the clip.",
            start=work.range.start,
            end=work.range.end,
            frame_count=clip.probe.frame_count,
        )
