"""One segment: encode what is known, denoise, decode.

A generator, so that whoever drives it can stop between any two steps; what it returns is the segment's frames.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..config import ResolvedSampling
from ..errors import EngineNaN
from ..model.transformer import SegmentInputs, WanAnimateTransformer
from ..model.vae import WanVae
from ..types import LatentShape, PixelShape
from .conditioning import SegmentPixels, layout
from .sampler import make_stepper
from .schedule import make_schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFeatures:
    """What stays the same over all segments of a shot."""

    reference: Tensor  # (16, 1, h, w) latent of the character picture
    own_pose: Tensor | None = None  # (16, 1, h, w) latent of its own skeleton, if the model's row wants it
    image_tokens: Tensor  # (m, image_dim)
    context: Tensor  # (n, text_dim)
    context_null: Tensor | None = None  # for guidance above 1


@dataclass(frozen=True, slots=True)
class Working:
    """Something other than a step has begun."""

    text: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """Step *step* (1-based) is done, and this is what the model now takes for the clean video."""

    step: int
    clean: Tensor  # latents (16, L, h, w), without the reference's


Happening = Working | Stepped
KnownEncoder = Callable[[Tensor], Tensor]
At = Callable[[nn.Module], AbstractContextManager[None]]


def always_there(network: nn.Module) -> AbstractContextManager[None]:
    return nullcontext()


CPU = torch.device("cpu")


def make_segment(
    transformer: WanAnimateTransformer,
    vae: WanVae,
    features: ShotFeatures,
    pixels: SegmentPixels,
    sampling: ResolvedSampling,
    noise: Callable[[LatentShape], Tensor],
    *,
    encode_known: KnownEncoder | None = None,
    at_work: At = always_there,
) -> Generator[Happening, None, Tensor]:
    """Returns the segment's frames, (3, T, H, W) float32 in [-1, 1] on the CPU, overlap and padding included.

    Args:
        pixels: on the CPU; frames come to the device as they are encoded.
        noise: gives the starting latent for a shape; the reference's frame comes first in it.
        encode_known: encodes ``pixels.known`` in place of the plain VAE, where a cached latent will do.
        at_work: while it lasts, the network it is called with is on the device.

    Raises:
        EngineNaN: the latent holds values that are no numbers.
    """
    yield Working("reading the motion")
    with at_work(vae):
        pose = _encode(vae, pixels.pose)
    if features.own_pose is not None:
        pose = torch.cat([features.own_pose, pose], dim=1)
    yield Working("reading the plate")
    with at_work(vae):
        known = encode_known(pixels.known) if encode_known else _encode(vae, pixels.known)
    yield Working("reading the face")
    conditions = layout(features.reference, known, pixels.keep.to(known))
    start = noise(_latent_shape(pixels, known)).to(known)[None]  # (1, 16, L + 1, h, w)
    with at_work(transformer):
        latent = yield from _denoised(transformer, features, pixels.faces, conditions, pose, start, sampling)
    if not torch.isfinite(latent).all():
        raise EngineNaN(
            "The model's numbers ran out of range (NaN). Try another seed, or check the weights with "
            "'understudy models'."
        )
    yield Working("decoding")
    with at_work(vae):
        return vae.decode(latent[:, :, 1:], onto=CPU)[0].clamp_(-1, 1)


def _denoised(
    transformer: WanAnimateTransformer,
    features: ShotFeatures,
    faces: Tensor,
    conditions: Tensor,
    pose: Tensor,
    latent: Tensor,
    sampling: ResolvedSampling,
) -> Generator[Happening, None, Tensor]:
    """The latents that *latent*, of noise, becomes. What a segment's steps share is let go at the end."""
    predict = _predictor(transformer, features, faces, conditions, pose, sampling.guidance_scale)
    schedule = make_schedule(sampling.solver, sampling.steps, sampling.shift)
    stepper = make_stepper(sampling.solver, schedule)
    for i, timestep in enumerate(schedule.timesteps):
        velocity = predict(latent, timestep)
        clean = latent - schedule.sigmas[i] * velocity
        latent = stepper.step(i, latent, velocity)
        yield Stepped(i + 1, clean[0, :, 1:])
    return latent


def _predictor(
    transformer: WanAnimateTransformer,
    features: ShotFeatures,
    faces: Tensor,
    conditions: Tensor,
    pose: Tensor,
    guidance_scale: float,
) -> Callable[[Tensor, int], Tensor]:
    """The velocity as a function of latent and timestep, with guidance if its scale is above 1."""
    inputs = transformer.prepare(
        y=conditions[None],
        pose_latents=pose[None],
        context=[features.context],
        image_tokens=features.image_tokens[None],
        faces=faces[None],
    )
    if guidance_scale <= 1:
        return lambda latent, timestep: _velocity(transformer, latent, timestep, inputs)

    if features.context_null is None:
        raise ValueError("guidance above 1 needs a context to steer away from")
    # the reference's unconditional pass: other text, no face; picture, pose and plate stay
    blank = replace(
        inputs,
        context=transformer.encode_context([features.context_null], features.image_tokens[None]),
        faces=transformer.encode_no_faces(len(faces)),
    )

    def guided(latent: Tensor, timestep: int) -> Tensor:
        away = _velocity(transformer, latent, timestep, blank)
        towards = _velocity(transformer, latent, timestep, inputs)
        return away + guidance_scale * (towards - away)

    return guided


def _velocity(
    transformer: WanAnimateTransformer, latent: Tensor, timestep: int, inputs: SegmentInputs
) -> Tensor:
    velocity: Tensor = transformer(latent, torch.tensor([timestep], device=latent.device), inputs)
    return velocity


def _encode(vae: WanVae, video: Tensor) -> Tensor:
    return vae.encode(video[None])[0]


def _latent_shape(pixels: SegmentPixels, known: Tensor) -> LatentShape:
    _, frames, height, width = pixels.known.shape
    shape = LatentShape.from_pixels(PixelShape(frames, height, width), known.shape[0])
    return shape._replace(frames=shape.frames + 1)  # the reference stands before the video
