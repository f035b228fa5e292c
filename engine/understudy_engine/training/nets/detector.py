"""The person detector that ships: (1, 3, 640, 640) RGB in 0-1 -> (1, 300, 6), the tensor contract of YOLOv10.

A person is one peak on a map of 40 x 40 cells, amid what is seen of them and always on it; the cell tells how far the
box reaches to each side. Peaks stand alone, so nothing needs to be suppressed afterwards.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import ConvNorm, Hourglass, Mix

SIZE = 640
STRIDE = 16
CELLS = SIZE // STRIDE
FOUND = 300


class Detector(nn.Module):
    cells: Tensor
    signs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            ConvNorm(3, 16, 7, 4), ConvNorm(16, 32, 3, 2), Mix(32), ConvNorm(32, 64, 3, 2)
        )
        self.body = Hourglass((64, 88, 120), (3, 3, 4))
        self.heat = nn.Sequential(ConvNorm(64, 64, 3), _head(1, -4.0))  # most cells hold nobody
        self.reach = nn.Sequential(ConvNorm(64, 64, 3), _head(4, -1.5))
        self.register_buffer("cells", cell_middles(), persistent=False)
        self.register_buffer(
            "signs", torch.tensor([-1.0, -1, 1, 1]).view(1, 4, 1, 1) * SIZE, persistent=False
        )

    def maps(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, 640, 640) -> how surely a cell is a person's middle, logits (B, 1, 40, 40), and the boxes
        x0 y0 x1 y1 that the cells tell, (B, 4, 40, 40) in pixels."""
        x = self.body(self.stem(pictures))
        return self.heat(x), self.cells + torch.sigmoid(self.reach(x).float()) * self.signs

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 300, 6): x0 y0 x1 y1 in pixels of the picture, score, class (0, a person, always), best first."""
        logits, boxes = self.maps(pictures)
        heat = torch.sigmoid(logits.float())
        alone = heat * (F.max_pool2d(heat, 3, 1, 1) == heat).to(torch.float32)
        scores, best = torch.topk(torch.flatten(alone, 2), FOUND)  # (B, 1, 300)
        chosen = torch.gather(torch.flatten(boxes, 2), 2, torch.cat([best] * 4, dim=1))  # (B, 4, 300)
        return torch.cat([chosen, scores, scores * 0.0], dim=1).transpose(1, 2)


def _head(channels: int, bias: float) -> nn.Conv2d:
    head = nn.Conv2d(64, channels, 1)
    nn.init.constant_(head.bias, bias)  # type: ignore[arg-type] # it has one
    return head


def cell_middles() -> Tensor:
    """(1, 4, 40, 40): x y x y of each cell's middle, in pixels."""
    middle = (torch.arange(CELLS) + 0.5) * STRIDE
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    return torch.stack([x, y, x, y])[None]


def detector_loss(logits: Tensor, boxes: Tensor, truth: Tensor, middles: Tensor) -> Tensor:
    """Focal loss of the middles (CornerNet's, arXiv:1808.01244) and generalised IoU of the boxes around them.

    logits (B, 1, 40, 40) and boxes (B, 4, 40, 40) as ``Detector.maps`` gives them; truth (B, P, 4) in pixels of
    the 640 x 640 picture, empty boxes for people who are not there; middles (B, P, 2), where their peaks belong.
    """
    bells, near = _bells(truth, middles)
    target, owner = bells.max(dim=1)  # (B, 40, 40) each
    hit = near.any(dim=1)
    p = torch.sigmoid(logits[:, 0].float()).clamp(1e-4, 1 - 1e-4)
    found = (1 - p) ** 2 * p.log() * hit
    missed = p**2 * (1 - p).log() * (1 - target) ** 4 * ~hit
    focal = -(found + missed).sum() / hit.sum().clamp(min=1)

    weight = torch.where(target > 0.3, target, 0.0)
    wanted = torch.take_along_dim(truth[:, :, None, None], owner[:, None, :, :, None], dim=1)[:, 0]
    overlap = giou(boxes.float().permute(0, 2, 3, 1), wanted)
    return focal + 2 * ((1 - overlap) * weight).sum() / weight.sum().clamp(min=1)


def _bells(truth: Tensor, middles: Tensor) -> tuple[Tensor, Tensor]:
    """Each person's bell around its middle (B, P, 40, 40), and which cell holds the middle."""
    middle = middles.clamp(max=SIZE - 1) / STRIDE  # (B, P, 2)
    extent = (truth[..., 2:] - truth[..., :2]).clamp(min=0) / STRIDE
    there = (extent > 0).all(dim=-1)[..., None, None]
    spread = (0.12 * extent).clamp(min=0.7)
    cell = torch.arange(CELLS, device=truth.device) + 0.5
    away = (cell - middle[..., None]) / spread[..., None]  # (B, P, 2, 40)
    bells = torch.exp(-0.5 * (away[:, :, 1, :, None] ** 2 + away[:, :, 0, None, :] ** 2))
    inside = (middle.floor()[..., None] + 0.5 - cell).abs() < 0.5
    return bells * there, inside[:, :, 1, :, None] & inside[:, :, 0, None, :] & there


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union of boxes (..., 4), -1 to 1 (arXiv:1902.09630)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    both = (high - low).clamp(min=0).prod(dim=-1)
    either = area(a) + area(b) - both
    around = hull.prod(dim=-1).clamp(min=1e-6)
    return both / either.clamp(min=1e-6) - (around - either) / around


def area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)
