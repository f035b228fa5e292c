"""What a job would be and cost, from facts: the engine's plan, formulas, and what past jobs have taken here."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from understudy_api.v1 import job_pb2, media_pb2, server_pb2, types_pb2
from understudy_engine import memory_plans
from understudy_engine.analysis.store import PassStore
from understudy_engine.errors import EngineError
from understudy_engine.expected import seconds_of_segments
from understudy_engine.footprint import memory_needed, step_flops
from understudy_engine.machine import available_bytes
from understudy_engine.media.info import ClipInfo
from understudy_engine.model.configs import WAN_ANIMATE_14B, ModelSpec, model_spec
from understudy_engine.planning import Draft, draft
from understudy_engine.types import FrameSize, Plan
from understudy_engine.weights.parts import Part

from .admission import Admission
from .convert import (
    frame_range,
    job_plan,
    media_of,
    pending_segment,
    retake,
    roles_of,
    swap_request,
    work_of,
)
from .disk import ROOM, bytes_needed
from .dispatcher import Dispatcher
from .engine_process.devices import devices
from .errors import ServerError, StatusError
from .finding import nets_device
from .lessons import FIND_FRAME_S, lesson_of, seconds_range
from .models import weights_of
from .preflight import encode
from .questions import FOUND, REFUSED, ask
from .settings import Settings
from .storage import DataFolder
from .store import JobStore, MediaStore
from .store.lessons import LessonStore, Workload

LEARN_FROM = 10  # jobs, the newest
PREFLIGHT_S = 8.0  # it takes half a second for most requests; a long keypoint file may take more

LEAST, MOST = 0.8, 2.0  # of what a card's rates foretell: arithmetic alone, in shares that were one card's

LONG_S = 20  # from there on users of this kind of model see colours drift (Wan2.2#206, WanVideoWrapper#1277)
SLOW_RATE, FAST_RATE = 12, 60  # frames a second; motion was learnt at 16 to 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A job on paper."""

    spec: job_pb2.JobSpec  # Replace or Animate
    model: ModelSpec
    loras: frozenset[Part]  # that its weights bring
    clip: ClipInfo
    draft: Draft
    recalled: frozenset[int] = frozenset()  # roles of which everything was found before

    @property
    def plan(self) -> Plan:
        return self.draft.plan

    @property
    def is_guided(self) -> bool:
        return self.draft.sampling.guidance_scale > 1

    @property
    def of_roles(self) -> Sequence[Mapping[str, Any]]:
        """The settings of each."""
        return [self.plan.settings, *self.plan.settings.get("roles", ())]

    @property
    def work(self) -> Workload:
        plan, inside = self.plan, self.plan.model_size
        passes = 2 if self.is_guided else 1
        found = enumerate("found" in settings for settings in self.of_roles)
        looks = sum(is_found and role not in self.recalled for role, is_found in found)
        looks += sum(bool(role.passes.face_clip) for role in roles_of(work_of(self.spec)))
        step = sum(step_flops(self.model, inside, segment.length) for segment in self.plan.segments)
        return Workload(
            denoise_flops=passes * plan.steps * step * plan.roles_made,
            make_px=sum(segment.length for segment in self.plan.segments) * _area(inside) * plan.roles_made,
            finish_px=len(plan.frames) * _area(plan.result_size) * plan.roles,
            find_frames=len(plan.frames) * looks,
        )


class Estimator:
    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        media: MediaStore,
        lessons: LessonStore,
        admission: Admission,
        dispatcher: Dispatcher,
        unchanged: Callable[[str], Awaitable[Path]],
    ) -> None:
        """*unchanged* gives the file of a media asset, or raises MediaChanged."""
        self._settings = settings
        self._store = store
        self._media = media
        self._lessons = lessons
        self._admission = admission
        self._dispatcher = dispatcher
        self._unchanged = unchanged
        self._teach_nothing: set[str] = set()  # jobs that were looked at in vain

    async def estimate(self, asked: job_pb2.JobSpec) -> job_pb2.EstimateJobResponse:
        """Raises the ServerError or EngineError that CreateJob or the job's first step would refuse with."""
        spec = await self._store.resolved(asked)
        await self._admission.check(spec)
        outline = await self._outline(spec, asked)
        device = self._device()
        warnings, recalled = await asyncio.gather(
            self._preflight(outline), self._recalled(outline, device.id)
        )
        outline = replace(outline, recalled=recalled)
        await self._learn(device.name)
        lessons = await self._lessons.newest(outline.model.name, device.name, LEARN_FROM)
        disk = await asyncio.to_thread(shutil.disk_usage, self._settings.data_folder)
        memory = self._memory_plan(outline, device)
        answer = job_pb2.EstimateJobResponse(
            plan=job_plan(outline.plan),
            segments=[
                job_pb2.PlannedSegment(frames=frame_range(segment.delivers), length=segment.length)
                for segment in outline.plan.segments
            ],
            jobs_learned_from=len(lessons),
            memory_needed_bytes=memory.peak_bytes if memory else _memory(outline),
            memory_plan=str(memory or ""),
            memory_free_bytes=_free_memory(device),
            disk_needed_bytes=_disk(outline),
            disk_free_bytes=disk.free,
            jobs_ahead=await self._lessons.jobs_ahead(),
        )
        if lessons:
            answer.seconds_low, answer.seconds_high = seconds_range(lessons, outline.work)
        elif foretold := self._by_rates(outline, memory):
            answer.seconds_low, answer.seconds_high = foretold
        answer.warnings.extend(dict.fromkeys([*warnings, *_odd(outline, answer)]))
        return answer

    async def _learn(self, device: str) -> None:
        """Remembers what jobs took that have succeeded since the last estimate."""
        for name in await self._lessons.untaught(LEARN_FROM):
            if name in self._teach_nothing:
                continue
            job = await self._store.get(name)
            try:
                outline = await self._outline(await self._store.work(name), job.spec)
            except (ServerError, EngineError):
                outline = None  # its media are no longer known
            lesson = None
            if outline is not None and _as_planned(outline, job):
                lesson = lesson_of(await self._store.events(name, 0, job.last_sequence), outline.work)
            if outline is None or lesson is None:
                self._teach_nothing.add(name)
            else:
                await self._lessons.add(name, outline.model.name, device, lesson)

    async def _outline(self, spec: job_pb2.JobSpec, asked: job_pb2.JobSpec) -> Outline:
        work = work_of(spec)
        assets = {name: (await self._media.get(name)).asset for name in media_of(work)}
        model = model_spec(work.model or self._settings.default_model)
        request = swap_request(spec, {name: Path(asset.display_name) for name, asset in assets.items()})
        clip = _clip_info(assets[work.clip or work.passes.pose])
        if asked.HasField("retake"):
            request = replace(request, retake=retake(asked.retake))
        loras = weights_of(model.name, self._settings.data_folder).loras
        made = draft(request, model, clip, _size(assets[work.character].probe.size), loras=loras)
        return Outline(spec=spec, model=model, loras=loras, clip=clip, draft=made)

    async def _ask(self, module: str, outline: Outline, *more: str) -> tuple[int | None, bytes]:
        """What a process says that opens all media. Raises TimeoutError, and StatusError with what it refuses."""
        names = media_of(work_of(outline.spec))
        files = {name: await self._unchanged(name) for name in names}
        arguments = (outline.model.name, self._settings.limits.model_dump_json(), *more)
        weights = weights_of(outline.model.name, self._settings.data_folder).folder
        question = encode(outline.spec, files, outline.loras, weights)
        code, answer = await ask(
            f"understudy_server.{module}", *arguments, question=question, limit_s=PREFLIGHT_S
        )
        if code == REFUSED and answer:
            raise StatusError(types_pb2.Status.FromString(answer))
        return code, answer

    async def _preflight(self, outline: Outline) -> list[str]:
        """What is odd about the media. Raises StatusError with what the job would refuse."""
        try:
            code, answer = await self._ask("preflight", outline)
        except TimeoutError:
            return [
                f"The passes could not be looked through in {PREFLIGHT_S:.0f} s; what is wrong with them, if "
                "anything, shows when the job starts."
            ]
        if code == FOUND:
            return [str(warning) for warning in json.loads(answer)]
        return ["The media could not be looked through; the job may be refused when it starts."]

    async def _recalled(self, outline: Outline, device: str) -> frozenset[int]:
        """The roles of which the job need not look for anybody. Raises StatusError as `_preflight`."""
        passes = DataFolder(self._settings.data_folder).passes
        if not any("found" in settings for settings in outline.of_roles):
            return frozenset()
        clip = await self._unchanged(work_of(outline.spec).clip)
        if not await asyncio.to_thread(lambda: PassStore(passes).knows(clip)):
            return frozenset()
        where = nets_device("cpu" if device == "cpu" else "cuda")
        try:
            code, answer = await self._ask("recalled", outline, str(passes), where)
        except TimeoutError:
            return frozenset()
        return frozenset(json.loads(answer)) if code == FOUND else frozenset()

    def _memory_plan(self, outline: Outline, device: server_pb2.Device) -> memory_plans.MemoryPlan | None:
        """How the job fits into *device*, beside what the model's usual jobs need; None on a CPU.

        Raises OutOfMemory if it does not.
        """
        if device.id == "cpu":
            return None
        settings, card = self._settings, self._dispatcher.card
        budget = min(device.free_memory_bytes, settings.gpu_memory_bytes or device.free_memory_bytes)
        work = memory_plans.Work.of(outline.plan, guided=outline.is_guided)
        can = card.precisions if card else (memory_plans.Precision.BF16,)
        usual = memory_plans.Work.usual(outline.model)
        loaded = memory_plans.choose(outline.model, usual, budget, asked=settings.plan, precisions=can)
        return memory_plans.for_job(outline.model, work, loaded, budget)

    def _by_rates(
        self, outline: Outline, memory: memory_plans.MemoryPlan | None
    ) -> tuple[float, float] | None:
        """Seconds from and to, of a first job of the 14B model on a GPU; None where nothing can be known."""
        card, plan = self._dispatcher.card, outline.plan
        if memory is None or card is None or card.rates is None or outline.model.name != WAN_ANIMATE_14B.name:
            return None
        segments = [
            memory_plans.Work(size=plan.model_size, frames=segment.length, guided=outline.is_guided)
            for segment in plan.segments
        ]
        made = seconds_of_segments(outline.model, segments, memory, card.rates, plan.steps) * plan.roles_made
        seconds = made + FIND_FRAME_S * outline.work.find_frames
        return LEAST * seconds, MOST * seconds

    def _device(self) -> server_pb2.Device:
        """The one that the engine computes with: the first GPU, or the processor where there is none."""
        return (self._dispatcher.devices or devices())[:2][-1]


def _as_planned(outline: Outline, job: job_pb2.Job) -> bool:
    """Whether *job* was what *outline* would plan now. A retake's segments are told with those of its base."""
    segments = job.plan.segment_count if job.spec.HasField("retake") else None
    return job_plan(outline.plan, segments) == job.plan


def _free_memory(device: server_pb2.Device) -> int:
    """Bytes that a program could still get on *device*; 0 where the system does not tell."""
    available = available_bytes() if device.id == "cpu" else None
    return device.free_memory_bytes if available is None else available


def _clip_info(asset: media_pb2.MediaAsset) -> ClipInfo:
    """What planning needs of the driving clip, from its probe."""
    found = asset.probe
    return ClipInfo(
        path=Path(asset.display_name),
        size=_size(found.size),
        rate=Fraction(found.rate.num, found.rate.den) if found.rate.num else None,
        frame_count=found.frame_count,
        variable_rate=found.variable_rate,
        pix_fmt=found.pixel_format,
        bit_depth=found.bit_depth,
    )


def _size(size: types_pb2.FrameSize) -> FrameSize:
    return FrameSize(size.width, size.height)


def _area(size: FrameSize) -> int:
    return size.width * size.height


def _memory(outline: Outline) -> int:
    plan, longest = outline.plan, max(segment.length for segment in outline.plan.segments)
    return memory_needed(outline.model, plan.model_size, longest, plan.result_size, roles=plan.roles)


def _disk(outline: Outline) -> int:
    """What the job's own check of the disk will ask for when it starts."""
    job = job_pb2.Job(spec=outline.spec, plan=job_plan(outline.plan))
    return math.ceil(ROOM * bytes_needed(job, [pending_segment(each) for each in outline.plan.segments]))


def _odd(outline: Outline, answer: job_pb2.EstimateJobResponse) -> Iterator[str]:
    plan = outline.plan
    rate, seconds = float(plan.rate), float(len(plan.frames) / plan.rate)
    if not SLOW_RATE <= rate <= FAST_RATE:
        yield (
            f"The clip runs at {rate:.3g} frames a second; the model learnt motion at 16 to 30. "
            "Movement may look too quick or too slow to it."
        )
    if seconds > LONG_S:
        yield (
            f"The range is {seconds:.0f} s long and made in {len(outline.plan.segments)} segments, each from the end "
            f"of the one before. Beyond about {LONG_S} s colours tend to drift: compare the last frames with the first."
        )
    if answer.memory_free_bytes and answer.memory_needed_bytes > answer.memory_free_bytes:
        yield (
            f"About {_gigabytes(answer.memory_needed_bytes)} of memory are needed and "
            f"{_gigabytes(answer.memory_free_bytes)} are free. Choose a smaller work area, or close other programs."
        )
    if answer.disk_needed_bytes > answer.disk_free_bytes:
        yield (
            f"About {_gigabytes(answer.disk_needed_bytes)} of disk are needed and "
            f"{_gigabytes(answer.disk_free_bytes)} are free where results are kept. Free some space first."
        )


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
