"""What a request will be: its frames, canvas, segments and warnings, told from facts and without torch.

The engine and the server's estimate both plan here, so their numbers can never differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import ResolvedSampling, refuse_prompt, resolve_sampling
from .diffusion.windows import plan_retake, plan_segments
from .errors import FrameRangeOutside, PassMissing, RequestError
from .loras import lora_strengths, refuse_loras
from .media.info import ClipInfo
from .media.read import Clip, Opener, open_clip
from .media.rgb import RgbSource, read_picture
from .model.configs import ModelSpec
from .preprocess.first_look import FirstLook, LastRead
from .preprocess.missing import to_find
from .preprocess.nets import NetFolder
from .preprocess.options import matte_settings, pose_settings, refuse_click_outside, refuse_idle
from .preprocess.order import Order
from .preprocess.other_roles import OtherRoles
from .preprocess.passes import open_passes
from .preprocess.sizing import Fit, fit
from .preprocess.streams import Passes
from .roles import each_role, named_role, role_settings, roles_made, told_together
from .types import FrameRange, FrameSize, Mode, Plan, Retake, Segment, SwapRequest
from .weights.parts import Part

STILL_RATE = Fraction(24)  # of a driving sequence of pictures that says nothing of its rate

MAX_BLEND_FRAMES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan, and what it was made with."""

    plan: Plan
    sampling: ResolvedSampling
    fit: Fit  # of the plate (replace) or the character's picture (animate) on the model's canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMaterial:
    """What is opened for one role."""

    request: SwapRequest  # the role's alone
    draft: Draft  # the role's: its seed is its own
    passes: Passes
    picture: NDArray[np.uint8]  # (H, W, 3) the character's, at its own size


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All media and passes of a request, opened."""

    draft: Draft
    plate: Clip  # a reader of its own: passes read the clip at other places meanwhile
    roles: tuple[RoleMaterial, ...]  # most jobs have one
    order: Order | None  # where there are several


def draft(
    request: SwapRequest,
    spec: ModelSpec,
    clip: ClipInfo,
    picture: FrameSize,
    *,
    loras: Collection[Part],
) -> Draft:
    """Plans *request* from what is known of its driving clip and of the size of the character's picture.

    *loras*: those that the model's weights bring.

    Raises:
        RequestError: a value is out of its range, needs what the model does not have, or could change nothing.
        FrameRangeOutside: the clip has no such frames.
    """
    sampling = resolve_sampling(request.sampling, spec, loras)
    refuse_prompt(request.prompt, spec)
    refuse_loras(request.loras)
    if not 0 <= request.relight_strength <= 1:
        raise RequestError(f"Light strength must be between 0 and 1, not {request.relight_strength}.")
    frames = asked_frames(request.frames, clip)
    refuse_roles(request, frames, clip.size)
    in_replace = request.mode is Mode.REPLACE
    canvas = fit(clip.size if in_replace else picture, sampling.work_area_px)
    plan = Plan(
        model=spec.name,
        mode=request.mode,
        frames=frames,
        rate=clip.rate or STILL_RATE,
        result_size=clip.size if in_replace else canvas.content.size,
        model_size=canvas.canvas,
        segments=_segments(request.retake, len(frames), spec.segment_frames, sampling.guidance_frames),
        steps=sampling.steps,
        seed=sampling.seed,
        settings={
            **_sampling_settings(sampling),
            **matte_settings(request.matte),
            "relight_strength": request.relight_strength,
            **({"prompt": request.prompt} if request.prompt else {}),
            **lora_strengths(request.loras),
            **_retake_settings(request.retake),
            **pose_settings(request),
            **({"found": found} if (found := to_find(request)) else {}),
            **role_settings(request),
        },
        warnings=tuple(_warnings(request, clip, loras)),
        roles=1 + len(request.roles),
        roles_made=len(roles_made(request)),
    )
    if request.retake is not None:
        _check_retake(request.retake, plan)
    return Draft(plan=plan, sampling=sampling, fit=canvas)


@contextmanager
def open_material(
    request: SwapRequest,
    spec: ModelSpec,
    *,
    loras: Collection[Part],
    opener: Opener = open_clip,
    nets: NetFolder | None = None,
) -> Iterator[Material]:
    """Opens all media and passes of *request*, with *opener*, and plans it; *nets* find what passes are missing.

    Raises:
        MediaError: a file cannot be used. RequestError: the parts do not fit together.
    """
    with ExitStack() as stack:
        file = driving_file(request)
        plate, clip = (stack.enter_context(opener(file)) for _ in range(2))
        open_role = partial(_open_role, stack, spec=spec, clip=clip, loras=loras, opener=opener, nets=nets)
        first, *others = each_role(request)
        if not others:
            roles, order = [open_role(first)], None
        else:
            frames = asked_frames(request.frames, clip.info)
            first_look = FirstLook(LastRead(RgbSource(stack.enter_context(opener(file)), frames=frames)))
            order = Order(
                clip.info.rate or STILL_RATE, [request.depth, *(role.depth for role in request.roles)]
            )
            roles = []
            for number, role in enumerate((first, *others)):
                with named_role(number, (first, *others)):
                    roles.append(
                        open_role(role, others=OtherRoles(first_look, partial(order.touching, number)))
                    )
                    _stand_in(order, roles[-1].passes)
        made = draft(request, spec, clip.info, clip.info.size, loras=loras) if others else roles[0].draft
        yield Material(draft=_with_passes(made, roles), plate=plate, roles=tuple(roles), order=order)


def _open_role(
    stack: ExitStack,
    request: SwapRequest,
    *,
    spec: ModelSpec,
    clip: Clip,
    loras: Collection[Part],
    opener: Opener,
    nets: NetFolder | None,
    others: OtherRoles | None = None,
) -> RoleMaterial:
    """What *request*, of one role, reads; closed by *stack*."""
    picture = read_picture(request.character, opener)
    made = draft(request, spec, clip.info, FrameSize(picture.shape[1], picture.shape[0]), loras=loras)
    driving = clip if request.clip else None
    frames, face_px = made.plan.frames, spec.face.size_px
    passes = stack.enter_context(
        open_passes(request, driving, frames, made.fit, face_px, opener, nets, picture=picture, others=others)
    )
    return RoleMaterial(request=request, draft=made, passes=passes, picture=picture)


def _stand_in(order: Order, passes: Passes) -> None:
    if passes.matte is None:
        raise PassMissing("Replace needs the clip whose person is replaced. Name the clip.")
    order.add(passes.matte, passes.points)


def _with_passes(made: Draft, roles: Sequence[RoleMaterial]) -> Draft:
    """*made* with what the roles' files have told."""
    settings = {**made.plan.settings, **roles[0].passes.settings}
    if len(roles) > 1:
        further = zip(made.plan.settings["roles"], roles[1:], strict=True)
        settings["roles"] = [{**own, **role.passes.settings} for own, role in further]
    warnings = (*made.plan.warnings, *told_together([role.passes.warnings for role in roles]))
    return replace(made, plan=replace(made.plan, settings=settings, warnings=warnings))


def driving_file(request: SwapRequest) -> Path:
    """The clip, or the drawn skeleton that takes its place; raises PassMissing without either."""
    file = request.clip or request.passes.pose
    if file is None or (request.mode is Mode.REPLACE and request.clip is None):
        raise PassMissing(
            "There is no clip to work on. Name the clip, or for Animate a drawn skeleton video."
        )
    return file


def refuse_roles(request: SwapRequest, frames: FrameRange, size: FrameSize) -> None:
    """Raises RequestError for roles that cannot be, and for what could change nothing in one of them."""
    alone = each_role(request)
    for number, role in enumerate(alone):
        with named_role(number, alone):
            refuse_idle(role)
            refuse_click_outside(role, frames, size)


def _sampling_settings(sampling: ResolvedSampling) -> dict[str, Any]:
    settings = asdict(sampling)
    if settings["four_step_strength"] == 1:
        del settings["four_step_strength"]
    return settings


def asked_frames(frames: FrameRange | None, clip: ClipInfo) -> FrameRange:
    """*frames*, or all of the clip; raises FrameRangeOutside for none, and for those that the clip does not have."""
    asked = FrameRange(0, clip.frame_count) if frames is None else frames
    if not 0 <= asked.start < asked.end <= clip.frame_count:
        raise FrameRangeOutside(
            f"Frames {asked.start} to {asked.end} (end not included) were asked for, but the clip has "
            f"{clip.frame_count}. Choose a range inside 0 to {clip.frame_count}.",
            start=asked.start,
            end=asked.end,
            frame_count=clip.frame_count,
        )
    return asked


def _segments(retake: Retake | None, frames: int, segment_frames: int, overlap: int) -> tuple[Segment, ...]:
    if retake is None:
        return plan_segments(frames, segment_frames=segment_frames, overlap=overlap)
    span = retake.span
    if not 0 <= span.start < span.end <= frames:
        raise FrameRangeOutside(
            f"Frames {span.start} to {span.end} (end not included) were to be made again, but the take has {frames}. "
            f"Choose a span inside 0 to {frames}.",
            start=span.start,
            end=span.end,
            frame_count=frames,
        )
    return plan_retake(frames, span, segment_frames=segment_frames, overlap=overlap)


def _retake_settings(retake: Retake | None) -> dict[str, object]:
    if retake is None:
        return {}
    return {"retake_span": (retake.span.start, retake.span.end), "blend_frames": retake.blend_frames}


def _check_retake(retake: Retake, plan: Plan) -> None:
    if not 0 <= retake.blend_frames <= MAX_BLEND_FRAMES:
        raise RequestError(
            f"Blend frames must be between 0 and {MAX_BLEND_FRAMES}, not {retake.blend_frames}."
        )
    base = retake.base
    if base is not None and (len(base), base.size) != (len(plan.frames), plan.result_size):
        raise RequestError(
            f"The take to start from has {len(base)} frames of {base.size.width} x {base.size.height}; with today's "
            f"settings there are {len(plan.frames)} of {plan.result_size.width} x {plan.result_size.height}. Render "
            "the whole shot again."
        )


def _warnings(request: SwapRequest, clip: ClipInfo, loras: Collection[Part]) -> Iterator[str]:
    relights = Part.RELIGHTING_LORA in loras
    if request.mode is Mode.REPLACE and request.relight_strength != 1 and not relights:
        yield "This model brings no relighting adapter, so the light strength changes nothing."
    yield from clip.notes
