"""An engine whose result can be checked to the last bit: every frame is its clip frame with inverted colours.

A retake is not inverted, so that its frames are told from the others; nor are mattes of further roles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.server.support.fault import Reached
from tests.server.support.paint import PaintEngine
from understudy_engine.errors import EngineNaN, PassMissing
from understudy_engine.media.read import open_clip
from understudy_engine.media.rgb import to_rgb
from understudy_engine.types import (
    Done,
    Event,
    FrameRange,
    Layer,
    Picture,
    Planned,
    Preview,
    RoleDone,
    SegmentDone,
    Step,
    SwapRequest,
)

STEP_S = 0.03
FAILING_SEED = 13  # its second segment fails
LONELY_SEED = 14  # nobody is in the clip


def load(model: str, threads: int, data_folder: Path, plan: str, memory_bytes: int) -> InvertEngine:
    return InvertEngine(Reached(data_folder / "fault"))


class InvertEngine(PaintEngine):
    """Plans like the paint engine: segments of 5 frames, then 4 each."""

    def run(self, request: SwapRequest, meanwhile: Callable[[], None]) -> Iterator[Event]:
        plan = self.plan(request)
        yield Planned(plan)
        assert request.clip is not None
        if plan.seed == LONELY_SEED:
            raise PassMissing(
                f"Nobody was found in any of the {len(plan.frames)} frames. Choose another range, or supply keypoints."
            )
        for segment in plan.segments[request.resume.segment :]:
            if plan.seed == FAILING_SEED and segment.index == 1:
                raise EngineNaN(
                    "Segment 2 came out as 12 values that are no numbers. Try another seed.", values=12
                )
            start = plan.frames.start
            asked = FrameRange(start + segment.delivers.start, start + segment.delivers.end)
            with open_clip(request.clip) as clip:
                pixels = [to_rgb(each, clip.info.colour) for each in clip.read(asked)]
            made = [Picture((each if request.retake else 255 - each,), "rgb24") for each in pixels]
            for step in range(1, plan.steps + 1):
                time.sleep(STEP_S)
                self._fault.reach(f"step {segment.index} {step}", meanwhile)
                yield Step(segment.index, step, plan.steps)
                yield Preview(segment.index, step, made[0].planes[0][None])
            overlap = np.zeros((3, 1, *made[0].planes[0].shape[:2]), np.float32)
            layers = {Layer.RESULT: made, Layer.CHARACTER: _cut_out(made), Layer.MATTE: _matte(made)}
            plain = [Picture((each,), "rgb24") for each in pixels]
            others = tuple(RoleDone({Layer.MATTE: _matte(plain)}, overlap, plan.seed) for _ in request.roles)
            yield SegmentDone(segment=segment, layers=layers, overlap=overlap, seed=plan.seed, others=others)
        yield Done(segments=len(plan.segments), frames=len(plan.frames))


def _cut_out(made: list[Picture]) -> list[Picture]:
    """The left half, the right one transparent."""
    found = []
    for picture in made:
        alpha = np.zeros((*picture.planes[0].shape[:2], 1), np.uint8)
        alpha[:, : alpha.shape[1] // 2] = 255
        found.append(Picture((np.dstack((picture.planes[0][..., ::-1], alpha)),), "bgra"))
    return found


def _matte(made: list[Picture]) -> list[Picture]:
    return [Picture((picture.planes[0][..., 0],), "gray") for picture in made]
