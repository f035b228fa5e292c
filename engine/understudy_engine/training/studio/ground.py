"""The shadows of figures on the floor they stand on and on a wall close behind them.

A shadow belongs to the picture outside the figure's matte: the empty place has none, the plate has the driver's, the
truth has the character's own. It is a silhouette laid down by the light's direction, blurred and faint, not a
simulation: it takes at most 55 % of a floor's light, and 30 % of a wall's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import View
from .light import LightRows, blur_box
from .proportions import FLOOR_Y

COARSE = 2  # pixels of the picture to one of the shadow's, each way
FORESHORTENING = 0.30  # how much of a length along the floor, away from the viewer, is seen
FLOOR_SHARE, CONTACT_SHARE, WALL_SHARE = 0.55, 0.55, 0.30  # of the ground's light that a full shadow takes
FADES_HEADS = 1.5  # how far above the feet, in the picture, a shadow on the floor has faded


def cast_shadows(
    coverage: Tensor,
    views: View,
    lights: LightRows,
    floored: Tensor,
    wall_away: Tensor,
    floor_y: float = FLOOR_Y,
) -> Tensor:
    """What part of the ground's light is left where figures shadow it, (N, 1, S, S) in 0-1.

    *coverage* (N, S, S) of all figures of a row; *floored* and *wall_away* (N,) as ``Canvases`` gives them; *floor_y*
    where their feet stand, heads. Memory: about 10 bytes a pixel.
    """
    size = coverage.shape[-1]
    coarse = F.avg_pool2d(coverage[:, None], COARSE)
    sides = coarse.shape[-1]
    share = _key_share(lights)
    softness = lights.softness[:, None, None, None]
    height = _height(views, sides, floor_y)  # heads above the floor line
    stands, hangs = floored[:, None, None, None], (wall_away > 0)[:, None, None, None]
    laid = (2 * _softened(_laid(coarse, views, lights, floor_y), softness)).clamp(max=1)
    floor = laid * (1 - height / FADES_HEADS).clamp(0, 1) * (share * FLOOR_SHARE * stands)
    feet = blur_box(coarse * (1 - (height / 0.4).abs()).clamp(0, 1), max(1, sides // 32))
    contact = (4 * feet).clamp(max=1) * (1 - (height / 0.4).abs()).clamp(0, 1) * (CONTACT_SHARE * stands)
    wall = _softened(_behind(coarse, views, lights, wall_away), softness.clamp(min=0.4))
    wall = (
        wall
        * (share * WALL_SHARE * hangs)
        * torch.lerp(torch.ones_like(height), (height / 0.4).clamp(0, 1), stands)
    )
    taken = torch.maximum(torch.maximum(floor, contact), wall)
    return F.interpolate(1 - taken, size=(size, size), mode="bilinear", align_corners=False)


def _key_share(lights: LightRows) -> Tensor:
    """The part of a ground's light that comes from the key, (N, 1, 1, 1)."""
    key, around = lights.key.mean(1), (lights.sky + lights.fill + lights.ground).mean(1)
    return (key / (key + 0.5 * around).clamp(min=1e-6))[:, None, None, None]


def _height(views: View, sides: int, floor_y: float) -> Tensor:
    """How far above the floor line each coarse sample is, in heads, (N, 1, sides, sides)."""
    middles = (torch.arange(sides, device=views.scale.device) + 0.5) * (views.size / sides)
    down = views.to_studio()[:, 1]
    y = down[:, 0, None, None] * middles + down[:, 1, None, None] * middles[:, None] + down[:, 2, None, None]
    return (floor_y - y)[:, None]


def _laid(coarse: Tensor, views: View, lights: LightRows, floor_y: float) -> Tensor:
    """The silhouettes turned down about the floor line, away from the light."""
    x, y, z = lights.direction.unbind(1)
    steep = (-y).clamp(min=0.5)  # light from lower down would throw shadows out of sight
    lean = (x / steep).clamp(-1.2, 1.2)
    z = torch.where(z >= 0, z.clamp(min=0.4), z.clamp(max=-0.4))
    length = FORESHORTENING * z / steep  # of a shadow's seen height to what casts it
    # A point u above the floor line is shadowed by what is u / length above it, lean * u / length nearer the light.
    line = _line(views, floor_y)
    one, none = torch.ones_like(x), torch.zeros_like(x)
    across = torch.stack([one, -lean / length, lean / length * line], dim=-1)
    down = torch.stack([none, 1 / length, line - line / length], dim=-1)
    return _resampled(coarse, torch.stack([across, down], dim=1))


def _behind(coarse: Tensor, views: View, lights: LightRows, wall_away: Tensor) -> Tensor:
    """The silhouettes moved away from the light, as a wall behind shows them."""
    slope = lights.direction[:, :2] / lights.direction[:, 2:].clamp(min=0.3)
    moved = slope * (wall_away * views.scale * (2 / views.size))[:, None]
    upright = torch.eye(2, device=coarse.device).expand(len(coarse), 2, 2)
    return _resampled(coarse, torch.cat([upright, moved[..., None]], dim=-1))


def _line(views: View, floor_y: float) -> Tensor:
    """The floor line's height in pictures from -1 at the top to 1, where it crosses their middles, (N,)."""
    return (floor_y - views.centre[:, 1]) * views.scale * (2 / views.size)


def _resampled(coarse: Tensor, affine: Tensor) -> Tensor:
    grid = F.affine_grid(affine, list(coarse.shape), align_corners=False)
    return F.grid_sample(coarse, grid, align_corners=False)


def _softened(shadow: Tensor, softness: Tensor) -> Tensor:
    sides = shadow.shape[-1]
    return torch.lerp(blur_box(shadow, max(1, sides // 96)), blur_box(shadow, max(1, sides // 32)), softness)
