"""An engine without a model: it paints over the clip, in segments that depend on one another as the real one's do.

It needs no torch, so that a server test that kills it twenty times stays quick. It, or its server, dies or halts where
a `tests.server.support.fault.Fault` says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.server.support.fault import Reached
from understudy_engine.diffusion.windows import plan_retake, plan_segments
from understudy_engine.errors import EngineNaN, MatteEmpty
from understudy_engine.media.read import open_clip, probe
from understudy_engine.media.rgb import read_picture, to_rgb
from understudy_engine.types import (
    Done,
    Event,
    FrameRange,
    Layer,
    Picture,
    Plan,
    Planned,
    Preview,
    Segment,
    SegmentDone,
    Stage,
    Step,
    SwapRequest,
)

SEGMENT_FRAMES = 5
STEPS = 3


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> PaintEngine:
    from understudy_engine.media import errand
    from understudy_server.engine_process import delivery, render, segments

    fault = Reached()
    fault.note_writers(errand)
    fault.around(segments, "write_layer")
    fault.around(render, "store_segment")
    fault.around(render, "join")
    fault.around(delivery, "deliver_isolated")
    fault.around(delivery, "place")
    fault.reach("load")
    return PaintEngine(fault)


class PaintEngine:
    def __init__(self, fault: Reached) -> None:
        self._fault = fault
        self._step_s = float(os.environ.get("STEP_S", "0.01"))
        self._is_silent = "SILENT" in os.environ  # a step gives no sign of life

    def plan(self, request: SwapRequest) -> Plan:
        self._fault.reach("plan")
        assert request.clip is not None
        info = probe(request.clip)
        frames = request.frames or FrameRange(0, info.frame_count)
        overlap = request.sampling.guidance_frames or 1
        return Plan(
            model="paint",
            mode=request.mode,
            frames=frames,
            rate=info.rate or Fraction(24),
            result_size=info.size,
            model_size=info.size,
            segments=_segments(request, len(frames), overlap),
            steps=request.sampling.steps or STEPS,
            seed=request.sampling.seed,
            settings=asdict(request.sampling),
            warnings=("The paint is wet.",),
        )

    def run(self, request: SwapRequest, meanwhile: Callable[[], None]) -> Iterator[Event]:
        self._meanwhile = meanwhile
        plan = self.plan(request)
        yield Planned(plan)
        _complain(request.sampling.seed)
        overlap = request.resume.overlap if request.resume.segment else _pin(request)
        colour = read_picture(request.character).mean(axis=(0, 1)).astype(np.float32)
        for segment in plan.segments[request.resume.segment :]:
            yield from self._make(request, plan, segment, overlap, colour)
            overlap = self._overlap
        yield Done(segments=len(plan.segments), frames=len(plan.frames))

    def _make(
        self,
        request: SwapRequest,
        plan: Plan,
        segment: Segment,
        before: NDArray[np.float32] | None,
        colour: NDArray[np.float32],
    ) -> Iterator[Event]:
        yield Stage(segment.index, "reading the clip")
        self._fault.reach(f"segment {segment.index}", self._meanwhile)
        offset = plan.frames.start
        with open_clip(request.clip) as clip:  # type: ignore[arg-type]
            asked = FrameRange(offset + segment.delivers.start, offset + segment.delivers.end)
            frames = np.stack([to_rgb(picture, clip.info.colour) for picture in clip.read(asked)])
        noise = np.random.default_rng([plan.seed, segment.index]).random(frames.shape[1:], np.float32)
        carried = 0.0 if before is None else before[:, -1].transpose(1, 2, 0)  # (H, W, 3)
        paint = colour / 255 + noise * 0.2 + carried * 0.3
        for step in range(1, plan.steps + 1):
            self._compute()
            self._fault.reach(f"step {segment.index} {step}", self._meanwhile)
            yield Step(segment.index, step, plan.steps)
            yield Preview(segment.index, step, frames[:1])
        made = np.clip(frames / 255 * 0.5 + paint * 0.5, 0, 1).astype(np.float32)  # (T, H, W, 3)
        self._overlap = np.repeat(made[-1:].transpose(3, 0, 1, 2), segment.overlap or 1, axis=1)
        yield SegmentDone(
            segment=segment, layers=_layers(made), overlap=self._overlap, seed=plan.seed + segment.index
        )

    def _compute(self) -> None:
        """A step's time, in blocks of a tenth of a second at most; of an engine that is silent, in one."""
        end = time.monotonic() + self._step_s
        while (left := end - time.monotonic()) > 0:
            if not self._is_silent:
                self._meanwhile()
            time.sleep(left if self._is_silent else min(0.1, left))


def _segments(request: SwapRequest, frames: int, overlap: int) -> tuple[Segment, ...]:
    if request.retake is None:
        return plan_segments(frames, segment_frames=SEGMENT_FRAMES, overlap=overlap)
    return plan_retake(frames, request.retake.span, segment_frames=SEGMENT_FRAMES, overlap=overlap)


def _pin(request: SwapRequest) -> NDArray[np.float32] | None:
    """The frame before a retake's span, as an overlap (3, 1, H, W)."""
    if request.retake is None or request.retake.base is None or request.retake.span.start == 0:
        return None
    before = request.retake.base.read([request.retake.span.start - 1])
    return (before.astype(np.float32) / np.float32(255)).transpose(3, 0, 1, 2)


def _layers(made: NDArray[np.float32]) -> Mapping[Layer, list[Picture]]:
    pixels = np.rint(made * 255).astype(np.uint8)
    alpha = np.full((*pixels.shape[:3], 1), 200, np.uint8)
    return {
        Layer.RESULT: [Picture((frame,), "rgb24") for frame in pixels],
        Layer.CHARACTER: [
            Picture((np.dstack((f[..., ::-1], a)),), "bgra") for f, a in zip(pixels, alpha, strict=True)
        ],
        Layer.MATTE: [Picture((frame[..., 0],), "gray") for frame in pixels],
    }


def _complain(seed: int) -> None:
    """Seeds that no picture comes from."""
    if seed == 13:
        raise EngineNaN("Segment 1 came out as 12 values that are no numbers. Try another seed.", values=12)
    if seed == 14:
        raise MatteEmpty("The matte selects nothing in any of 9 frames. Paint the person white.", frames=9)
    if seed == 15:
        raise RuntimeError("a defect in /usr/lib/engine/secret.py")
