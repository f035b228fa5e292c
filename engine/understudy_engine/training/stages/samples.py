"""Segments ready for the transformer: encoded once, kept on the device, drawn again and again.

A clip gives a sample for each view of it. Its aim and how many frames are known from the segment
before (none, 1 or 5) are chosen when it is rendered; those frames have been through the VAE, as the engine's have.
Rendering and encoding cost more than training on them: a bank can be kept in a file for the next stage.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ...diffusion.conditioning import LATENT_STRIDE
from ...errors import WeightsMismatch
from ...model.configs import ModelSpec, PatchEncoderSpec
from ...model.vae import WanVae
from ...types import Mode
from ..studio.clips import ClipBatch, Want
from . import one_pass
from .footage import FACE, HAND, PERSON, Footage
from .inputs import Aim, character_skeleton, guides, known_pixels, to_signed
from .mattes import random_options
from .nano import EXPRESSIONS
from .quick import mixed
from .views import another_view

WANT: Want = frozenset(
    {
        "plate",
        "matte",
        "keypoints",
        "expression",
        "character",
        "character_keypoints",
        "truth_matte",
        "animate_matte",
        "truth_parts",
    }
)
SKIN_PART, FACE_PART = 1, 2  # of ClipBatch.truth_parts; hands are skin
FRAMES_AT_ONCE = 17 * 16  # through the VAE: about 8 GB at 256 px in float32
WHOLE = 16  # videos: on CUDA parts are filled up to a multiple of it, since cuDNN tries its kernels anew for each size


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMix:
    """How often each aim is drawn, and each number of known frames.

    Of each render come *views* samples: the first as it is, others mirrored and in other colours (``views``).
    """

    aims: Mapping[Aim, float] = field(default_factory=lambda: {Aim.ANIMATE: 1.0})
    overlaps: Mapping[int, float] = field(default_factory=lambda: {0: 0.4, 1: 0.3, 5: 0.3})
    views: int = 1


class SampleBank:
    """Up to *room* samples of *frames* frames; when full, new ones take the place of the oldest.

    Memory: 0.9 MB a sample of 17 frames at 256 px, 0.4 MB of 5.
    """

    def __init__(
        self, footage: Footage, vae: WanVae, spec: ModelSpec, *, room: int, frames: int, mix: SampleMix
    ) -> None:
        assert isinstance(spec.image, PatchEncoderSpec)
        self.footage, self.vae, self.frames, self.mix = footage, vae, frames, mix
        self._face_px, self._image_px = spec.face.size_px, spec.image.image_px
        self._overlaps = {count: share for count, share in mix.overlaps.items() if count < frames}
        self._rooms = self._empty(room, spec)
        self._aims: list[Aim] = []  # of the samples that are held
        self._capacity, self._next = room, 0
        self._chances: dict[Aim | None, Tensor] = {}
        self._whole = WHOLE if footage.device.type == "cuda" else 1
        self._luck = torch.Generator().manual_seed(footage.next_seed)
        self.no_pose = self._encode(self._plain(-1.0))  # what the engine's VAE makes of no skeleton
        self._no_known = self._encode(self._plain(0.0))

    def __len__(self) -> int:
        return len(self._aims)

    def _empty(self, room: int, spec: ModelSpec) -> dict[str, Tensor]:
        side, z_dim, latents = self.footage.size // LATENT_STRIDE, spec.vae.z_dim, (self.frames - 1) // 4 + 1

        def zeros(*shape: int, dtype: torch.dtype = torch.float16) -> Tensor:
            return torch.zeros((room, *shape), dtype=dtype, device=self.footage.device)

        return {
            "aim": zeros(dtype=torch.uint8),
            "pose": zeros(z_dim, latents, side, side),
            "reference": zeros(z_dim, 1, side, side),
            "reference_pose": zeros(z_dim, 1, side, side),
            "faces": zeros(self.frames, 3, self._face_px, self._face_px, dtype=torch.uint8),
            "picture": zeros(3, self._image_px, self._image_px),
            "expression": zeros(self.frames, EXPRESSIONS),
            "target": zeros(z_dim, latents, side, side),
            "known": zeros(z_dim, latents, side, side),
            "keep": zeros(self.frames, side, side, dtype=torch.uint8),
            "weight": zeros(latents, side, side),
        }

    def _plain(self, value: float) -> Tensor:
        size = self.footage.size
        return torch.full((1, 3, self.frames, size, size), value, device=self.footage.device)

    # ---- Filling

    def fill_up(self, count: int) -> None:
        """Fresh clips until there are *count* samples, of each aim by its share."""
        held = Counter(self._aims)
        missing = sum(max(0, round(share * count) - held[aim]) for aim, share in self.mix.aims.items())
        self.fill(-(-missing // self.mix.views))

    @torch.no_grad()
    def fill(self, count: int) -> None:
        """Renders and encodes *count* fresh clips."""
        want = WANT | {aim.truth for aim in self.mix.aims}
        for clips in self.footage.clips(count, self.frames, want):
            self._take_in(clips)
            for _ in range(self.mix.views - 1):
                self._take_in(another_view(clips, self._luck))
        self._weigh()

    def _take_in(self, clips: ClipBatch) -> None:
        aims = self._aims_behind(len(clips.plate))
        self._store(aims, self._guiding(clips) | self._of_aims(clips, aims))

    def _aims_behind(self, count: int) -> list[Aim]:
        """*count* times the aim that has the fewest samples for its share."""
        held, shares, chosen = Counter(self._aims), self.mix.aims, []
        for _ in range(count):
            chosen.append(min(shares, key=lambda aim: (held[aim] + 1) / shares[aim]))
            held[chosen[-1]] += 1
        return chosen

    def _guiding(self, clips: ClipBatch) -> dict[str, Tensor]:
        """What leads to a clip's result, whatever its aim."""
        pose, faces = guides(clips, self._face_px)
        picture = to_signed(clips.character)
        return {
            "pose": self._encode(pose),
            "reference": self._encode(picture[:, :, None]),
            "reference_pose": self._encode(character_skeleton(clips)),
            "faces": faces.add(1).mul(127.5).round(),
            "picture": self._squashed(picture),
            "expression": clips.expression,
        }

    def _of_aims(self, clips: ClipBatch, aims: Sequence[Aim]) -> dict[str, Tensor]:
        truth = torch.stack([getattr(clips, aim.truth)[b] for b, aim in enumerate(aims)])
        target = self._encode(to_signed(truth).transpose(1, 2))
        overlaps = self._carried(target)
        modes = [aim.mode for aim in aims]
        options = [random_options(self._luck) for _ in aims]
        known, keep = known_pixels(clips, modes, options, overlaps)
        told = [b for b, mode in enumerate(modes) if mode is Mode.REPLACE or overlaps[b] is not None]
        return {
            "target": target,
            "known": self._known(known, told),
            "keep": keep,
            "weight": latent_weight(truth_importance(clips, aims)),
        }

    def _carried(self, target: Tensor) -> list[Tensor | None]:
        """The first frames of each clip as an earlier segment would have left them: decoded."""
        shares = torch.tensor(list(self._overlaps.values()))
        drawn = torch.multinomial(shares, len(target), replacement=True, generator=self._luck).tolist()
        counts = [list(self._overlaps)[number] for number in drawn]
        carried: list[Tensor | None] = [None] * len(target)
        for count in filter(None, self._overlaps):
            if rows := [b for b, own in enumerate(counts) if own == count]:
                videos = self._decode(target[rows, :, : (count - 1) // 4 + 1])
                for row, video in zip(rows, videos, strict=True):
                    carried[row] = video
        return carried

    def _known(self, known: Tensor, told: list[int]) -> Tensor:
        """Latents of the known frames; those that are not *told* are grey, the same every time."""
        latents = self._no_known.repeat(len(known), 1, 1, 1, 1)
        if told:
            latents[told] = self._encode(known[told])
        return latents

    def _encode(self, video: Tensor) -> Tensor:
        return self._in_parts(one_pass.encode, video, FRAMES_AT_ONCE // video.shape[2])

    def _decode(self, latents: Tensor) -> Tensor:
        frames = 4 * latents.shape[2] - 3
        return self._in_parts(one_pass.decode, latents, FRAMES_AT_ONCE // frames).clamp(-1, 1)

    def _in_parts(self, function: Callable[[WanVae, Tensor], Tensor], rows: Tensor, at_once: int) -> Tensor:
        """*function* of the VAE over *rows* (B, ...), in parts of few sizes."""
        made = []
        with torch.no_grad(), mixed(self.footage.device):
            for part in rows.split(max(self._whole, at_once - at_once % self._whole)):
                spare = part[:1].expand(-len(part) % self._whole, *[-1] * (part.ndim - 1))
                made.append(function(self.vae, torch.cat([part, spare]))[: len(part)])
        return torch.cat(made)

    def _squashed(self, picture: Tensor) -> Tensor:
        """As the image encoder begins, so that what it is fed later passes through unchanged."""
        side = (self._image_px, self._image_px)
        return F.interpolate(picture, side, mode="bilinear", align_corners=False, antialias=True)

    def _store(self, aims: Sequence[Aim], tensors: dict[str, Tensor]) -> None:
        places = [(self._next + k) % self._capacity for k in range(len(aims))]
        for place, aim in zip(places, aims, strict=True):
            self._aims[place : place + 1] = [aim]
        where = torch.tensor(places, device=self.footage.device)
        numbers = torch.tensor(aims, device=self.footage.device)
        for name, tensor in (tensors | {"aim": numbers}).items():
            self._rooms[name][where] = tensor.to(self._rooms[name].dtype)
        self._next = places[-1] + 1

    # ---- Kept for the next stage

    def save(self, file: Path) -> None:
        """What is held, and a digest of the VAE it was encoded by."""
        held = {name: room[: len(self)].contiguous() for name, room in self._rooms.items()}
        save_file(held, file, {"vae": self._vae_digest(), "next": str(self._next)})

    def load(self, file: Path) -> None:
        """Goes on with the samples of *file*, as many as there is room for; with none if they are of another length.

        Raises WeightsMismatch if another VAE encoded them.
        """
        with safe_open(file, "pt", device=str(self.footage.device)) as held:
            stored = {name: held.get_slice(name).get_shape()[1:] for name in held.keys()}  # noqa: SIM118
            if stored != {name: list(room.shape[1:]) for name, room in self._rooms.items()}:
                return
            if (held.metadata() or {}).get("vae") != self._vae_digest():
                raise WeightsMismatch(f"{file} was encoded by another VAE. Delete it: it will be made again.")
            for name, room in self._rooms.items():
                samples = held.get_tensor(name)[: self._capacity]
                room[: len(samples)] = samples
            self._aims = [Aim(number) for number in self._rooms["aim"][: len(samples)].tolist()]
            self._next = int(held.metadata()["next"]) % self._capacity
        self._weigh()

    def _vae_digest(self) -> str:
        digest = hashlib.sha256()
        for tensor in self.vae.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    # ---- Drawing

    def _weigh(self) -> None:
        """How likely each sample is, for all aims together and for one alone: on the device once, not in every step."""
        held = Counter(self._aims)
        shares = [self.mix.aims.get(aim, 0.0) / held[aim] for aim in self._aims]
        self._chances = {None: torch.tensor(shares, device=self.footage.device)}
        for aim in self.mix.aims:
            own = torch.tensor([float(each is aim) for each in self._aims])
            self._chances[aim] = own.to(self.footage.device)

    def draw(self, batch: int, generator: torch.Generator, aim: Aim | None = None) -> dict[str, Tensor]:
        """Samples of float32, of all aims by their shares or of one: the tensors of a segment, and "aim"."""
        return self._taken(
            torch.multinomial(self._chances[aim], batch, replacement=True, generator=generator)
        )

    def first(self, count: int) -> dict[str, Tensor]:
        """The first samples."""
        return self._taken(torch.arange(min(count, len(self)), device=self.footage.device))

    def _taken(self, rows: Tensor) -> dict[str, Tensor]:
        drawn = {name: room[rows].float() for name, room in self._rooms.items()}
        return drawn | {"faces": to_signed(drawn["faces"]), "aim": drawn["aim"].long()}


def truth_importance(clips: ClipBatch, aims: Sequence[Aim]) -> Tensor:
    """How much each pixel of the truths counts, (B, T, H, W) float32."""
    mattes = [
        (clips.animate_matte if aim is Aim.ANIMATE else clips.truth_matte)[b] for b, aim in enumerate(aims)
    ]
    weight = torch.where(torch.stack(mattes) > 0, float(PERSON), 1.0)
    weight = weight.masked_fill(clips.truth_parts == SKIN_PART, HAND)
    return weight.masked_fill(clips.truth_parts == FACE_PART, FACE)


def latent_weight(importance: Tensor) -> Tensor:
    """(B, T, H, W) -> (B, L, h, w): each latent has the mean of the pixels it holds."""
    cells = F.avg_pool2d(importance, LATENT_STRIDE)
    rest = cells[:, 1:].unflatten(1, (-1, 4)).mean(dim=2)
    return torch.cat([cells[:, :1], rest], dim=1)
