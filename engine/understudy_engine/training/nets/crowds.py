"""Pictures laid over one another: the studio draws three people at most, and seldom two who stand close."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .crops import cut
from .points import matte_boxes
from .pool import Rows

LEAST_SEEN = 0.08  # of a person: of whom less is seen, nobody is asked for
NEARER = 1.5  # times as large as in their own picture, at most; and as much smaller
AROUND = 0.2  # of the picture's height, by which they are moved up or down at most
COARSE_PX = 4  # in which what is seen of people is weighed
NEARBY = 15  # such pixels across, an odd number: what lies around a middle


class Crowd(NamedTuple):
    """B pictures and how much of each pixel each of P people covers, as far as they are seen."""

    pictures: Tensor  # (B, 3, H, W) in 0-1
    mattes: Tensor  # (B, P, H, W) in 0-1

    def boxes(self) -> Tensor:
        """(B, P, 4) of what is seen, whole pixels; empty for those who are not."""
        return matte_boxes(self.mattes * 255)

    def middles(self) -> Tensor:
        """(B, P, 2) x, y in pixels: near the middle of each one's box, where most of them is seen around, and always on
        what is seen of them. So no two people have one place in common, as the middles of their boxes may."""
        seen = F.avg_pool2d(self.mattes, COARSE_PX)  # (B, P, h, w)
        around = F.avg_pool2d(seen, NEARBY, 1, NEARBY // 2)
        best = torch.where(seen > 0.5, around - _away(self.boxes() / COARSE_PX, seen), seen - 2)
        x, y = _place(best.flatten(2).argmax(dim=-1), seen.shape[-1])
        return (torch.stack([x, y], dim=-1) + 0.5) * COARSE_PX


def _away(boxes: Tensor, like: Tensor) -> Tensor:
    """(B, P, h, w): how far each place of *like* is from the middles of *boxes*, in their sizes."""
    extent = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1)[..., None, None]
    middle = ((boxes[..., 2:] + boxes[..., :2]) / 2)[..., None, None]
    x, y = _place(torch.arange(like[0, 0].numel(), device=like.device).view(like.shape[-2:]), like.shape[-1])
    return torch.hypot(
        (x + 0.5 - middle[:, :, 0]) / extent[:, :, 0], (y + 0.5 - middle[:, :, 1]) / extent[:, :, 1]
    )


def _place(index: Tensor, wide: int) -> tuple[Tensor, Tensor]:
    """x, y of the *index*-th place of a picture that is *wide*."""
    return index % wide, index // wide


def crowd_of(rows: Rows, row: Tensor) -> Crowd:
    return Crowd(rows.pictures[row].float() / 255, rows.mattes[row].float() / 255)


def laid_over(behind: Crowd, before: Crowd, wanted: Tensor) -> Crowd:
    """The people of *before* in front of *behind*, in those pictures that are *wanted* (B,) bool."""
    before = before._replace(mattes=before.mattes * wanted[:, None, None, None])
    cover = before.mattes.sum(dim=1, keepdim=True).clamp(max=1)
    pictures = behind.pictures * (1 - cover) + before.pictures * cover
    hidden = _without_slivers(behind.mattes * (1 - cover), behind.mattes)
    return Crowd(pictures, torch.cat([hidden, before.mattes], dim=1))


def _without_slivers(seen: Tensor, whole: Tensor) -> Tensor:
    share = seen.sum(dim=(2, 3)) / whole.sum(dim=(2, 3)).clamp(min=1)
    return seen * (share >= LEAST_SEEN)[..., None, None]


def elsewhere(crowd: Crowd, generator: torch.Generator) -> Crowd:
    """The same people at another place and size, mirrored half of the time; black around their picture."""
    count, _, height, width = crowd.pictures.shape
    u = torch.rand(count, 4, generator=generator, device=generator.device)
    extent = NEARER ** (2 * u[:, :1] - 1) * u.new_tensor([width, height])  # of what is shown of their picture
    low = torch.stack([u[:, 1] - 0.5, AROUND * (2 * u[:, 2] - 1)], dim=1) * u.new_tensor([width, height])
    low = low + (u.new_tensor([width, height]) - extent) / 2
    layers = cut(torch.cat(list(crowd), dim=1), torch.cat([low, low + extent], dim=1), height, width)
    layers = torch.where((u[:, 3] < 0.5)[:, None, None, None], layers.flip(-1), layers)
    return Crowd(layers[:, :3], layers[:, 3:])
