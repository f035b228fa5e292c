"""An opened request: media and passes as the model sees them, the plan, and the way back onto the plate.

Everything that can be refused is refused in ``open_shot``, before the model does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import ResolvedSampling
from .diffusion.conditioning import LATENT_STRIDE, SegmentMaterial, SegmentPixels, person_to_keep
from .errors import RequestError
from .finish.composite import kept, soften
from .finish.layers import Cut, Older, PlateFrame, animated, cut_of, layers_of, replaced, stacked
from .loras import lora_hashes
from .media.read import Clip, Opener, open_clip
from .model.between import Between, go_on
from .model.configs import ModelSpec
from .planning import open_material
from .preprocess.frames import reflect_index
from .preprocess.matte import binary
from .preprocess.nets import NetFolder
from .preprocess.order import Order
from .preprocess.own_skeleton import own_skeleton
from .preprocess.sizing import Fit, letterbox
from .preprocess.streams import Passes
from .roles import roles_made
from .types import (
    FrameRange,
    FrameSource,
    Layer,
    Mode,
    Picture,
    Plan,
    Retake,
    RgbFrames,
    Segment,
    SwapRequest,
)
from .weights.parts import Part

Sample = TypeVar("Sample", np.uint8, np.bool_)
FRAMES_AT_ONCE = 4  # that are read before somebody may ask to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Of one role; of a job with several, the first knows the *others*."""

    request: SwapRequest
    plan: Plan
    sampling: ResolvedSampling
    plate: Clip  # a reader of its own: passes read the clip at other places meanwhile
    fit: Fit  # of the plate (replace) or the character's picture (animate) on the model's canvas
    passes: Passes
    character: RgbFrames  # (1, H, W, 3) on the canvas
    number: int = 0  # of the role
    is_made: bool = True  # not kept as an earlier take has it
    others: tuple[Shot, ...] = ()
    order: Order | None = None  # of all roles, where there are several

    @property
    def roles(self) -> tuple[Shot, ...]:
        return (self, *self.others)

    def reference(self) -> Tensor:
        """The character as the model sees it, (3, 1, H, W) in [-1, 1]."""
        return _video(self.character)

    def own_skeleton(self, nets: NetFolder) -> Tensor:
        """How the character stands in it, (3, 1, H, W) in [-1, 1]."""
        return _video(own_skeleton(self.character[0], nets))

    def pixels(self, segment: Segment, overlap: Tensor | None) -> SegmentPixels:
        """The segment's inputs; *overlap* (3, r, H, W) are the last frames of the segment before."""
        return self.material(segment).after(overlap)

    @torch.inference_mode()
    def material(self, segment: Segment, between: Between = go_on) -> SegmentMaterial:
        """The segment's inputs but for its overlap; *between* is called after every few frames."""
        frames = len(self.plan.frames)
        indices = [reflect_index(segment.start + i, frames) for i in range(segment.length)]
        plate, keep = self._known(indices, between)
        retake, passes = self.request.retake, self.passes
        return SegmentMaterial(
            overlap=segment.overlap,
            pose=_video(_read(passes.pose.read, indices, between)),
            faces=_video(_read(passes.faces.read, indices, between)).transpose(0, 1),
            known=plate,
            keep=keep,
            pinned=None if retake is None else self._pinned(retake, indices, plate),
        )

    def _known(self, indices: Sequence[int], between: Between) -> tuple[Tensor, Tensor]:
        height, width = self.fit.canvas.height, self.fit.canvas.width
        if self.request.mode is Mode.ANIMATE:
            rows, columns = height // LATENT_STRIDE, width // LATENT_STRIDE
            return torch.zeros(3, len(indices), height, width), torch.zeros(len(indices), rows, columns)
        person = torch.from_numpy(_read(self.passes.matte_model, indices, between))
        background = _read(self.passes.background.read, indices, between)
        return _video(background), person_to_keep(person)

    def _pinned(
        self, retake: Retake, indices: Sequence[int], plate: Tensor
    ) -> tuple[list[int], Tensor] | None:
        """Every frame outside the span is known: the earlier take has the person, and in Replace the plate the rest."""
        outside = [i for i, index in enumerate(indices) if index not in retake.span.indices]
        if not outside:
            return None
        canvas = self.fit
        if self.request.mode is Mode.ANIMATE:  # a result is the canvas without its padding
            canvas = replace(self.fit, source=self.fit.content.size)
        there = [indices[i] for i in outside]
        frames = _video(canvas.apply(_base(retake).read(there)))
        if self.request.mode is Mode.REPLACE:  # the character's layer is black around them
            person = torch.from_numpy(self.passes.matte_model(there))
            frames = torch.where(person, frames, plate[:, outside])
        return outside, frames

    def layers(
        self, segment: Segment, frames: Tensor, between: Between = go_on
    ) -> dict[Layer, list[Picture]]:
        """What is stored of a segment's *frames* (3, T, H, W) in [-1, 1]; *between* is called after each of them."""
        delivers = segment.delivers
        made = _delivered(frames, segment)
        if self.request.mode is Mode.REPLACE:
            pictures = replaced(
                made,
                self._plates(delivers),
                fit=self.fit,
                colour=self.plate.info.colour,
                older=self._older(delivers),
            )
        else:
            pictures = animated(made, fit=self.fit, older=self._older(delivers))
        layers: dict[Layer, list[Picture]] = {}
        for frame in pictures:
            for layer, picture in frame.items():
                layers.setdefault(layer, []).append(picture)
            between()
        layers[Layer.POSE] = self._skeletons(delivers)
        return layers

    def layers_of_roles(
        self, segment: Segment, frames: Sequence[Tensor | None], between: Between = go_on
    ) -> list[dict[Layer, list[Picture]]]:
        """What is stored of a segment of all roles, each with *frames* (3, T, H, W); the first has the result.

        None are frames of a role that is kept.
        """
        order, delivers = self.order, segment.delivers
        if order is None:
            assert frames[0] is not None  # nobody keeps the only role
            return [self.layers(segment, frames[0], between)]
        kept: list[dict[Layer, list[Picture]]] = [{Layer.RESULT: []}, *({} for _ in self.others)]
        cuts = [role._cuts(segment, made) for role, made in zip(self.roles, frames, strict=True)]
        plates = self._clip_frames(delivers)
        for index, plate, *found in zip(delivers.indices, plates, *cuts, strict=True):
            back_to_front = [found[role] for role in order.back_to_front(index)]
            kept[0][Layer.RESULT].append(stacked(plate, back_to_front, self.plate.info.colour))
            for layers, cut in zip(kept, found, strict=True):
                for layer, picture in layers_of(cut).items():
                    layers.setdefault(layer, []).append(picture)
            between()
        for layers, role in zip(kept, self.roles, strict=True):
            layers[Layer.POSE] = role._skeletons(delivers)
        return kept

    def _cuts(self, segment: Segment, frames: Tensor | None) -> Iterator[Cut]:
        delivers = segment.delivers
        if frames is None:
            for index in delivers.indices:
                yield self._kept(index)
            return
        made = zip(delivers.indices, _delivered(frames, segment), self._older(delivers), strict=True)
        for index, frame, older in made:
            yield cut_of(frame, self._alpha(index), fit=self.fit, older=older)

    def _kept(self, index: int) -> Cut:
        """As the earlier take has it."""
        assert self.request.retake is not None
        generated = _base(self.request.retake).read([index])[0].astype(np.float32) / np.float32(255)
        return Cut(generated, self._alpha(index))

    def _alpha(self, index: int) -> NDArray[np.float32]:
        """(h, w): soft towards the plate, and hard where another role begins, lest the plate's own people show between
        the two; less where the plate is kept."""
        soft = soften(binary(self.passes.matte_grown(index)), self.request.matte.soften_px)
        own = np.where(binary(self.passes.matte_plate(index)), soft, np.float32(0))
        return kept(own, self.passes.kept(index))

    def kept_overlap(self, segment: Segment) -> Tensor:
        """Of a role that is kept: what the segment after would need, (3, guidance_frames, H, W)."""
        assert self.request.retake is not None
        end = segment.start + segment.length - segment.padding
        last = range(end - self.sampling.guidance_frames, end)
        return _video(self.fit.apply(_base(self.request.retake).read(last)))

    def _skeletons(self, delivers: FrameRange) -> list[Picture]:
        return [Picture((frame,), "rgb24") for frame in self.passes.pose.read(delivers.indices)]

    def _older(self, delivers: FrameRange) -> Iterator[Older | None]:
        """What the span's last frames blend into, so that it ends without a jump."""
        retake = self.request.retake
        for index in delivers.indices:
            weight = older_weight(retake, index, len(self.plan.frames)) if retake else 0.0
            yield Older(_base(retake).read([index])[0], weight) if retake and weight else None

    def _plates(self, delivers: FrameRange) -> Iterator[PlateFrame]:
        for index, plate in zip(delivers.indices, self._clip_frames(delivers), strict=True):
            yield PlateFrame(plate, self._alpha(index))

    def _clip_frames(self, delivers: FrameRange) -> Iterator[Picture]:
        offset = self.plan.frames.start
        return self.plate.read(FrameRange(offset + delivers.start, offset + delivers.end))


@contextmanager
def open_shot(
    request: SwapRequest,
    spec: ModelSpec,
    *,
    loras: Collection[Part],
    opener: Opener = open_clip,
    nets: NetFolder | None = None,
) -> Iterator[Shot]:
    """Opens all media and passes of *request* and plans it; *loras* are those that the model's weights bring.

    *nets* find the person where passes are missing.

    Raises:
        MediaError: a file cannot be used. RequestError: the parts do not fit together.
    """
    with open_material(request, spec, loras=loras, opener=opener, nets=nets) as material:
        first, *others = [
            Shot(
                request=role.request,
                plan=role.draft.plan,
                sampling=role.draft.sampling,
                plate=material.plate,
                fit=role.draft.fit,
                passes=role.passes,
                character=_on_canvas(role.request, role.picture, role.draft.fit)[None],
                number=number,
                is_made=number in roles_made(request),
            )
            for number, role in enumerate(material.roles)
        ]
        plan = material.draft.plan
        plan = replace(plan, settings={**plan.settings, **lora_hashes(request.loras)})
        yield replace(first, plan=plan, others=tuple(others), order=material.order)


def _on_canvas(request: SwapRequest, picture: NDArray[np.uint8], canvas: Fit) -> NDArray[np.uint8]:
    if request.mode is Mode.REPLACE:
        return letterbox(picture, canvas.canvas)  # the picture has a shape of its own
    return canvas.apply(picture)


def _base(retake: Retake) -> FrameSource:
    if retake.base is None:
        raise RequestError("A retake needs the frames of the take it starts from.")
    return retake.base


def older_weight(retake: Retake, index: int, frames: int) -> float:
    """How much of the earlier take frame *index* of *frames* has: 0 until it rises smoothly towards the span's end.

    0 throughout where the span ends with the range: nothing follows that it would have to meet.
    """
    blended = min(retake.blend_frames, len(retake.span) // 2) if retake.span.end < frames else 0
    passed = index - (retake.span.end - blended) + 1
    if passed <= 0 or index >= retake.span.end:
        return 0.0
    t = passed / (blended + 1)
    return t * t * (3 - 2 * t)


def _read(
    read: Callable[[Sequence[int]], NDArray[Sample]], indices: Sequence[int], between: Between
) -> NDArray[Sample]:
    """read(indices), a few at a time."""
    parts = []
    for at in range(0, len(indices), FRAMES_AT_ONCE):
        parts.append(read(indices[at : at + FRAMES_AT_ONCE]))
        between()
    return np.concatenate(parts)


def _video(frames: RgbFrames) -> Tensor:
    """(T, H, W, 3) bytes -> (3, T, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2).float().div_(127.5).sub_(1)


def _delivered(frames: Tensor, segment: Segment) -> Iterator[NDArray[np.float32]]:
    """The frames that are the segment's own, (H, W, 3) in 0-1, one at a time."""
    for i in range(segment.overlap, segment.length - segment.padding):
        yield frames[:, i].permute(1, 2, 0).add(1).div(2).cpu().numpy()
