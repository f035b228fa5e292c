"""Schedules, solvers and the whole segment loop against what the reference computed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from tests.golden_cases import Case, CaseFunction, Check, largest, reference
from tests.golden_cases.model import CPU, transformer_spec
from understudy_engine.config import ResolvedSampling
from understudy_engine.diffusion.conditioning import SegmentPixels, carry_over, person_to_keep
from understudy_engine.diffusion.sampler import make_stepper
from understudy_engine.diffusion.schedule import make_schedule
from understudy_engine.diffusion.segment import ShotFeatures, make_segment
from understudy_engine.model.configs import WAN_ANIMATE_14B, ModelSpec, VaeSpec
from understudy_engine.preprocess.frames import reflect_index
from understudy_engine.types import LatentShape, Mode, Solver
from understudy_engine.weights import load
from understudy_engine.weights.sources import StandIn
from understudy_engine.weights.standin import standin_weight

FACE_PX = WAN_ANIMATE_14B.face.size_px


def schedulers(case: Case) -> Iterator[Check]:
    for key, recorded in case.arrays.items():
        if not key.endswith(".trajectory"):
            continue
        solver, steps, shift, _ = key.split(".")
        schedule = make_schedule(Solver(solver), int(steps), float(shift))
        stepper = make_stepper(Solver(solver), schedule)
        x, path = case.arrays["x_init"], []
        for i, t in enumerate(schedule.timesteps):
            velocity = torch.tanh(0.7 * x + 0.3) * (0.5 + t / 1000)
            x = stepper.step(i, x, velocity)
            path.append(x)
        at = key.removesuffix("trajectory")
        timesteps, sigmas = torch.tensor(schedule.timesteps), torch.tensor(schedule.sigmas)
        yield Check(f"{at}timesteps", largest(timesteps, case.arrays[f"{at}timesteps"]), 1e-3)
        yield Check(f"{at}sigmas", largest(sigmas, case.arrays[f"{at}sigmas"]), 1e-6)
        yield Check(key, largest(torch.stack(path), recorded), 1e-4)


@torch.no_grad()
def generate(case: Case) -> Iterator[Check]:
    """All segments of a shot as the reference plans them: full segments, the clip reflected to fill the last."""
    frames = torch.cat(list(_segments(case)), dim=1)[:, : case.data["frames"]]
    recorded = case.arrays["frames"].float()
    yield Check("frames", largest(frames, recorded), 5e-3)
    yield Check("frames, mean", (frames - recorded).abs().mean().item(), 2e-4)


def _segments(case: Case) -> Iterator[Tensor]:
    """The frames each segment delivers, the last one's padding included."""
    sizes = case.data
    spec = _spec(sizes)
    source = StandIn(sizes["weight_salt"])
    transformer = load.load_transformer(spec, source, device=CPU, dtype=torch.float32)
    vae = load.load_vae(spec, source, device=CPU)
    features = ShotFeatures(
        reference=vae.encode(_video(case.arrays["ref"][None])[None])[0],
        image_tokens=_standin(sizes, "clip_fea", (1, 257, spec.transformer.image_dim))[0],
        context=_standin(sizes, "context", (7, spec.transformer.text_dim)),
        context_null=_standin(sizes, "context_null", (5, spec.transformer.text_dim)),
    )
    overlap = None
    guidance_frames = sizes["guidance_frames"]
    for segment in reference.windows(
        sizes["frames"], segment_frames=spec.segment_frames, overlap=guidance_frames
    ):
        clip_frames = range(segment.start, segment.start + segment.length)
        indices = [reflect_index(i, sizes["frames"]) for i in clip_frames]
        pixels = _pixels(case, indices, overlap)
        noise = partial(_recorded, case.arrays["noise"][segment.index])
        making = make_segment(transformer, vae, features, pixels, _sampling(sizes), noise)
        frames = _returned(making)
        overlap = frames[:, -guidance_frames:]
        yield frames[:, segment.overlap :]


def _recorded(noise: Tensor, shape: LatentShape) -> Tensor:
    assert tuple(noise.shape) == tuple(shape)
    return noise


def _spec(sizes: dict) -> ModelSpec:
    return replace(
        WAN_ANIMATE_14B,
        transformer=transformer_spec(sizes["transformer"]),
        vae=VaeSpec(dim=sizes["vae_dim"], dim_mult=(1, 2, 4, 4)),
        segment_frames=sizes["segment_frames"],
    )


def _sampling(sizes: dict) -> ResolvedSampling:
    return ResolvedSampling(
        steps=sizes["steps"],
        shift=sizes["shift"],
        solver=Solver(sizes["solver"]),
        guidance_scale=sizes["guidance_scale"],
        guidance_frames=sizes["guidance_frames"],
        work_area_px=0,
        seed=0,
    )


def _standin(sizes: dict, name: str, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(10 * standin_weight(f"standin.{name}.bias", shape, sizes["weight_salt"]))


def _pixels(case: Case, indices: list[int], overlap: Tensor | None) -> SegmentPixels:
    pose = _video(case.arrays["pose"][indices])
    if Mode(case.data["mode"]) is Mode.REPLACE:
        known = _video(case.arrays["bg"][indices])
        keep = person_to_keep(case.arrays["mask"][indices])
    else:
        known = torch.zeros_like(pose)
        keep = torch.zeros(len(indices), pose.shape[2] // 8, pose.shape[3] // 8)
    if overlap is not None:
        known, keep = carry_over(known, keep, overlap)
    return SegmentPixels(pose=pose, faces=_faces(case.arrays["face_16px"][indices]), known=known, keep=keep)


def _faces(small: Tensor) -> Tensor:
    """(T, 16, 16, 3) bytes -> (T, 3, 512, 512) in [-1, 1], enlarged as bytes."""
    large = [cv2.resize(face, (FACE_PX, FACE_PX), interpolation=cv2.INTER_LINEAR) for face in small.numpy()]
    return _video(torch.from_numpy(np.stack(large))).transpose(0, 1)


def _video(frames: Tensor) -> Tensor:
    """(T, H, W, 3) bytes -> (3, T, H, W) in [-1, 1]."""
    return frames.permute(3, 0, 1, 2).float() / 127.5 - 1


def _returned(making: Generator[object, None, Tensor]) -> Tensor:
    while True:
        try:
            next(making)
        except StopIteration as stop:
            return stop.value


CASES: dict[str, CaseFunction] = {"schedulers": schedulers, "generate": generate}
