"""The rows of the quality table: each a way to make a result, the whole model or the model without one of its parts.

What a row switches off it switches on again: one model serves them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..config import EngineOptions
from ..engine import Engine
from ..errors import MatteEmpty
from ..media.pixels import components
from ..memory_plans import Precision
from ..model.configs import ModelSpec
from ..training.measure.baselines import copy_paste, vae_round_trip
from ..training.measure.likeness import person_region
from ..types import FrameRange, Layer, Picture, SegmentDone, SwapRequest
from ..weights.installed import Asked, Kind, Weights, find_weights
from ..weights.load import ModelParts, load_model
from ..weights.parts import Part
from ..weights.sources import open_source
from .clip import Clip

UNTRAINED = "nano has no trained weights here"
NO_RELIGHTING = "these weights have no relighting LoRA"
NO_FOUR_STEPS = "these weights have no four-step LoRA"


@dataclass(frozen=True, slots=True)
class Made:
    frames: Tensor  # (T, 3, H, W) in 0-1, on the CPU
    seconds: float


class Rig:
    """A model that can be run with parts of it switched off. *weights* as in EngineOptions."""

    def __init__(self, spec: ModelSpec, weights: Asked = None, device: str = "cpu") -> None:
        self.spec, self.device = spec, device
        self._source = open_source(find_weights(spec.name, weights))
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self.parts = load_model(spec, self._source, device=device, dtype=dtype)
        self.engine = self._engine(self.parts)

    def _engine(self, parts: ModelParts) -> Engine:
        return Engine(parts, EngineOptions(device=self.device, preview_every=0))

    @cached_property
    def in_int8(self) -> Engine:
        """The same model once more: linear layers of steps in int8, the transformer's others in bfloat16."""
        loaded = load_model(
            self.spec, self._source, device=self.device, dtype=torch.bfloat16, precision=Precision.INT8
        )
        return self._engine(loaded)

    @contextmanager
    def without_face_adapter(self) -> Iterator[None]:
        """Whatever the adapters find adds nothing."""
        outs = [adapter.out for adapter in self.parts.transformer.face_adapters]
        kept = [{name: p.detach().clone() for name, p in out.named_parameters()} for out in outs]
        try:
            with torch.no_grad():
                for out in outs:
                    out.weight.zero_()
                    out.bias.zero_()
            yield
        finally:
            for out, before in zip(outs, kept, strict=True):
                out.load_state_dict(before)


@dataclass(frozen=True, slots=True)
class Row:
    """*make* gives one clip's result; *lacking* says why it cannot, or nothing."""

    title: str
    make: Callable[[Rig, Clip], Made]
    lacking: Callable[[Weights], str]


# ---- Making


def render(engine: Engine, request: SwapRequest) -> Made:
    """One request through the engine, as a job would run it."""
    begun = time.perf_counter()
    pictures: list[Picture] = []
    for event in engine.run(request):
        if isinstance(event, SegmentDone):
            pictures += event.layers[Layer.RESULT]
    seconds = time.perf_counter() - begun
    return Made(torch.stack([_rgb(picture) for picture in pictures]), seconds)


def _rgb(picture: Picture) -> Tensor:
    channels = components(picture)
    return torch.from_numpy(np.stack([channels[letter] for letter in "rgb"])).float() / 255


def _full(rig: Rig, clip: Clip) -> Made:
    return render(rig.engine, clip.material.request(clip.seed))


def _int8(rig: Rig, clip: Clip) -> Made:
    return render(rig.in_int8, clip.material.request(clip.seed))


def _four_step(rig: Rig, clip: Clip) -> Made:
    request = clip.material.request(clip.seed)
    return render(rig.engine, replace(request, sampling=replace(request.sampling, four_step=True)))


def _no_face_adapter(rig: Rig, clip: Clip) -> Made:
    with rig.without_face_adapter():
        return _full(rig, clip)


def _no_relighting(rig: Rig, clip: Clip) -> Made:
    return render(rig.engine, replace(clip.material.request(clip.seed), relight_strength=0.0))


def _no_guidance(rig: Rig, clip: Clip) -> Made:
    """Every segment as a job of its own: it knows nothing of the one before."""
    request = clip.material.request(clip.seed)
    made: list[Made] = []
    for segment in clip.segments:
        end = min(segment.start + segment.length, clip.material.frames)
        alone = replace(
            request,
            frames=FrameRange(segment.start, end),
            sampling=replace(request.sampling, seed=clip.seed + segment.index),
        )
        try:
            result = render(rig.engine, alone)
        except MatteEmpty:  # the person has left: a job of these frames alone is refused, and the plate stays
            result = Made(clip.truth.plate[segment.start : end].cpu(), 0.0)
        made.append(replace(result, frames=result.frames[segment.overlap :]))  # the rest the one before has
    return Made(torch.cat([one.frames for one in made]), sum(one.seconds for one in made))


def _no_pose(rig: Rig, clip: Clip) -> Made:
    request = clip.material.request(clip.seed)
    passes = replace(request.passes, keypoints=None, pose=clip.material.no_pose)
    return render(rig.engine, replace(request, passes=passes))


def _copy_paste(rig: Rig, clip: Clip) -> Made:
    begun = time.perf_counter()
    return Made(copy_paste(clip.clips, clip.index).cpu(), time.perf_counter() - begun)


def _truth(rig: Rig, clip: Clip) -> Made:
    """What is left of each figure is the error of those who measure."""
    return Made(clip.truth.result.cpu(), 0.0)


def _truth_in_hole(rig: Rig, clip: Clip) -> Made:
    """The plate keeps its pixels outside the driver's grown matte, however wide the character is."""
    grown = person_region(clip.truth.driver_matte, clip.material.request(clip.seed).matte.grow_px)
    return Made(torch.where(grown[:, None], clip.truth.result, clip.truth.plate).cpu(), 0.0)


def _vae(rig: Rig, clip: Clip) -> Made:
    begun = time.perf_counter()
    made = vae_round_trip(rig.parts.vae, clip.truth)
    return Made(made.cpu(), time.perf_counter() - begun)


# ---- What a row needs


def _nothing(weights: Weights) -> str:
    return ""


def _training(weights: Weights) -> str:
    return UNTRAINED if weights.kind is Kind.STAND_IN else ""


def _relighting(weights: Weights) -> str:
    return _training(weights) or ("" if Part.RELIGHTING_LORA in weights.loras else NO_RELIGHTING)


def _few_steps(weights: Weights) -> str:
    return _training(weights) or ("" if Part.FOUR_STEP_LORA in weights.loras else NO_FOUR_STEPS)


ROWS: dict[str, Row] = {
    "full_model": Row("full model", _full, _training),
    "four_step": Row("4 steps", _four_step, _few_steps),
    "int8": Row("full model in int8", _int8, _training),
    "no_face_adapter": Row("without the face adapter", _no_face_adapter, _training),
    "no_relighting": Row("without the relighting LoRA", _no_relighting, _relighting),
    "no_temporal_guidance": Row("without temporal guidance", _no_guidance, _training),
    "no_pose": Row("without pose", _no_pose, _training),
    "copy_paste": Row("copy and paste", _copy_paste, _nothing),
    "truth": Row("the truth", _truth, _nothing),
    "truth_in_hole": Row("the truth, where the matte lets it be seen", _truth_in_hole, _nothing),
    "vae_round_trip": Row("the VAE's round trip", _vae, _training),
}
