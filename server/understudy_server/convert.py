"""The API's words into the engine's, and back. The only file that knows both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from understudy_api.v1 import job_pb2, media_pb2, result_pb2, types_pb2
from understudy_engine.config import SETTLED
from understudy_engine.media.info import ClipInfo
from understudy_engine.types import (
    Choice,
    Clicked,
    Depth,
    FrameRange,
    FrameSize,
    FrameSource,
    Largest,
    Layer,
    LimbFactors,
    Lora,
    MatteOptions,
    Mode,
    Named,
    PassFiles,
    Plan,
    PoseOptions,
    Proportions,
    Retake,
    Role,
    Sampling,
    Segment,
    Solver,
    SwapRequest,
)

SOLVERS: dict[job_pb2.Solver.ValueType, Solver | None] = {
    job_pb2.SOLVER_UNSPECIFIED: None,
    job_pb2.SOLVER_UNIPC: Solver.UNIPC,
    job_pb2.SOLVER_DPMPP: Solver.DPMPP,
    job_pb2.SOLVER_EULER: Solver.EULER,
}

PROPORTIONS: dict[job_pb2.Proportions.ValueType, Proportions] = {
    job_pb2.PROPORTIONS_UNSPECIFIED: Proportions.CLIP,
    job_pb2.PROPORTIONS_CLIP: Proportions.CLIP,
    job_pb2.PROPORTIONS_CHARACTER: Proportions.CHARACTER,
}

LAYERS: dict[result_pb2.Layer.ValueType, Layer] = {
    result_pb2.LAYER_RESULT: Layer.RESULT,
    result_pb2.LAYER_CHARACTER: Layer.CHARACTER,
    result_pb2.LAYER_MATTE: Layer.MATTE,
    result_pb2.LAYER_POSE: Layer.POSE,
}
LAYER_VALUES = {layer: value for value, layer in LAYERS.items()}

DEPTHS: dict[job_pb2.Depth.ValueType, Depth] = {
    job_pb2.DEPTH_UNSPECIFIED: Depth.SEEN,
    job_pb2.DEPTH_SEEN: Depth.SEEN,
    job_pb2.DEPTH_FRONT: Depth.FRONT,
    job_pb2.DEPTH_BEHIND: Depth.BEHIND,
}

Work = job_pb2.ReplaceSpec | job_pb2.AnimateSpec
RoleWork = Work | job_pb2.Role  # who is replaced by whom: these fields have the same names in each


# ---- Asked -----------------------------------------------------------------------------------------------


def work_of(spec: job_pb2.JobSpec) -> Work:
    """The verb that *spec* holds: of a job that may be a retake, ask ``JobStore.work`` for the spec."""
    return spec.replace if spec.WhichOneof("work") == "replace" else spec.animate


def delivery_of(spec: job_pb2.JobSpec) -> job_pb2.Delivery:
    """Where the result of *spec* goes, a retake's too."""
    return spec.retake.delivery if spec.HasField("retake") else work_of(spec).delivery


def retaken(work: job_pb2.JobSpec, plan: job_pb2.JobPlan, change: job_pb2.RetakeSpec) -> job_pb2.JobSpec:
    """What a retake makes: its base's *work*, for the frames that the base's *plan* has, with its own changes."""
    made = job_pb2.JobSpec()
    made.CopyFrom(work)
    verb = work_of(made)
    verb.range.CopyFrom(plan.range)
    if change.sampling.four_step:
        for field in SETTLED:
            verb.sampling.ClearField(field)  # type: ignore[arg-type]  # a key of it, which is a str to mypy
    elif change.sampling.HasField("four_step"):
        verb.sampling.ClearField("four_step_strength")
    loras = {lora.name: lora for lora in (*verb.sampling.loras, *change.sampling.loras)}
    verb.sampling.MergeFrom(change.sampling)
    del verb.sampling.loras[:]
    verb.sampling.loras.extend(loras.values())
    verb.delivery.CopyFrom(change.delivery)
    return made


def roles_of(work: Work) -> Sequence[RoleWork]:
    """The first role, which is *work* itself, and those that it names."""
    return [work, *work.roles] if isinstance(work, job_pb2.ReplaceSpec) else [work]


def of_role(name: str, role: int) -> str:
    """What *name*, of a layer or an input, is called where it is of *role*: "character", "character-1"."""
    return f"{name}-{role}" if role else name


def uses(work: Work) -> dict[str, str]:
    """Names of all media assets of *work*, by what they are: "clip", "character", "matte", "character-1"."""
    used = {"clip": work.clip}
    for number, role in enumerate(roles_of(work)):
        used[of_role("character", number)] = role.character
        used |= {of_role(field.name, number): name for field, name in role.passes.ListFields()}
    return {what: name for what, name in used.items() if name}


def media_of(work: Work) -> list[str]:
    """Names of all media assets that *work* uses."""
    return list(dict.fromkeys(uses(work).values()))


def loras_of(work: Work) -> list[str]:
    """Names of the artist's own LoRAs that change anything."""
    return [lora.name for lora in work.sampling.loras if _strength(lora)]


def _strength(lora: job_pb2.Lora) -> float:
    return lora.strength if lora.HasField("strength") else 1.0


def swap_request(
    spec: job_pb2.JobSpec, files: Mapping[str, Path], loras: Mapping[str, Path] | None = None
) -> SwapRequest:
    """*spec* with each media asset's name replaced by its file in *files*, and each of `loras_of` by that in *loras*.

    Without *loras*, only a draft can be made of it.
    """
    work, known = work_of(spec), loras or {}
    first, *others = [_role(role, files) for role in roles_of(work)]
    return SwapRequest(
        mode=Mode.REPLACE if isinstance(work, job_pb2.ReplaceSpec) else Mode.ANIMATE,
        clip=files[work.clip] if work.clip else None,
        character=first.character,
        passes=first.passes,
        frames=FrameRange(work.range.start, work.range.end) if work.HasField("range") else None,
        sampling=_sampling(work.sampling),
        matte=first.matte,
        pose=first.pose,
        relight_strength=_relight(work),
        prompt=work.prompt,
        loras=tuple(
            Lora(name=lora.name, file=known.get(lora.name, Path(lora.name)), strength=_strength(lora))
            for lora in work.sampling.loras
            if _strength(lora)
        ),
        depth=first.depth,
        roles=tuple(others),
    )


def _role(asked: RoleWork, files: Mapping[str, Path]) -> Role:
    passes = {field.name: files[name] for field, name in asked.passes.ListFields()}
    role = Role(character=files[asked.character], passes=PassFiles(**passes), pose=_pose(asked.pose))
    if isinstance(asked, job_pb2.AnimateSpec):
        return role
    return replace(role, matte=matte_options(asked.matte), depth=DEPTHS[asked.depth])


def retake(asked: job_pb2.RetakeSpec, bases: Sequence[FrameSource] = ()) -> Retake:
    """*bases*: what the earlier take generated, of each role; none only to plan."""
    made = Retake(
        span=FrameRange(asked.span.start, asked.span.end),
        base=bases[0] if bases else None,
        others=tuple(bases[1:]),
        roles=tuple(asked.roles),
    )
    return replace(made, blend_frames=asked.blend_frames) if asked.HasField("blend_frames") else made


def _sampling(asked: job_pb2.Sampling) -> Sampling:
    return Sampling(
        steps=asked.steps if asked.HasField("steps") else None,
        shift=asked.shift if asked.HasField("shift") else None,
        solver=SOLVERS[asked.solver],
        guidance_scale=asked.guidance_scale if asked.HasField("guidance_scale") else None,
        guidance_frames=asked.guidance_frames if asked.HasField("guidance_frames") else None,
        work_area_px=asked.work_area_px if asked.HasField("work_area_px") else None,
        seed=asked.seed,
        four_step=asked.four_step,
        four_step_strength=asked.four_step_strength if asked.HasField("four_step_strength") else None,
    )


def matte_options(asked: job_pb2.MatteOptions) -> MatteOptions:
    defaults = MatteOptions()
    cells = (asked.blocks_across, asked.blocks_down)
    return MatteOptions(
        grow_px=asked.grow_px if asked.HasField("grow_px") else defaults.grow_px,
        blocks=cells if all(cells) else None,
        soften_px=asked.soften_px if asked.HasField("soften_px") else defaults.soften_px,
        grow_hair_px=asked.grow_hair_px if asked.HasField("grow_hair_px") else None,
        grow_clothes_px=asked.grow_clothes_px if asked.HasField("grow_clothes_px") else None,
    )


def _pose(asked: job_pb2.PoseOptions) -> PoseOptions:
    return PoseOptions(
        person=person_choice(asked.person),
        proportions=PROPORTIONS[asked.proportions],
        limbs=limb_factors(asked.limbs),
        steady_faces=asked.steady_faces,
        reference_bgr=asked.reference_bgr,
    )


def limb_factors(asked: job_pb2.LimbFactors) -> LimbFactors:
    return LimbFactors(**{field.name: factor for field, factor in asked.ListFields()})


def person_choice(asked: job_pb2.PersonChoice) -> Choice:
    if asked.HasField("at"):
        return Clicked(asked.at.frame, asked.at.x, asked.at.y)
    return Named(tuple(name.upper() for name in asked.names)) if asked.names else Largest()


def _relight(work: Work) -> float:
    if isinstance(work, job_pb2.ReplaceSpec) and work.HasField("relight_strength"):
        return work.relight_strength
    return 1.0


# ---- Told ------------------------------------------------------------------------------------------------


def rational(value: Fraction) -> types_pb2.Rational:
    return types_pb2.Rational(num=value.numerator, den=value.denominator)


def frame_range(frames: FrameRange) -> types_pb2.FrameRange:
    return types_pb2.FrameRange(start=frames.start, end=frames.end)


def frame_size(size: FrameSize) -> types_pb2.FrameSize:
    return types_pb2.FrameSize(width=size.width, height=size.height)


def job_plan(plan: Plan, segment_count: int | None = None) -> job_pb2.JobPlan:
    """*segment_count*: of the whole job, where that is not what the engine makes of it."""
    return job_pb2.JobPlan(
        model=plan.model,
        range=frame_range(plan.frames),
        rate=rational(plan.rate),
        result_size=frame_size(plan.result_size),
        model_size=frame_size(plan.model_size),
        segment_count=segment_count or len(plan.segments),
        steps_per_segment=plan.steps * plan.roles_made,
        seed=plan.seed,
        role_count=plan.roles if plan.roles > 1 else 0,
    )


def pending_segment(segment: Segment) -> result_pb2.Segment:
    return result_pb2.Segment(
        index=segment.index, frames=frame_range(segment.delivers), state=result_pb2.SEGMENT_STATE_PENDING
    )


def media_probe(info: ClipInfo) -> media_pb2.MediaProbe:
    return media_pb2.MediaProbe(
        size=frame_size(info.size),
        rate=rational(info.rate) if info.rate else None,
        frame_count=info.frame_count,
        variable_rate=info.variable_rate,
        pixel_format=info.pix_fmt,
        bit_depth=info.bit_depth,
        colour_primaries=info.colour.primaries,
        colour_transfer=info.colour.transfer,
        colour_matrix=info.colour.matrix,
        colour_range=info.colour.range,
        start_timecode=info.timecode,
        audio_streams=len(info.audio_streams),
        rotation_degrees=info.rotation_degrees,
    )
