"""A shot's segments, in order: each is read, made and finished, beside the others where there is somebody to do it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .aside import Aside, Task
from .diffusion.noise import segment_seed
from .diffusion.segment import ShotFeatures
from .errors import EngineError
from .making import SegmentMaker
from .model.between import Between, go_on
from .reading import Materials
from .shot import Shot
from .types import Event, RoleDone, Segment, SegmentDone, Stage

MOST_UNFINISHED = 1  # beside the one that is made

Made = TypeVar("Made")


def all_segments(
    maker: SegmentMaker,
    shot: Shot,
    features: Sequence[ShotFeatures | None],
    overlaps: list[Tensor | None],
    aside: Aside,
    meanwhile: Between,
) -> Iterator[Event]:
    """From the first that is asked for on; *overlaps*, one a role, are the last frames of the one before it.

    Each is finished while the next one is made, if there is somebody aside; the last one, and all otherwise, before
    anything else.
    """
    to_make = shot.plan.segments[shot.request.resume.segment :]
    material = Materials([role for role in shot.roles if role.is_made], to_make, aside, meanwhile)
    finishing: deque[Task[SegmentDone]] = deque()
    for segment in to_make:
        making = maker.make(shot, features, segment, overlaps, material.of)
        try:
            frames = yield from _between_events(making, finishing)
        except EngineError:
            while finishing:  # what is made already is not lost with what cannot be made
                yield finishing.popleft().result(meanwhile)
            raise
        ends = [
            aside.do(partial(_kept_end, role, segment)).result(meanwhile)
            if made is None
            else _end_of(role, segment, made)
            for role, made in zip(shot.roles, frames, strict=True)
        ]
        is_aside = aside.has_thread and segment is not to_make[-1]
        finishing.append(aside.do(partial(_finished, shot, segment, frames, ends, is_aside)))
        unfinished = MOST_UNFINISHED if is_aside else 0
        if len(finishing) > unfinished:
            yield Stage(segment.index, "finishing")
        while len(finishing) > unfinished:
            yield finishing.popleft().result(meanwhile)
        overlaps = [*ends]


def _between_events(
    making: Generator[Event, None, Made], finishing: deque[Task[SegmentDone]]
) -> Generator[Event, None, Made]:
    """The events of *making*, and between them those segments that are finished by then."""
    while True:
        try:
            event = next(making)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        while finishing and finishing[0].is_done:
            yield finishing.popleft().result(go_on)
        yield event


def _end_of(role: Shot, segment: Segment, frames: Tensor) -> Tensor:
    """What the next segment needs of this one."""
    made = frames[:, : segment.length - segment.padding]
    return made[:, -role.sampling.guidance_frames :].clone()  # a view would keep the whole segment


@torch.inference_mode()  # which every thread is in by itself
def _kept_end(role: Shot, segment: Segment, between: Between) -> Tensor:
    """The same of a role that is not made."""
    return role.kept_overlap(segment)


@torch.inference_mode()
def _finished(
    shot: Shot,
    segment: Segment,
    frames: Sequence[Tensor | None],
    overlaps: Sequence[Tensor],
    is_aside: bool,
    between: Between,
) -> SegmentDone:
    layers = shot.layers_of_roles(segment, frames, between)
    seeds = [segment_seed(role.plan.seed, segment.index) for role in shot.roles]
    kept = [_to_numpy(overlap) for overlap in overlaps]
    return SegmentDone(
        segment=segment,
        layers=layers[0],
        overlap=kept[0],
        seed=seeds[0],
        others=tuple(RoleDone(*role) for role in zip(layers[1:], kept[1:], seeds[1:], strict=True)),
        order=shot.order.spans(segment.delivers) if shot.order else (),
        is_aside=is_aside,
    )


def _to_numpy(frames: Tensor) -> NDArray[np.float32]:
    return frames.float().cpu().contiguous().numpy().copy()
