"""One segment of a shot, of all its roles: from latents to frames, and begun again where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from .diffusion import preview
from .diffusion.conditioning import SegmentMaterial
from .diffusion.noise import segment_noise, segment_seed
from .diffusion.segment import Happening, ShotFeatures, Working, make_segment
from .errors import KernelFailed
from .fitted import FittedModel
from .memory import out_of_memory_told, ran_out
from .shot import Shot
from .types import Event, LatentShape, Mode, Preview, RgbFrames, Segment, Stage, Step, Warned
from .weights.load import ModelParts

Read = Callable[[Shot, Segment], SegmentMaterial]
"""What a role's segment is made from."""


class SegmentMaker:
    """Memory on the device does not grow from segment to segment; what a segment's steps share is let go with it."""

    def __init__(self, parts: ModelParts, fitted: FittedModel, preview_every: int | None = None) -> None:
        """*preview_every*: steps between previews; 0 for none, None for the model's own."""
        self._spec = parts.spec
        self._parts = parts
        self._fitted = fitted
        self._preview_every = preview_every
        self._grey_latents: dict[tuple[int, ...], Tensor] = {}

    def make(
        self,
        shot: Shot,
        features: Sequence[ShotFeatures | None],
        segment: Segment,
        overlaps: Sequence[Tensor | None],
        material: Read,
    ) -> Generator[Event, None, list[Tensor | None]]:
        """The frames of each role, (3, T, H, W) in [-1, 1]; None of those that are kept as an earlier take has them.

        Where memory runs out the segment is begun again with a smaller memory plan. So it is where that shows in other
        kernels alone, which need less (fresh.py), as far as there is such a plan.

        Raises:
            OutOfMemory: there is none. EngineNaN: the latent holds values that are no numbers.
        """
        with out_of_memory_told(shot.plan.model_size, segment.length):
            while True:
                refusals, failure = self._fitted.refusals(), None
                try:
                    frames = yield from self._make_roles(shot, features, segment, overlaps, material)
                    if self._fitted.refusals() == refusals:
                        return frames
                except (RuntimeError, KernelFailed) as error:
                    if not ran_out(error):
                        raise
                    failure = error.with_traceback(None)  # which holds on to what was there
                plan = self._fitted.shrink()
                if failure and plan is None:
                    raise failure
                if plan is None:
                    return frames
                yield Warned(
                    f"The card's memory ran out. The segment is begun again with less of it: {plan}."
                )

    def _make_roles(
        self,
        shot: Shot,
        features: Sequence[ShotFeatures | None],
        segment: Segment,
        overlaps: Sequence[Tensor | None],
        material: Read,
    ) -> Generator[Event, None, list[Tensor | None]]:
        """One after the other, each always from the plate.

        The frames of several are held as floats in the machine's own memory until the segment is composited.
        """
        frames: list[Tensor | None] = []
        steps = shot.sampling.steps
        for role, of_role, overlap in zip(shot.roles, features, overlaps, strict=True):
            if of_role is None:
                frames.append(None)
                continue
            done = steps * sum(each is not None for each in frames)
            events = self._make_role(role, of_role, segment, overlap, material)
            frames.append((yield from _counted(events, done, steps * shot.plan.roles_made)))
        return frames

    def _make_role(
        self, shot: Shot, features: ShotFeatures, segment: Segment, overlap: Tensor | None, material: Read
    ) -> Generator[Event, None, Tensor]:
        yield Stage(segment.index, "reading the clip")
        is_grey = shot.request.mode is Mode.ANIMATE and overlap is None and shot.request.retake is None
        happenings = make_segment(
            self._parts.transformer,
            self._parts.vae,
            features,
            material(shot, segment).after(overlap),
            shot.sampling,
            _noise_of(segment_seed(shot.plan.seed, segment.index)),
            encode_known=self._encode_grey if is_grey else None,
            at_work=self._fitted.at_work,
        )
        while True:
            try:
                yield from self._as_events(next(happenings), segment, shot.sampling.steps)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]

    def _as_events(self, happening: Happening, segment: Segment, steps: int) -> Iterator[Event]:
        if isinstance(happening, Working):
            yield Stage(segment.index, happening.text)
            return
        yield Step(segment.index, happening.step, steps)
        if self._wants_preview(happening.step, steps):
            yield Preview(segment.index, happening.step, self._preview(happening.clean))

    def _wants_preview(self, step: int, steps: int) -> bool:
        every = self._preview_every
        if every is None:
            every = 2 if self._spec.decodes_previews else 1
        return bool(every) and step % every == 0 and step < steps

    def _preview(self, clean: Tensor) -> RgbFrames:
        if not self._spec.decodes_previews:
            return preview.linear(clean, self._spec.name)
        with self._fitted.at_work(self._parts.vae):
            return preview.decoded(clean, self._parts.vae)

    def _encode_grey(self, known: Tensor) -> Tensor:
        """The latent of an all-grey stretch, which Animate begins with: the same for every shot of a size."""
        key = tuple(known.shape)
        if key not in self._grey_latents:
            self._grey_latents = {key: self._parts.vae.encode(known[None])[0]}
        return self._grey_latents[key]


def _counted(
    events: Generator[Event, None, Tensor], before: int, steps: int
) -> Generator[Event, None, Tensor]:
    """*events* of a role, its steps counted behind those *before*, of *steps* in all."""
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if isinstance(event, Step):
            event = replace(event, step=before + event.step, steps=steps)
        elif isinstance(event, Preview):
            event = replace(event, step=before + event.step)
        yield event


def _noise_of(seed: int) -> Callable[[LatentShape], Tensor]:
    return lambda shape: segment_noise(seed, shape)
