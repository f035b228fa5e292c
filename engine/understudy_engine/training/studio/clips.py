"""Training clips in batches: pictures, passes and the results that a perfect model would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .light import LightRows
from .scene import PEOPLE, Scene, build_scene

__all__ = ["EVERYTHING", "PEOPLE", "ClipBatch", "Want", "render_clips"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipBatch:
    """B clips of T frames on one device; H = W = size. Pictures are full-range sRGB uint8."""

    plate: Tensor  # (B, T, 3, H, W) everyone
    clean_plate: Tensor  # (B, T, 3, H, W) the same without the driver
    matte: Tensor  # (B, T, H, W) uint8, 255 wherever the driver is seen in any part of the pixel
    people_mattes: Tensor  # (B, PEOPLE, T, H, W) uint8 visible coverage of each person, 0 the driver
    keypoints: Tensor  # (B, PEOPLE, T, 133, 3) float32 x, y in pixels, score 1 inside the picture, else 0
    face_boxes: Tensor  # (B, T, 4) float32 of the driver, whole pixels x0 y0 x1 y1, end excluded
    expression: Tensor  # (B, T, 8) of the driver: jaw smile pucker gaze_x gaze_y eyes brow_left brow_right
    character: Tensor  # (B, 3, H, W) the character picture
    character_keypoints: Tensor  # (B, 133, 3)
    character_matte: Tensor  # (B, H, W) uint8
    truth_replace: Tensor  # (B, T, 3, H, W) the character in the driver's place, under the plate's light
    truth_unlit: Tensor  # (B, T, 3, H, W) the same in the light of the character picture
    truth_animate: (
        Tensor  # (B, T, 3, H, W) the character performs before its own picture's ground, in its light
    )
    truth_matte: Tensor  # (B, T, H, W) uint8 of the character in truth_replace and truth_unlit
    animate_matte: Tensor  # (B, T, H, W) uint8 of the character in truth_animate
    truth_keypoints: Tensor  # (B, T, 133, 3) of the character in all three truths
    truth_parts: (
        Tensor  # (B, T, H, W) uint8 of truth_replace: 0 nothing of the character, 1 skin, 2 face, 3 hair,
    )
    #   4 shirt, 5 sleeve, 6 trousers or skirt, 7 shoes, 8 accessory
    light: LightRows  # (B) of the plates
    framing: Tensor  # (B,) uint8: 0 full body, 1 knees up, 2 waist up, 3 close-up


Want = frozenset[str]
"""Names of the fields of ClipBatch that are needed. Renders that none of them needs are left out: all 0."""
EVERYTHING: Want = frozenset(f.name for f in fields(ClipBatch))
TRUTHS = frozenset(
    (
        "truth_replace",
        "truth_unlit",
        "truth_animate",
        "truth_matte",
        "animate_matte",
        "truth_keypoints",
        "truth_parts",
    )
)
CLIPS_AT_ONCE, GPU_CLIPS_AT_ONCE = 8, 64  # whose places are painted together, 75 MB each at 256 pixels
PICTURE = frozenset(("character", "character_keypoints", "character_matte"))


def render_clips(
    seeds: Sequence[int],
    *,
    frames: int,
    size: int = 256,
    device: torch.device | str = "cpu",
    want: Want = EVERYTHING,
    every: int = 1,
) -> ClipBatch:
    """The clips of *seeds*, of which *frames* are drawn: all, or each *every*-th.

    The same seed gives the same clip whatever else is in the batch, and a longer clip begins as the shorter one does.

    Memory: the result, twice if there are more than CLIPS_AT_ONCE seeds, and what ``scene`` needs for the clips and
    frames that are drawn at once: at 256 pixels about 0.8 GB on a CPU. Raises ValueError if there are
    no seeds or frames, or if *size* is not a multiple of 16.
    """
    if not seeds or frames < 1 or size < 16 or size % 16:
        raise ValueError(
            f"clips need a seed, a frame and a size of 16, 32, 48, ... pixels, not {len(seeds)} seeds, {frames} "
            f"frames and {size} pixels"
        )
    device = torch.device(device)
    at_once = CLIPS_AT_ONCE if device.type == "cpu" else GPU_CLIPS_AT_ONCE
    with _exactly(device):
        batches = [
            _render(seeds[start : start + at_once], frames, size, device, want, every)
            for start in range(0, len(seeds), at_once)
        ]
        return batches[0] if len(batches) == 1 else _joined(batches)


def _render(
    seeds: Sequence[int], frames: int, size: int, device: torch.device, want: Want, every: int
) -> ClipBatch:
    truths, pictures = bool(want & TRUTHS), bool(want & PICTURE)
    scene = build_scene(
        seeds, frames=frames * every, size=size, device=device, truths=truths, pictures=pictures
    )
    batch = _empty(scene, frames, size)
    clip, frame = (v.flatten() for v in _pairs(len(seeds), frames, device))
    for first in range(0, len(clip), scene.frames_at_once):
        some = slice(first, first + scene.frames_at_once)
        found = scene.film(clip[some], every * frame[some], clean="clean_plate" in want)
        for name, values in found.items():
            batch[name][some] = values
    batch = {name: values.unflatten(0, (len(seeds), frames)) for name, values in batch.items()}
    for name in ("people_mattes", "keypoints"):
        batch[name] = batch[name].transpose(1, 2)
    return ClipBatch(**batch, **scene.character_pictures(), light=scene.lights, framing=scene.framing)


def _joined(batches: Sequence[ClipBatch]) -> ClipBatch:
    """Batches after each other. Memory: everything twice."""
    names = [f.name for f in fields(ClipBatch) if f.name != "light"]
    values = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in names}
    lights = [batch.light for batch in batches]
    light = {f.name: torch.cat([getattr(one, f.name) for one in lights]) for f in fields(LightRows)}
    return ClipBatch(**values, light=LightRows(**light))


@contextmanager
def _exactly(device: torch.device) -> Iterator[None]:
    """Plain float32: whoever trains in coarser arithmetic still wants points at the right pixels."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _pairs(clips: int, frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
    clip, frame = torch.meshgrid(
        torch.arange(clips, device=device), torch.arange(frames, device=device), indexing="ij"
    )
    return clip, frame


def _empty(scene: Scene, frames: int, size: int) -> dict[str, Tensor]:
    """Every result that has a row for each frame of each clip, (B T, ...)."""
    rows, device = len(scene.scripts) * frames, scene.device
    pictures = ("plate", "clean_plate", "truth_replace", "truth_unlit", "truth_animate")
    planes = ("matte", "truth_matte", "animate_matte", "truth_parts")
    byte = torch.uint8
    return {
        **{name: torch.zeros((rows, 3, size, size), dtype=byte, device=device) for name in pictures},
        **{name: torch.zeros((rows, size, size), dtype=byte, device=device) for name in planes},
        "people_mattes": torch.zeros((rows, PEOPLE, size, size), dtype=byte, device=device),
        "keypoints": torch.zeros((rows, PEOPLE, 133, 3), device=device),
        "truth_keypoints": torch.zeros((rows, 133, 3), device=device),
        "face_boxes": torch.zeros((rows, 4), device=device),
        "expression": torch.zeros((rows, 8), device=device),
    }
