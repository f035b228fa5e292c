"""What the model is told about a segment, as latents: reference, known frames, and which of them are known.

Source: Wan2.2 reference wan/animate.py (get_i2v_mask and generate); research: engine_spec.md §3.3. In masks
1 = known, keep; 0 = make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LATENT_STRIDE = 8  # pixels a latent sample, both ways


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPixels:
    """A segment's inputs in pixels, all of the same T = 4n + 1 frames, float32 in [-1, 1]."""

    pose: Tensor  # (3, T, H, W) the drawn skeleton
    faces: Tensor  # (T, 3, S, S); -1 everywhere where there is no face
    known: Tensor  # (3, T, H, W) frames carried over, then the background (replace) or grey (animate)
    keep: Tensor  # (T, h, w) float32, 1 where *known* is to be kept, at latent size

    def to(self, device: torch.device | str) -> SegmentPixels:
        return SegmentPixels(
            pose=self.pose.to(device),
            faces=self.faces.to(device),
            known=self.known.to(device),
            keep=self.keep.to(device),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentMaterial:
    """The same, before it is known how the segment before ends."""

    overlap: int  # frames that are that segment's last ones
    pose: Tensor
    faces: Tensor
    known: Tensor  # the background or grey alone
    keep: Tensor
    pinned: tuple[Sequence[int], Tensor] | None = None  # frames of an earlier take, and where they are

    def after(self, overlap: Tensor | None) -> SegmentPixels:
        """*overlap* (3, r, H, W): the last frames of the segment before, or None for the first of a take."""
        known, keep = self.known, self.keep
        if overlap is not None:
            known, keep = carry_over(known, keep, overlap[:, -self.overlap :])
        if self.pinned is not None:
            known, keep = pin(known, keep, *self.pinned)
        return SegmentPixels(pose=self.pose, faces=self.faces, known=known, keep=keep)


def carry_over(known: Tensor, keep: Tensor, overlap: Tensor) -> tuple[Tensor, Tensor]:
    """*known* (3, T, H, W) and *keep* (T, h, w) with their first frames taken from *overlap* (3, r, H, W)."""
    r = overlap.shape[1]
    known = torch.cat([overlap.to(known), known[:, r:]], dim=1)
    keep = torch.cat([torch.ones_like(keep[:r]), keep[r:]], dim=0)
    return known, keep


def pin(known: Tensor, keep: Tensor, positions: Sequence[int], frames: Tensor) -> tuple[Tensor, Tensor]:
    """*known* (3, T, H, W) and *keep* (T, h, w) with *frames* (3, n, H, W) as known at the n *positions*."""
    known, keep = known.clone(), keep.clone()
    known[:, positions], keep[positions] = frames, 1
    return known, keep


def person_to_keep(person: Tensor) -> Tensor:
    """The keep mask (T, H/8, W/8) of a person matte (T, H, W), 1 = the person; the top left pixel of a cell counts."""
    height, width = person.shape[1:]
    size = (height // LATENT_STRIDE, width // LATENT_STRIDE)
    return 1 - F.interpolate(person[:, None].float(), size=size, mode="nearest")[:, 0]


def pack_mask(keep: Tensor) -> Tensor:
    """Mask frames beside their latent: (T, h, w) -> (4, (T - 1) / 4 + 1, h, w).

    The first frame, alone in its latent, is repeated four times; each later latent holds its own four frames.
    """
    rows = torch.cat([keep[:1].expand(4, -1, -1), keep[1:]])  # (4L, h, w)
    return torch.stack([rows[row::4] for row in range(4)])


def layout(reference: Tensor, known: Tensor, keep: Tensor) -> Tensor:
    """The model's condition channels (20, L + 1, h, w).

    Args:
        reference: latent of the character picture, (16, 1, h, w); all of it is known.
        known: latent of the known frames, (16, L, h, w).
        keep: (T, h, w) with T = 4 (L - 1) + 1.
    """
    mask = pack_mask(keep)
    whole = torch.ones_like(reference[:4])
    return torch.cat([torch.cat([whole, reference]), torch.cat([mask, known])], dim=1)
