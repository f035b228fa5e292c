"""An opened request: media and passes as the model sees them, the plan, and the way back onto the plate.

Everything that can be refused is refused in ``open_shot``, before the model does anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import ResolvedSampling, resolve_sampling
from .diffusion.conditioning import LATENT_STRIDE, SegmentPixels, carry_over, person_to_keep
from .diffusion.windows import plan_segments
from .errors import FrameRangeOutside, PassMissing, RequestError
from .finish.layers import PlateFrame, animated, replaced
from .media.info import ClipInfo
from .media.read import Clip, open_clip
from .media.rgb import read_picture
from .model.configs import ModelSpec
from .preprocess.frames import reflect_index
from .preprocess.passes import Passes, open_passes
from .preprocess.sizing import Fit, fit, letterbox
from .types import FrameRange, FrameSize, Layer, Mode, Picture, Plan, RgbFrames, Segment, SwapRequest

STILL_RATE = Fraction(24)  # of a driving sequence of pictures that says nothing of its rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    request: SwapRequest
    plan: Plan
    sampling: ResolvedSampling
    plate: Clip  # a reader of its own: passes read the clip at other places meanwhile
    fit: Fit  # of the plate (replace) or the character's picture (animate) on the model's canvas
    passes: Passes
    character: RgbFrames  # (1, H, W, 3) on the canvas

    def reference(self) -> Tensor:
        """The character as the model sees it, (3, 1, H, W) in [-1, 1]."""
        return _video(self.character)

    def pixels(self, segment: Segment, overlap: Tensor | None) -> SegmentPixels:
        """The segment's inputs; *overlap* (3, r, H, W) are the last frames of the segment before."""
        frames = len(self.plan.frames)
        indices = [reflect_index(segment.start + i, frames) for i in range(segment.length)]
        known, keep = self._known(indices)
        if overlap is not None:
            known, keep = carry_over(known, keep, overlap)
        return SegmentPixels(
            pose=_video(self.passes.pose.read(indices)),
            faces=_video(self.passes.faces.read(indices)).transpose(0, 1),
            known=known,
            keep=keep,
        )

    def _known(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        height, width = self.fit.canvas.height, self.fit.canvas.width
        if self.request.mode is Mode.ANIMATE:
            rows, columns = height // LATENT_STRIDE, width // LATENT_STRIDE
            return torch.zeros(3, len(indices), height, width), torch.zeros(len(indices), rows, columns)
        person = torch.from_numpy(self.passes.matte_model(indices))
        return _video(self.passes.background.read(indices)), person_to_keep(person)

    def layers(self, segment: Segment, frames: Tensor) -> Mapping[Layer, Sequence[Picture]]:
        """What is stored of a segment's *frames* (3, T, H, W) in [-1, 1]."""
        delivers = segment.delivers
        made = _delivered(frames, segment)
        if self.request.mode is Mode.REPLACE:
            pictures = replaced(
                made,
                self._plates(delivers),
                fit=self.fit,
                colour=self.plate.info.colour,
                soften_px=self.request.matte.soften_px,
            )
        else:
            pictures = animated(made, fit=self.fit)
        layers: dict[Layer, list[Picture]] = {}
        for frame in pictures:
            for layer, picture in frame.items():
                layers.setdefault(layer, []).append(picture)
        skeletons = self.passes.pose.read(delivers.indices)
        layers[Layer.POSE] = [Picture((frame,), "rgb24") for frame in skeletons]
        return layers

    def _plates(self, delivers: FrameRange) -> Iterator[PlateFrame]:
        offset = self.plan.frames.start
        pictures = self.plate.read(FrameRange(offset + delivers.start, offset + delivers.end))
        for index, plate in zip(delivers.indices, pictures, strict=True):
            yield PlateFrame(plate, self.passes.matte_plate(index))


@contextmanager
def open_shot(request: SwapRequest, spec: ModelSpec, *, relights: bool) -> Iterator[Shot]:
    """Opens all media and passes of *request* and plans it; *relights* tells whether the model has that adapter.

    Raises:
        MediaError: a file cannot be used. RequestError: the parts do not fit together.
    """
    sampling = resolve_sampling(request.sampling, spec)
    if not 0 <= request.relight_strength <= 1:
        raise RequestError(f"Light strength must be between 0 and 1, not {request.relight_strength}.")
    with ExitStack() as stack:
        file = _driving_file(request)
        plate, clip = (stack.enter_context(open_clip(file)) for _ in range(2))
        frames = _frames(request, clip.info)
        picture = read_picture(request.character)
        canvas = _fit(request, clip.info, picture, sampling)
        driving = clip if request.clip else None
        passes = stack.enter_context(open_passes(request, driving, frames, canvas, spec.face.size_px))
        warnings = (*_warnings(request, clip.info, relights), *passes.warnings)
        yield Shot(
            request=request,
            plan=_plan(request, spec, sampling, clip.info, frames, canvas, warnings),
            sampling=sampling,
            plate=plate,
            fit=canvas,
            passes=passes,
            character=_on_canvas(request, picture, canvas)[None],
        )


def _driving_file(request: SwapRequest) -> Path:
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


def _fit(request: SwapRequest, clip: ClipInfo, picture: NDArray[np.uint8], sampling: ResolvedSampling) -> Fit:
    if request.mode is Mode.REPLACE:
        return fit(clip.size, sampling.work_area_px)
    return fit(FrameSize(picture.shape[1], picture.shape[0]), sampling.work_area_px)


def _on_canvas(request: SwapRequest, picture: NDArray[np.uint8], canvas: Fit) -> NDArray[np.uint8]:
    if request.mode is Mode.REPLACE:
        return letterbox(picture, canvas.canvas)  # the picture has a shape of its own
    return canvas.apply(picture)


def _plan(
    request: SwapRequest,
    spec: ModelSpec,
    sampling: ResolvedSampling,
    clip: ClipInfo,
    frames: FrameRange,
    canvas: Fit,
    warnings: tuple[str, ...],
) -> Plan:
    replace = request.mode is Mode.REPLACE
    return Plan(
        model=spec.name,
        mode=request.mode,
        frames=frames,
        rate=clip.rate or STILL_RATE,
        result_size=clip.size if replace else canvas.content.size,
        model_size=canvas.canvas,
        segments=plan_segments(
            len(frames), segment_frames=spec.segment_frames, overlap=sampling.guidance_frames
        ),
        steps=sampling.steps,
        seed=sampling.seed,
        settings={**asdict(sampling), **asdict(request.matte), "relight_strength": request.relight_strength},
        warnings=warnings,
    )


def _warnings(request: SwapRequest, clip: ClipInfo, relights: bool) -> Iterator[str]:
    if request.mode is Mode.REPLACE and request.relight_strength != 1 and not relights:
        yield "This model brings no relighting adapter, so the light strength changes nothing."
    yield from clip.notes


def _video(frames: RgbFrames) -> Tensor:
    """(T, H, W, 3) bytes -> (3, T, H, W) float32 in [-1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2).float().div_(127.5).sub_(1)


def _delivered(frames: Tensor, segment: Segment) -> Iterator[NDArray[np.float32]]:
    """The frames that are the segment's own, (H, W, 3) in 0-1, one at a time."""
    for i in range(segment.overlap, segment.length - segment.padding):
        yield frames[:, i].permute(1, 2, 0).add(1).div(2).cpu().numpy()
