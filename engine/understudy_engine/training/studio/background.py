"""Places for figures to stand in, painted: three layers a clip, larger than the picture, for the camera to move over.

A layer is a canvas: a square picture of the place around the clip's base view. What is far moves less than the
figures when the camera moves, so each layer is seen through a view of its own. One tensor program paints all clips
of a batch, and its number of steps does not depend on how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .camera import View, level_view
from .light import Light, LightRows, light_rows, studio_light
from .place import HILLS, Finish, Kind, Place, sample_paper, sample_place, stack
from .proportions import FLOOR_Y
from .texture import blur, cells, chance, dead_leaves, falling_noise, hashed, rise

MARGIN = 0.25  # of the picture on each of its sides
PARALLAX = (0.45, 0.75, 0.93)  # how far each layer moves against the figures: far, middle, near
ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Canvases:
    """What B places look like, in linear light."""

    layers: Tensor  # (B, 11, C, C) far (3), middle and near (4 each, colour times coverage before coverage)
    base: View  # (B,) that the canvases were painted around
    floored: Tensor  # (B,) 1 where there is a floor under the figures, else 0
    wall_away: Tensor  # (B,) heads from the figures to a wall that shows their shadows, 0 if none is so near

    def seen_by(self, views: View, clip_index: Tensor) -> Tensor:
        """What the rows' views of clips *clip_index* (N,) see, (N, 3, S, S) in linear light.

        Memory: the result and, for 64 rows at a time, 100 bytes a pixel.
        """
        chunks = torch.arange(len(clip_index), device=clip_index.device).split(ROWS_AT_ONCE)
        return torch.cat([self._seen(views.at(rows), clip_index[rows]) for rows in chunks])

    def _seen(self, views: View, clip: Tensor) -> Tensor:
        canvas = self.layers[clip]
        far, middle, near = (
            see_through(layer, views, self.base.at(clip), moves)
            for layer, moves in zip(canvas.split((3, 4, 4), dim=1), PARALLAX, strict=True)
        )
        for layer in (middle, near):
            far = far * (1 - layer[:, 3:]) + layer[:, :3]
        return far


def see_through(
    layer: Tensor,
    views: View,
    base: View,
    moves: float,
    shift: Tensor | None = None,
    padding: str = "reflection",
) -> Tensor:
    """The canvases (N, K, C, C) as each view sees them, (N, K, S, S).

    *moves*: how much of the camera's way from the base view it shows; *shift* (N, 2): how far, in heads, the canvas
    has been moved.
    """
    size = views.size
    studio = views.to_studio()  # of (column, row, 1)
    away = studio[..., :2].sum(-1) * 0.5 * size + studio[..., 2] - base.centre
    heads = base.size / base.scale * (0.5 + MARGIN)  # from a canvas's middle to its edge
    turned = studio[..., :2] * (0.5 * size / heads)[:, None, None]
    middle = moves * away if shift is None else moves * away - shift
    shape = [len(layer), layer.shape[1], size, size]
    grid = F.affine_grid(
        torch.cat([turned, (middle / heads[:, None])[..., None]], dim=-1), shape, align_corners=False
    )
    return F.grid_sample(layer, grid, padding_mode=padding, align_corners=False)


def ground_pictures(
    places: Sequence[Place], lights: LightRows, base: View, clip_index: Tensor, views: View
) -> Tensor:
    """What the rows' views (N,) of clips *clip_index* (N,) see of the B places, (N, 3, S, S) in linear light.

    Whoever asks in several calls paints once with ``paint_places`` and asks its canvases.
    """
    return paint_places(places, lights, base).seen_by(views, clip_index)


def render_room(rng: np.random.Generator, size: int, light: Light) -> Tensor:
    """A place in *light* as a camera sees it from the waist up, (3, size, size) in linear light."""
    return _render(sample_place(rng), size, light)


def render_paper(rng: np.random.Generator, size: int, light: Light | None = None) -> Tensor:
    """The ground of a character picture in *light*, by default a studio's, (3, size, size) in linear light."""
    return _render(sample_paper(rng), size, light or studio_light())


def _render(place: Place, size: int, light: Light) -> Tensor:
    heads = torch.tensor([2.82])
    view = level_view(size / heads, -heads / 2, torch.tensor([-1.48]), size)
    return ground_pictures([place], light_rows([light], "cpu"), view, torch.tensor([0]), view)[0]


def paint_places(places: Sequence[Place], lights: LightRows, base: View) -> Canvases:
    """The canvases of B places, each in its light (B,), around the base view (B,) of its clip, on the views' device.

    Memory: about 500 bytes for each of (1.5 S)**2 samples and clip while painting, 44 afterwards.
    """
    device = base.scale.device
    place = stack(places, device)
    size = round(base.size * (1 + 2 * MARGIN))
    middles = (torch.arange(size, device=device) + 0.5) / size * (1 + 2 * MARGIN) - MARGIN
    u = middles[None, None, :].expand(len(places), size, size)
    v = middles[None, :, None].expand(len(places), size, size)
    grain = falling_noise(place.seed, size, place.wall.power, place.wall.stretch)
    far = _finished(place.wall, u, v, v, grain, place.seed)
    leafy = [index for index, one in enumerate(places) if one.leaves or one.foliage > 0]
    leaf = _leaves(place, u, v, leafy)
    far = torch.where(place.leaves[:, None, None, None], _leaf_colours(place, leaf, grain), far)
    far = _hills(place, far, u, v, grain, leaf)
    far = _floor(place, far, u, v, base, leaf)
    middle, near = (_boxes(place, u, v, grain, _floor_edge(place, base), near) for near in (False, True))
    lit = _received(lights, place, u, v)
    pixels = place.defocus * base.size
    layers = torch.cat(
        [
            blur(far * lit, pixels[:, 0]) + _lamps(place, u, v, lights),
            blur(torch.cat([middle[:, :3] * lit, middle[:, 3:]], dim=1), pixels[:, 1]),
            blur(torch.cat([near[:, :3] * lit, near[:, 3:]], dim=1), pixels[:, 2]),
        ],
        dim=1,
    )
    return Canvases(layers.clamp(min=0), base, _floored(place, base).float(), place.wall_away)


def _finished(finish: Finish, u: Tensor, v: Tensor, along: Tensor, grain: Tensor, seed: Tensor) -> Tensor:
    """A wall or floor of *finish*, (B, 3, H, W); its colour changes with *along* from 0 to 1."""
    part = along.clamp(0, 1)[:, None]
    colour = torch.lerp(_plane(finish.colours[:, 0]), _plane(finish.colours[:, 1]), part)
    column, row, edge = cells(u, v, *finish.cell.unbind(1))
    tone = chance(seed[:, None, None] + 5, column, row) - 0.5
    bright = 1 + 2 * _field(finish.uneven) * tone * (column != 0).logical_or(row != 0)
    pixel = 1 / u.shape[-1]
    gap = 1 - rise(edge, _field(finish.joint) - pixel, _field(finish.joint) + pixel)
    bright = torch.lerp(bright, _field(finish.joint_tone).expand_as(bright), gap * (_field(finish.joint) > 0))
    return colour * (bright * torch.exp(_field(finish.grain) * grain))[:, None]


def _leaves(place: Place, u: Tensor, v: Tensor, clips: list[int]) -> Tensor:
    """A random integer for the leaf at each sample, (B, H, W), for those *clips* that have leaves."""
    leaf = torch.zeros_like(u, dtype=torch.long)
    if not clips:
        return leaf
    few = torch.tensor(clips, device=u.device)
    return leaf.index_copy(
        0, few, hashed(dead_leaves(place.seed[few], u[few], v[few], place.largest_leaf[few]), 3)
    )


def _leaf_colours(place: Place, leaf: Tensor, grain: Tensor) -> Tensor:
    number = (leaf % place.tones.shape[1]).flatten(1)[:, None].expand(-1, 3, -1)
    colour = place.tones.mT.gather(2, number).view(len(leaf), 3, *leaf.shape[1:])
    return colour * torch.exp(0.35 * _brightness(leaf) + 0.15 * grain)[:, None]


def _brightness(leaf: Tensor) -> Tensor:
    """How bright a leaf is among others, -1 to 1."""
    return (leaf >> 8 & 0xFF).float() / 128 - 1


def _hills(place: Place, far: Tensor, u: Tensor, v: Tensor, grain: Tensor, leaf: Tensor) -> Tensor:
    """Clouds, then hills before them, each with an outline that is itself 1 / f noise."""
    size = u.shape[-1]
    cloudy = rise(grain, 0.2, 1.8) * _field(place.clouds) * rise(v, 0.7, 0.1)
    far = far + (0.85 - far) * cloudy[:, None]
    for index in range(HILLS):
        height, rough, *colour = place.hills[:, index].unbind(1)
        outline = grain[:, (index + 1) * size // (HILLS + 1), None, :]
        top = _field(height) + _field(rough) * outline
        inside = rise(v, top, top + 2 / size)[:, None]
        leaves = (0.3 + 0.3 * index) * _field(place.foliage) * _brightness(leaf)
        shaded = _plane(torch.stack(colour, dim=1)) * torch.exp(leaves + 0.15 * grain)[:, None]
        far = torch.lerp(far, shaded, inside)
    return far


def _floor(place: Place, far: Tensor, u: Tensor, v: Tensor, base: View, leaf: Tensor) -> Tensor:
    """The floor, which lies under the feet where they are in the picture."""
    edge = _field(torch.where(_floored(place, base), _floor_edge(place, base), 2.0))
    away = 0.3 / (v - edge + _field(place.horizon)).clamp(min=0.03)  # 1 near by, more at the back
    across, deep = (u - 0.5) * away, away * 1.7
    noise = falling_noise(place.seed + 1, u.shape[-1], place.floor.power, torch.ones_like(place.floor.power))
    grid = torch.stack([across, deep - 2], dim=-1) * 0.7
    grain = F.grid_sample(noise[:, None], grid, padding_mode="reflection", align_corners=False)[:, 0]
    floor = _finished(place.floor, across, deep, (v - edge) * 1.5, grain, place.seed + 2)
    floor = floor * torch.exp(0.4 * _field(place.foliage) * _brightness(leaf))[:, None]
    corner = 1 - 0.3 * torch.exp(-(v - edge).abs() / 0.03) * (_field(place.falloff) > 0.1)
    inside = rise(v, edge - 0.003, edge + 0.003)[:, None]
    return torch.lerp(far, floor, inside) * torch.where(edge < 1.5, corner, 1.0)[:, None]


def _floored(place: Place, base: View) -> Tensor:
    """Which places have a floor, (B,): those that show feet always do, but for seamless backdrops."""
    feet = (FLOOR_Y - base.top) * base.scale / base.size
    return (place.floor_at < 1.5) | ((feet < 1.1) & (place.kind != Kind.GRADIENT))


def _floor_edge(place: Place, base: View) -> Tensor:
    """Where wall and floor meet, (B,): above the feet, if they are in the picture."""
    feet = (FLOOR_Y - base.top) * base.scale / base.size
    return torch.minimum(place.floor_at.clamp(max=1.0), feet - 0.04 - 0.3 * place.horizon)


def _boxes(place: Place, u: Tensor, v: Tensor, grain: Tensor, edge: Tensor, near: bool) -> Tensor:
    """What stands at the wall or hangs on it, or is nearer by, (B, 4, H, W): colour times coverage, coverage."""
    layer = u.new_zeros((len(u), 4, *u.shape[1:]))
    pixel = 1.5 / u.shape[-1]
    for index in range(place.boxes.shape[1]):
        x, foot, half_w, half_h, corner, opacity, is_near, cell_w, cell_h, uneven, *colour = (
            _field(value) for value in place.boxes[:, index].unbind(1)
        )
        y = _field(edge) + foot - half_h
        dx, dy = (u - x).abs() - half_w + corner, (v - y).abs() - half_h + corner
        outside = torch.hypot(dx.clamp(min=0), dy.clamp(min=0)) + torch.maximum(dx, dy).clamp(max=0) - corner
        alpha = rise(-outside, -pixel, pixel) * opacity * (is_near == float(near))
        rounded = 1.1 - 0.35 * ((v - y) / half_h + 0.6 * (u - x) / half_w).clamp(-1, 1) + 0.08 * grain
        column, row = ((u - x) / cell_w + 0.5).floor().long(), ((v - y) / cell_h + 0.5).floor().long()
        tone = 1 + uneven * (chance(_field(place.seed) + index, column, row) - 0.5) * (cell_w < 1)
        painted = torch.stack(colour, dim=1) * (rounded * tone)[:, None]
        layer = layer * (1 - alpha[:, None]) + torch.cat([painted * alpha[:, None], alpha[:, None]], dim=1)
    return layer


def _lamps(place: Place, u: Tensor, v: Tensor, lights: LightRows) -> Tensor:
    """Discs of light, as a lens makes of lamps out of focus."""
    light = u.new_zeros((len(u), 3, *u.shape[1:]))
    for index in range(place.lamps.shape[1]):
        x, y, radius, *_ = (_field(value) for value in place.lamps[:, index].unbind(1))
        inside = rise(radius - torch.hypot(u - x, v - y), -0.006, 0.006)
        light = light + inside[:, None] * _plane(place.lamps[:, index, 3:])
    return light * _plane(lights.key + lights.sky)


def _received(lights: LightRows, place: Place, u: Tensor, v: Tensor) -> Tensor:
    """The light that reaches the place's surfaces, (B, 3, H, W): the key falls off from its side; corners are
    darker."""
    x, y, z = (_field(value) for value in lights.direction.unbind(1))
    falloff = _field(place.falloff)
    toward = (u - 0.5) * x + (v - 0.5) * y
    key = (0.42 + 0.38 * z.clamp(min=0)) * (1 + 1.6 * falloff * toward).clamp(min=0.15)
    corners = 1 - 0.8 * falloff * ((u - 0.5) ** 2 + (v - 0.5) ** 2).clamp(0, 1)
    around = _plane(0.9 * lights.sky + 0.6 * lights.fill + 0.2 * lights.ground)
    return (key[:, None] * _plane(lights.key) + around) * corners[:, None]


def _field(values: Tensor) -> Tensor:
    """(B,) -> (B, 1, 1)"""
    return values[:, None, None]


def _plane(colours: Tensor) -> Tensor:
    """(B, 3) -> (B, 3, 1, 1)"""
    return colours[:, :, None, None]
