"""Vectors and rotations, batched over figures and frames (N).

The studio's space: x to the right of the picture, y down, z toward the viewer. The unit is the height of an
average head. A person's left is at +x.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a body part's own axes are: columns of *rotation* (N, 3, 3), from *origin* (N, 3)."""

    origin: Tensor
    rotation: Tensor

    def place(self, local: Tensor) -> Tensor:
        """Local points (N, 3) or (K, 3) -> (N, 3) or (N, K, 3) in the studio."""
        if local.dim() == 2 and local.shape[0] != self.origin.shape[0]:
            return self.origin[:, None] + local @ self.rotation.mT
        return self.origin + (self.rotation @ local[..., None])[..., 0]

    def point(self, x: float, y: float, z: float) -> Tensor:
        """The local point (x, y, z) in the studio, (N, 3)."""
        return self.origin + self.rotation @ self.origin.new_tensor([x, y, z])


def vector(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return torch.stack([x, y, z], dim=-1)


def unit(v: Tensor) -> Tensor:
    return F.normalize(v, dim=-1)


def turn(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Rotations (N, 3, 3) by angles in radians, each (N,): roll first, then nod, then turn.

    Positive: face to the right of the picture, nod down, lean clockwise.
    """
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    cy, sy, cp, sp, cr, sr = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin(), roll.cos(), roll.sin()
    turned = torch.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], dim=-1)
    nodded = torch.stack([one, zero, zero, zero, cp, sp, zero, -sp, cp], dim=-1)
    leaned = torch.stack([cr, -sr, zero, sr, cr, zero, zero, zero, one], dim=-1)
    a, b, c = (m.unflatten(-1, (3, 3)) for m in (turned, nodded, leaned))
    rotation: Tensor = a @ b @ c
    return rotation


def bone(start: Tensor, end: Tensor) -> Frame:
    """A limb's axes: y along the bone, x across it as the viewer sees it, z what is left."""
    along = unit(end - start)
    across = torch.linalg.cross(along, along.new_tensor([0.0, 0.0, 1.0]).expand_as(along))
    # A bone that points at the viewer has no "across"; any will do.
    across = torch.where(across.norm(dim=-1, keepdim=True) < 1e-3, across.new_tensor([1.0, 0.0, 0.0]), across)
    across = unit(across - (across * along).sum(-1, keepdim=True) * along)
    return Frame(start, torch.stack([across, along, torch.linalg.cross(across, along)], dim=-1))
