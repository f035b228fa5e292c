"""What the VAE learns from: everything that the engine ever encodes, on the device, cropped at random.

Plates, character pictures, skeletons, plates with the person cut out, and known frames that begin with frames
carried over from the segment before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from ..studio.clips import ClipBatch, Want
from .footage import Footage, importance
from .mattes import prepare, random_options
from .skeleton import draw_skeletons

WANT: Want = frozenset({"plate", "matte", "people_mattes", "keypoints", "face_boxes", "character"})


class Kind(IntEnum):
    PLATE = 0
    CHARACTER = 1
    SKELETON = 2
    CUT = 3
    CARRIED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How often each kind is drawn, and how often a crop is centred on a point of the person."""

    shares: tuple[float, ...] = (0.68, 0.10, 0.12, 0.06, 0.04)
    centred: float = 0.6
    jitter_px: int = 32


class VaeBank:
    """Up to *clips* clips of *frames* frames; when full, new ones take the place of the oldest.

    Memory: four pictures a frame, 0.8 MB at 256 px.
    """

    def __init__(self, footage: Footage, *, clips: int, frames: int, mix: Mix | None = None) -> None:
        self.footage, self.frames, self.mix = footage, frames, mix or Mix()
        size, device = footage.size, footage.device
        shape = (clips, frames, 3, size, size)
        self.plates = torch.zeros((3, *shape), dtype=torch.uint8, device=device)  # plate, skeleton, cut
        self.characters = torch.zeros((clips, 3, size, size), dtype=torch.uint8, device=device)
        self.weights = torch.ones((clips, frames, size, size), dtype=torch.uint8, device=device)
        self.points = torch.zeros((clips, 133, 2), device=device)
        self.filled, self._next = 0, 0
        self._options = torch.Generator().manual_seed(footage.next_seed)

    def __len__(self) -> int:
        return self.filled

    def fill(self, count: int) -> None:
        """Renders *count* fresh clips into the bank."""
        for clips in self.footage.clips(count, self.frames, WANT):
            places = (torch.arange(len(clips.plate)) + self._next) % len(self.weights)
            self._put(places.to(self.footage.device), clips)
            self._next = int(places[-1]) + 1
            self.filled = min(self.filled + len(places), len(self.weights))

    def _put(self, places: Tensor, clips: ClipBatch) -> None:
        driver = clips.keypoints[:, 0]  # (B, T, 133, 3)
        size = self.footage.size
        hole = torch.stack([prepare(matte, random_options(self._options)) for matte in clips.matte])
        self.plates[0, places] = clips.plate
        skeletons = draw_skeletons(driver.flatten(0, 1), size, size)
        self.plates[1, places] = skeletons.unflatten(0, driver.shape[:2])
        self.plates[2, places] = clips.plate * ~hole[:, :, None]
        self.characters[places] = clips.character
        everybody = clips.people_mattes.amax(dim=1)
        self.weights[places] = importance(everybody, clips.face_boxes, driver)
        self.points[places] = driver[:, self.frames // 2, :, :2].clamp(0, size - 1).nan_to_num(size / 2)

    def draw(self, batch: int, crop: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        """video (batch, 3, T, crop, crop) in [-1, 1] and weight (batch, 1, T, crop, crop), mean about 1 and more."""
        device = self.footage.device
        shares = torch.tensor(self.mix.shares, device=device)
        kind = torch.multinomial(shares, batch, replacement=True, generator=generator)
        clip = torch.randint(self.filled, (batch,), device=device, generator=generator)
        rows, columns = self._window(clip, crop, generator)
        video = self._look(kind, clip, rows, columns, generator)
        weight = self.weights[clip[:, None, None], :, rows, columns].permute(0, 3, 1, 2)  # (B, T, c, c)
        plain = (kind != Kind.PLATE)[:, None, None, None]
        return {
            "video": video.transpose(1, 2).float().div(127.5).sub(1).contiguous(),
            "weight": torch.where(plain, 1, weight)[:, None].float(),
        }

    def _look(
        self, kind: Tensor, clip: Tensor, rows: Tensor, columns: Tensor, generator: torch.Generator
    ) -> Tensor:
        """(B, T, 3, c, c) uint8"""
        stream = torch.tensor([0, 0, 1, 2, 2], device=kind.device)[kind]
        where = (slice(None), slice(None), rows, columns)
        video = self.plates[(stream[:, None, None], clip[:, None, None], *where)].permute(0, 3, 4, 1, 2)
        still = self.characters[clip[:, None, None], :, rows, columns].permute(0, 3, 1, 2)[:, None]
        video = torch.where((kind == Kind.CHARACTER).view(-1, 1, 1, 1, 1), still, video)
        if self.frames == 1:
            return video
        plate = self.plates[(0, clip[:, None, None], *where)].permute(0, 3, 4, 1, 2)
        carried = torch.tensor([1, 5], device=kind.device)[
            torch.randint(2, kind.shape, device=kind.device, generator=generator)
        ]
        first = torch.arange(self.frames, device=kind.device) < carried[:, None]
        grey = (
            torch.rand(kind.shape, device=kind.device, generator=generator) < 0.5
        )  # Animate goes on from grey
        rest = torch.where(grey.view(-1, 1, 1, 1, 1), 128, video)
        mixed = torch.where(first[:, :, None, None, None], plate, rest.to(torch.uint8))
        return torch.where((kind == Kind.CARRIED).view(-1, 1, 1, 1, 1), mixed, video)

    def _window(self, clip: Tensor, crop: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Rows (B, c, 1) and columns (B, 1, c) of each crop; half of them mirrored."""
        batch, size, device = len(clip), self.footage.size, clip.device

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, device=device, generator=generator)

        point = self.points[clip, (uniform(batch) * 133).long()]  # (B, 2)
        jitter = (uniform(batch, 2) * 2 - 1) * self.mix.jitter_px
        centred = (point + jitter - crop / 2).clamp(0, size - crop).long()
        anywhere = (uniform(batch, 2) * (size - crop + 1)).long()
        corner = torch.where(uniform(batch, 1) < self.mix.centred, centred, anywhere)
        along = torch.arange(crop, device=device)
        mirrored = torch.where(uniform(batch, 1) < 0.5, crop - 1 - along, along)
        return corner[:, 1:, None] + along[:, None], corner[:, :1, None] + mirrored[:, None]
