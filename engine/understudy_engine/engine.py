"""ENTRY: ``Engine.load(spec).run(request)`` yields events until the last segment is done.

Read ``run`` first: it is one job's analyse and plan; then ``segments.py``, its generate and finish, which drives
``SegmentMaker.make``. Closing the iterator cancels within a step. Memory does not grow with the clip: one segment is
held at a time, beside a GPU three.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import Tensor

from .analysis.memory import PassMemory
from .analysis.store import PassStore
from .aside import Aside
from .config import EngineOptions
from .diffusion.segment import ShotFeatures
from .errors import RequestError
from .fitted import FittedModel, device_of, first_plan
from .footprint import aside_needed
from .identity import ModelIdentity, identify
from .machine import available_bytes
from .making import SegmentMaker
from .media.read import Opener, open_clip
from .memory_plans import MemoryPlan, Precision
from .model.between import Between, go_on
from .model.configs import ModelSpec
from .offload.units import placing
from .preprocess.missing import NOBODY_IN_PICTURE
from .preprocess.nets import NetFolder
from .preprocess.together import look_together
from .roles import named_role, told_together
from .segments import all_segments
from .shot import Shot, open_shot
from .types import (
    Done,
    Event,
    Mode,
    Plan,
    Planned,
    Stage,
    SwapRequest,
    Warned,
)
from .weights.installed import find_weights
from .weights.load import ModelParts, load_model
from .weights.own_loras import own_loras
from .weights.parts import Part
from .weights.sources import open_source

BLACK = -1.0


class Engine:
    """A loaded model. One request at a time."""

    def __init__(
        self,
        parts: ModelParts,
        options: EngineOptions,
        opener: Opener = open_clip,
        memory_plan: MemoryPlan | None = None,
    ) -> None:
        self.spec = parts.spec
        self._parts = parts
        self._fitted = FittedModel(parts, options, memory_plan)
        self._maker = SegmentMaker(parts, self._fitted, options.preview_every)
        self._options = options
        self._opener = opener
        self._nets = NetFolder(
            released=parts.source.folder,
            device=options.nets_device or options.device,
            threads=torch.get_num_threads(),
            memory=None if options.passes is None else PassMemory(PassStore(options.passes)),
        )

    @classmethod
    def load(
        cls, spec: ModelSpec, options: EngineOptions | None = None, opener: Opener = open_clip
    ) -> Engine:
        """Builds *spec* and loads its weights; raises WeightsError naming the files or tensors that do not fit.

        *opener* opens clips and pictures; `media.isolated.isolated` is for those of strangers.
        """
        options = options or EngineOptions()
        if options.threads:
            torch.set_num_threads(options.threads)
        source = open_source(find_weights(spec.name, options.weights), options.loras)
        dtype = torch.float32 if options.device == "cpu" else torch.bfloat16
        plan = first_plan(spec, options)
        parts = load_model(
            spec,
            source,
            device=options.device,
            dtype=dtype,
            contexts=options.contexts,
            precision=Precision.BF16 if plan is None else plan.precision,
            place=None if plan is None else placing(spec, plan, device_of(options)),
        )
        return cls(parts, options, opener, plan)

    def identity(self) -> ModelIdentity:
        """What this engine's pixels come from; hashes weight files at the first call."""
        device, nets = self._options.device, self._nets
        threads = torch.get_num_threads()
        return identify(self.spec, self._parts.source, device, threads, nets.sha256(), nets.told())

    def plan(self, request: SwapRequest) -> Plan:
        """All that can be known before the first costly step; raises what ``run`` would refuse with."""
        with self._open(request) as shot:
            self._memory_plan(shot)
            for lora in own_loras(request.loras, shot.plan, self._parts.transformer):
                lora.read()
            return replace(shot.plan, settings={**shot.plan.settings, **self._fitted.settings})

    def run(self, request: SwapRequest, meanwhile: Between = go_on) -> Iterator[Event]:
        """Makes the request's segments from ``request.resume.segment`` on, in order.

        The same request on the same machine gives the same pixels, whichever segment it starts at. *meanwhile* is
        called many times a second while a segment is made; what it raises ends the run there.
        """
        return self._fitted.thread.each(self._events(request, meanwhile))

    @torch.inference_mode()
    def _events(self, request: SwapRequest, meanwhile: Between) -> Generator[Event]:
        self._fitted.ask(meanwhile)
        with self._open(request) as shot:
            plan = shot.plan
            yield Planned(plan)
            yield from self._fit_in(shot)
            overlaps = [self._overlap_before(role) for role in shot.roles]
            yield from self._read_prompt(shot, meanwhile)
            yield from self._find(shot)
            yield Stage(request.resume.segment, "looking at the character")
            self._set_loras(shot, meanwhile)
            features = yield from self._look_at_characters(shot)
            self._nets.let_go()
            with Aside(has_thread=self._has_aside(shot)) as aside:
                yield from all_segments(self._maker, shot, features, overlaps, aside, meanwhile)
            yield Done(
                segments=len(plan.segments), frames=sum(len(segment.delivers) for segment in plan.segments)
            )

    def _has_aside(self, shot: Shot) -> bool:
        if self._options.has_aside is not None:
            return self._options.has_aside
        plan, there = shot.plan, available_bytes()
        length = max(segment.length for segment in plan.segments)
        needed = aside_needed(plan.model_size, length, plan.result_size)
        return device_of(self._options).type != "cpu" and (there is None or there >= needed)

    def _memory_plan(self, shot: Shot) -> MemoryPlan | None:
        return self._fitted.planned(shot.plan, guided=shot.sampling.guidance_scale > 1)

    def _fit_in(self, shot: Shot) -> Iterator[Event]:
        plan = self._memory_plan(shot)
        if plan is not None:
            yield Stage(shot.request.resume.segment, f"fitting the model in: {plan}")
            if told := self._fitted.arrange(plan):
                yield Warned(told)

    def _read_prompt(self, shot: Shot, meanwhile: Between) -> Iterator[Event]:
        """One that is new here is encoded before all else, and kept."""
        if not self._parts.contexts.is_known(shot.request.prompt):
            yield Stage(shot.request.resume.segment, "reading the prompt")
            self._parts.contexts.of(shot.request.prompt, meanwhile)

    def _find(self, shot: Shot) -> Iterator[Event]:
        """Looks through the clip for the person, if a pass is missing; refuses a clip that shows nobody.

        Where the character's proportions are followed, its picture is looked at before, and both bodies are compared.
        """
        segment, roles = shot.request.resume.segment, {role.number: role.passes for role in shot.roles}
        if any(passes.person or passes.retargeted or passes.face_clip for passes in roles.values()):
            yield Stage(segment, f"finding the person with {self._nets.told()}")
        retargeted = shot.passes.retargeted  # of Animate, which has one role
        if retargeted is not None:
            yield Stage(segment, "finding the character's pose")
            retargeted.find_character()
        people = {number: passes.person for number, passes in roles.items() if passes.person}
        for looked_at in look_together(people):
            yield Stage(segment, f"finding the person, {looked_at}")
        for number, passes in roles.items():
            with named_role(number, roles):
                passes.refuse_discarded()
        for face_clip in filter(None, (passes.face_clip for passes in roles.values())):
            for looked_at in face_clip.look():
                yield Stage(segment, f"finding the person of the face clip, {looked_at}")
        if retargeted is not None:
            retargeted.compare()
        for seen in shot.order.look() if shot.order else ():
            yield Stage(segment, f"finding the person in front, frame {seen} of {len(shot.plan.frames)}")
        for text in told_together([passes.noticed() for passes in roles.values()]):
            yield Warned(text)

    def _look_at_characters(self, shot: Shot) -> Generator[Event, None, list[ShotFeatures | None]]:
        """Of each role that is made; warns of pictures in which nobody is found, if the model wants to know them."""
        poses = [self._own_skeleton(role) if role.is_made else None for role in shot.roles]
        unseen = [pose is not None and not bool((pose > BLACK).any()) for pose in poses]
        for text in told_together([[NOBODY_IN_PICTURE] if is_unseen else [] for is_unseen in unseen]):
            yield Warned(text)
        looked_at = zip(shot.roles, poses, strict=True)
        return [self._features(role, pose) if role.is_made else None for role, pose in looked_at]

    def _features(self, shot: Shot, own_skeleton: Tensor | None) -> ShotFeatures:
        reference = shot.reference().to(self._options.device)
        with self._fitted.at_work(self._parts.image_encoder):
            image_tokens = self._parts.image_encoder(reference[None, :, 0])[0]
        return ShotFeatures(
            reference=self._encoded(reference),
            own_pose=None if own_skeleton is None else self._encoded(own_skeleton),
            image_tokens=image_tokens,
            context=self._parts.contexts.of(shot.request.prompt),
            context_null=self._parts.contexts.negative(),
        )

    def _encoded(self, video: Tensor) -> Tensor:
        with self._fitted.at_work(self._parts.vae):
            return self._parts.vae.encode(video[None])[0]

    def _own_skeleton(self, shot: Shot) -> Tensor | None:
        """How the character stands in its picture, for models that are shown it."""
        if not self.spec.transformer.reference_pose:
            return None
        return shot.own_skeleton(self._nets).to(self._options.device)

    def _open(self, request: SwapRequest) -> AbstractContextManager[Shot]:
        return open_shot(
            request, self.spec, loras=self._parts.loras.parts, opener=self._opener, nets=self._nets
        )

    def _set_loras(self, shot: Shot, meanwhile: Between) -> None:
        """Relighting belongs to Replace alone: in Animate the picture keeps its own light."""
        request, sampling = shot.request, shot.sampling
        relight = request.relight_strength if request.mode is Mode.REPLACE else 0.0
        quick = sampling.four_step_strength if sampling.four_step else 0.0
        strengths = {Part.RELIGHTING_LORA: relight, Part.FOUR_STEP_LORA: quick}
        own = own_loras(request.loras, shot.plan, self._parts.transformer)
        self._parts.loras.set_strengths(strengths, own, meanwhile)

    def _overlap_before(self, shot: Shot) -> Tensor | None:
        resume = shot.request.resume
        if resume.segment == 0:
            return None
        canvas = shot.fit.canvas
        following = shot.plan.segments[resume.segment :]
        needed = following[0].overlap if following else shot.sampling.guidance_frames
        expected = (3, needed, canvas.height, canvas.width)
        if resume.overlap is None or resume.overlap[:, -needed:].shape != expected:
            found = None if resume.overlap is None else resume.overlap.shape
            raise RequestError(
                f"Segment {resume.segment} needs the last frames of the one before as {expected}, not {found}. "
                "Start the job again from its first segment."
            )
        return torch.from_numpy(resume.overlap)
