"""Segments ready for the transformer: encoded once, kept on the device, drawn again and again.

A clip gives one sample for each aim. How many frames are known from the segment before (none, 1 or 5) is drawn
with the clip; those frames have been through the VAE, as the engine's have. Rendering and encoding cost more than
training on them: a bank can be kept in a file for the next stage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ...diffusion.conditioning import LATENT_STRIDE, SegmentPixels
from ...errors import WeightsMismatch
from ...model.configs import ModelSpec, PatchEncoderSpec
from ...model.vae import WanVae
from ..studio.clips import ClipBatch, Want
from . import one_pass
from .footage import FACE, HAND, PERSON, Footage
from .inputs import Aim, segment_pixels, to_signed
from .mattes import random_options
from .nano import EXPRESSIONS

WANT: Want = frozenset({"plate", "matte", "keypoints", "character", "truth_matte", "truth_parts"})
SKIN_PART, FACE_PART = 1, 2  # of ClipBatch.truth_parts; hands are skin
TRUTHS = ("truth_replace", "truth_unlit", "truth_animate", "truth_matte", "animate_matte", "truth_parts")
CLIPS_AT_ONCE = 16  # encoded together: about 8 GB at 256 px


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMix:
    """How often each aim is drawn, and each number of known frames."""

    aims: Mapping[Aim, float] = field(default_factory=lambda: {Aim.ANIMATE: 1.0})
    overlaps: Mapping[int, float] = field(default_factory=lambda: {0: 0.4, 1: 0.3, 5: 0.3})


class SampleBank:
    """Up to *clips* clips; when full, new ones take the place of the oldest.

    Memory: 0.6 MB a clip of 17 frames at 256 px, and 0.4 MB more for each aim.
    """

    def __init__(self, footage: Footage, vae: WanVae, spec: ModelSpec, *, clips: int, mix: SampleMix) -> None:
        assert isinstance(spec.image, PatchEncoderSpec)
        self.footage, self.vae, self.spec, self.mix = footage, vae, spec, mix
        self.aims = tuple(mix.aims)
        frames, side = spec.segment_frames, footage.size // LATENT_STRIDE
        z_dim, latents = spec.vae.z_dim, (frames - 1) // 4 + 1
        self._image_px = spec.image.image_px

        def room(*shape: int, dtype: torch.dtype = torch.float16) -> Tensor:
            return torch.zeros((clips, *shape), dtype=dtype, device=footage.device)

        self._clips = {
            "pose": room(z_dim, latents, side, side),
            "reference": room(z_dim, 1, side, side),
            "faces": room(frames, 3, spec.face.size_px, spec.face.size_px, dtype=torch.uint8),
            "picture": room(3, self._image_px, self._image_px),
            "expression": room(frames, EXPRESSIONS),
        }
        self._samples = [
            {
                "target": room(z_dim, latents, side, side),
                "known": room(z_dim, latents, side, side),
                "keep": room(frames, side, side, dtype=torch.uint8),
                "weight": room(latents, side, side),
            }
            for _ in self.aims
        ]
        black = torch.full((1, 3, frames, footage.size, footage.size), -1.0, device=footage.device)
        self.no_pose = self._encode(black)  # what the engine's VAE makes of no skeleton
        self._capacity, self.filled, self._next = clips, 0, 0
        # On the device once: a copy in every step would wait for the device in every step.
        self._shares = torch.tensor([mix.aims[aim] for aim in self.aims], device=footage.device)
        self._numbers = torch.tensor([int(aim) for aim in self.aims], device=footage.device)
        self._chance = torch.Generator().manual_seed(footage.next_seed)

    def __len__(self) -> int:
        return self.filled

    def fill(self, count: int) -> None:
        """Renders and encodes *count* fresh clips."""
        want = WANT | {aim.truth for aim in self.aims} | {"animate_matte"}
        for clips in self.footage.clips(count, self.spec.segment_frames, want):
            for start in range(0, len(clips.plate), CLIPS_AT_ONCE):
                self._put(_part(clips, start, start + CLIPS_AT_ONCE))

    @torch.no_grad()
    def _put(self, clips: ClipBatch) -> None:
        count = len(clips.plate)
        places = ((torch.arange(count) + self._next) % self._capacity).to(self.footage.device)
        reference = to_signed(clips.character)[:, :, None]
        segments: list[SegmentPixels] = []
        for aim, room in zip(self.aims, self._samples, strict=True):
            target = self._encode(to_signed(getattr(clips, aim.truth)).transpose(1, 2))
            segments = segment_pixels(
                clips,
                aim.mode,
                face_px=self.spec.face.size_px,
                options=[random_options(self._chance) for _ in range(count)],
                overlaps=self._overlaps(target),
            )
            stored = {
                "target": target,
                "known": self._encode(torch.stack([segment.known for segment in segments])),
                "keep": torch.stack([segment.keep for segment in segments]),
                "weight": latent_weight(truth_importance(clips, aim)),
            }
            _store(room, places, stored)
        shared = {
            "pose": self._encode(torch.stack([segment.pose for segment in segments])),
            "reference": self._encode(reference),
            "faces": torch.stack([segment.faces for segment in segments]).add(1).mul(127.5).round(),
            "picture": self._squashed(reference[:, :, 0]),
            "expression": clips.expression,
        }
        _store(self._clips, places, shared)
        self._next = int(places[-1]) + 1
        self.filled = min(self.filled + count, self._capacity)

    # ---- Kept for the next stage

    def save(self, file: Path) -> None:
        """What is filled, and a digest of the VAE it was encoded by."""
        held = {name: room[: self.filled].contiguous() for name, room in self._rooms().items()}
        save_file(held, file, {"vae": self._vae_digest(), "next": str(self._next)})

    def load(self, file: Path) -> None:
        """Goes on with the clips of *file*, as many as there is room for; with none if an aim is missing there.

        Raises WeightsMismatch if another VAE encoded them.
        """
        with safe_open(file, "pt", device=str(self.footage.device)) as held:
            if not set(self._rooms()) <= set(held.keys()):
                return
            if (held.metadata() or {}).get("vae") != self._vae_digest():
                raise WeightsMismatch(f"{file} was encoded by another VAE. Delete it: it will be made again.")
            for name, room in self._rooms().items():
                stored = held.get_tensor(name)[: self._capacity]
                room[: len(stored)] = stored
            self.filled = len(stored)
            self._next = int(held.metadata()["next"]) % self._capacity

    def _rooms(self) -> dict[str, Tensor]:
        samples = zip(self.aims, self._samples, strict=True)
        rooms = {f"{aim.name}.{name}": room for aim, rooms in samples for name, room in rooms.items()}
        return self._clips | rooms

    def _vae_digest(self) -> str:
        digest = hashlib.sha256()
        for tensor in self.vae.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    # ---- Filling

    def _overlaps(self, target: Tensor) -> list[Tensor | None]:
        """The first frames of each clip as an earlier segment would have left them: decoded."""
        numbers = list(self.mix.overlaps)
        shares = torch.tensor(list(self.mix.overlaps.values()))
        chosen = torch.multinomial(shares, len(target), replacement=True, generator=self._chance).tolist()
        decoded = one_pass.decode(self.vae, target[:, :, :2]).clamp(-1, 1)  # 5 frames
        return [decoded[b, :, : numbers[c]] if numbers[c] else None for b, c in enumerate(chosen)]

    def _encode(self, video: Tensor) -> Tensor:
        with torch.no_grad():
            return one_pass.encode(self.vae, video)

    def _squashed(self, picture: Tensor) -> Tensor:
        """As the image encoder begins, so that what it is fed later passes through unchanged."""
        side = (self._image_px, self._image_px)
        return F.interpolate(picture, side, mode="bilinear", align_corners=False, antialias=True)

    def draw(self, batch: int, generator: torch.Generator, aim: Aim | None = None) -> dict[str, Tensor]:
        """Samples of float32, of all aims by their shares or of one: the tensors of a segment, and "aim"."""
        device = self.footage.device
        clip = torch.randint(self.filled, (batch,), device=device, generator=generator)
        chosen = torch.multinomial(self._shares, batch, replacement=True, generator=generator)
        if aim is not None:
            chosen = torch.full_like(chosen, self.aims.index(aim))
        return self._taken(clip, chosen)

    def first(self, count: int) -> dict[str, Tensor]:
        """The first clips, of the first aim."""
        clip = torch.arange(min(count, self.filled), device=self.footage.device)
        return self._taken(clip, torch.zeros_like(clip))

    def _taken(self, clip: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Samples of *clip* (B,), each of the aim whose number is *chosen* (B,)."""
        rows = torch.arange(len(clip), device=clip.device)
        drawn = {name: room[clip] for name, room in self._clips.items()}
        for name in self._samples[0]:
            drawn[name] = torch.stack([room[name][clip] for room in self._samples])[chosen, rows]
        drawn = {name: tensor.float() for name, tensor in drawn.items()}
        drawn["faces"] = to_signed(drawn["faces"])
        return drawn | {"aim": self._numbers[chosen]}


def truth_importance(clips: ClipBatch, aim: Aim) -> Tensor:
    """How much each pixel of the truth counts, (B, T, H, W) float32."""
    matte = clips.animate_matte if aim is Aim.ANIMATE else clips.truth_matte
    weight = torch.where(matte > 0, float(PERSON), 1.0)
    weight = weight.masked_fill(clips.truth_parts == SKIN_PART, HAND)
    return weight.masked_fill(clips.truth_parts == FACE_PART, FACE)


def latent_weight(importance: Tensor) -> Tensor:
    """(B, T, H, W) -> (B, L, h, w): each latent has the mean of the pixels it holds."""
    cells = F.avg_pool2d(importance, LATENT_STRIDE)
    rest = cells[:, 1:].unflatten(1, (-1, 4)).mean(dim=2)
    return torch.cat([cells[:, :1], rest], dim=1)


def _store(room: Mapping[str, Tensor], places: Tensor, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        room[name][places] = tensor.to(room[name].dtype)


def _part(clips: ClipBatch, start: int, end: int) -> ClipBatch:
    """Some clips of a batch."""
    used = ("plate", "matte", "keypoints", "expression", "character", *TRUTHS)
    return replace(clips, **{name: getattr(clips, name)[start:end] for name in used})
