"""What a request will be: its frames, canvas, segments and warnings, told from facts and without torch.

The engine and the server's estimate both plan here, so their numbers can never differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .config import ResolvedSampling, resolve_sampling
from .diffusion.windows import plan_segments
from .errors import FrameRangeOutside, PassMissing, RequestError
from .media.info import ClipInfo
from .media.read import Clip, Opener, open_clip
from .media.rgb import read_picture
from .model.configs import ModelSpec
from .preprocess.passes import Passes, open_passes
from .preprocess.sizing import Fit, fit
from .types import FrameRange, FrameSize, Mode, Plan, SwapRequest

STILL_RATE = Fraction(24)  # of a driving sequence of pictures that says nothing of its rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan, and what it was made with."""

    plan: Plan
    sampling: ResolvedSampling
    fit: Fit  # of the plate (replace) or the character's picture (animate) on the model's canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All media and passes of a request, opened."""

    draft: Draft
    plate: Clip  # a reader of its own: passes read the clip at other places meanwhile
    passes: Passes
    picture: NDArray[np.uint8]  # (H, W, 3) the character's, at its own size


def draft(
    request: SwapRequest, spec: ModelSpec, clip: ClipInfo, picture: FrameSize, *, relights: bool = True
) -> Draft:
    """Plans *request* from what is known of its driving clip and of the size of the character's picture.

    *relights* tells whether the model has that adapter.

    Raises:
        RequestError: a value is out of its range. FrameRangeOutside: the clip has no such frames.
    """
    sampling = resolve_sampling(request.sampling, spec)
    if not 0 <= request.relight_strength <= 1:
        raise RequestError(f"Light strength must be between 0 and 1, not {request.relight_strength}.")
    frames = _frames(request, clip)
    in_replace = request.mode is Mode.REPLACE
    canvas = fit(clip.size if in_replace else picture, sampling.work_area_px)
    plan = Plan(
        model=spec.name,
        mode=request.mode,
        frames=frames,
        rate=clip.rate or STILL_RATE,
        result_size=clip.size if in_replace else canvas.content.size,
        model_size=canvas.canvas,
        segments=plan_segments(
            len(frames), segment_frames=spec.segment_frames, overlap=sampling.guidance_frames
        ),
        steps=sampling.steps,
        seed=sampling.seed,
        settings={**asdict(sampling), **asdict(request.matte), "relight_strength": request.relight_strength},
        warnings=tuple(_warnings(request, clip, relights)),
    )
    return Draft(plan=plan, sampling=sampling, fit=canvas)


@contextmanager
def open_material(
    request: SwapRequest, spec: ModelSpec, *, relights: bool = True, opener: Opener = open_clip
) -> Iterator[Material]:
    """Opens all media and passes of *request*, with *opener*, and plans it.

    Raises:
        MediaError: a file cannot be used. RequestError: the parts do not fit together.
    """
    with ExitStack() as stack:
        file = driving_file(request)
        plate, clip = (stack.enter_context(opener(file)) for _ in range(2))
        picture = read_picture(request.character, opener)
        made = draft(
            request, spec, clip.info, FrameSize(picture.shape[1], picture.shape[0]), relights=relights
        )
        driving = clip if request.clip else None
        passes = stack.enter_context(
            open_passes(request, driving, made.plan.frames, made.fit, spec.face.size_px, opener)
        )
        plan = replace(made.plan, warnings=(*made.plan.warnings, *passes.warnings))
        yield Material(draft=replace(made, plan=plan), plate=plate, passes=passes, picture=picture)


def driving_file(request: SwapRequest) -> Path:
    """The clip, or the drawn skeleton that takes its place; raises PassMissing without either."""
    file = request.clip or request.passes.pose
    if file is None or (request.mode is Mode.REPLACE and request.clip is None):
        raise PassMissing(
            "There is no clip to work on. Name the clip, or for Animate a drawn skeleton video."
        )
    return file


def _frames(request: SwapRequest, clip: ClipInfo) -> FrameRange:
    asked = FrameRange(0, clip.frame_count) if request.frames is None else request.frames
    if not 0 <= asked.start < asked.end <= clip.frame_count:
        raise FrameRangeOutside(
            f"Frames {asked.start} to {asked.end} (end not included) were asked for, but the clip has "
            f"{clip.frame_count}. Choose a range inside 0 to {clip.frame_count}.",
            start=asked.start,
            end=asked.end,
            frame_count=clip.frame_count,
        )
    return asked


def _warnings(request: SwapRequest, clip: ClipInfo, relights: bool) -> Iterator[str]:
    if request.mode is Mode.REPLACE and request.relight_strength != 1 and not relights:
        yield "This model brings no relighting adapter, so the light strength changes nothing."
    if clip.variable_rate:
        yield (
            f"{clip.path.name} has a varying frame rate; it was conformed to {clip.rate} frames a second, "
            f"{clip.frame_count} frames."
        )
