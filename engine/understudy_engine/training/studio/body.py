"""A figure's body: the solids that stand around its skeleton, for all rows at once."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import IntEnum

import torch
from torch import Tensor

from .constants import constant
from .figure import Limb, Skeleton
from .geometry import Frame, bone
from .look import Hair, LookRows, Lower
from .proportions import AVERAGE
from .raster import Group, Material, Parts
from .solids import Cap, Ellipsoid, RoundCone, Sleeve, Trunk, smooth

SKULL = 0.40  # radius, heads
BRIDGE, NOSE_TIP = (0.0, 0.09, 0.375), (0.0, 0.235, 0.455)  # in the head's axes
EAR = 0.395
HEM = 0.62  # where a short sleeve ends on the upper arm
SHORTS_HEM = 0.80  # where shorts end on the thigh
JAW_DROP = 0.085  # heads the chin goes down when the mouth opens fully
CURLS = 90
TAPER = (1.0, 0.92, 0.86, 0.76)  # of a finger
FINGERS = ((1, 0.092), (5, 0.085), (9, 0.088), (13, 0.083), (17, 0.074))  # first joint, radius in hands
TORSO_HEIGHTS = (-0.13, -0.05, 0.04, 0.12, 0.28, 0.70, 1.30, 1.70, 2.16)  # heads below the neck's root
SKIRT_HEIGHTS = (0.0, 0.12, 0.35, 0.7, 1.0)  # of a skirt's length


class Axes(IntEnum):
    """The frames in which parts are painted."""

    HEAD = 0
    TORSO = 1
    PELVIS = 2
    LEFT_UPPER_ARM = 3
    LEFT_FOREARM = 4
    RIGHT_UPPER_ARM = 5
    RIGHT_FOREARM = 6
    LEFT_THIGH = 7
    LEFT_SHIN = 8
    RIGHT_THIGH = 9
    RIGHT_SHIN = 10


class _Cones:
    """Collects round cones: K of each addition, of all rows."""

    def __init__(self) -> None:
        self._solids: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]] = []
        self._material: list[Material] = []
        self._frame: list[int] = []

    def add(
        self,
        a: Tensor,
        b: Tensor,
        ra: Tensor,
        rb: Tensor,
        material: Material,
        frame: int,
        present: Tensor | None = None,
    ) -> None:
        """*a*, *b* (N, 3) or (N, K, 3), radii (N,) or (N, K); *present* (N,), everywhere if not given."""
        if a.dim() == 2:
            a, b, ra, rb = a[:, None], b[:, None], ra[:, None], rb[:, None]
        shape = a.shape[:2]
        there = torch.ones((), dtype=torch.bool, device=a.device) if present is None else present[:, None]
        self._solids.append((a, b.expand_as(a), ra.expand(shape), rb.expand(shape), there.expand(shape)))
        self._material += [material] * shape[1]
        self._frame += [frame] * shape[1]

    def group(self) -> Group:
        a, b, ra, rb, present = (torch.cat(column, dim=1) for column in zip(*self._solids, strict=True))
        return Group(RoundCone(a, b, ra, rb), present, tuple(self._material), tuple(self._frame))


def body_parts(skeleton: Skeleton, look: LookRows) -> Parts:
    """Every part of the figures that a camera may see. Memory: about 12 KB a row."""
    cones = _Cones()
    _head(cones, skeleton)
    _hair(cones, skeleton, look)
    for limb, arm_axes, leg_axes in (
        (skeleton.left, Axes.LEFT_UPPER_ARM, Axes.LEFT_THIGH),
        (skeleton.right, Axes.RIGHT_UPPER_ARM, Axes.RIGHT_THIGH),
    ):
        _arm(cones, limb, skeleton, look, arm_axes)
        _hand(cones, limb, skeleton, arm_axes + 1)
        _leg(cones, limb, skeleton, look, leg_axes)
    _hips(cones, skeleton, look)
    frames = _axes(skeleton)
    cloth = (_sleeves(skeleton, look), _torso(skeleton), _skirt(skeleton, look))
    return Parts(
        groups=(cones.group(), _caps(skeleton, look), *cloth),
        origins=torch.stack([frame.origin for frame in frames], dim=1),
        rotations=torch.stack([frame.rotation for frame in frames], dim=1),
    )


def _axes(skeleton: Skeleton) -> list[Frame]:
    """The frames in the order of Axes."""
    frames = [skeleton.head, skeleton.torso, skeleton.pelvis]
    for limb in (skeleton.left, skeleton.right):
        frames += [bone(limb.shoulder, limb.elbow), bone(limb.elbow, limb.wrist)]
    for limb in (skeleton.left, skeleton.right):
        frames += [bone(limb.hip, limb.knee), bone(limb.knee, limb.ankle)]
    return frames


def chin(skeleton: Skeleton) -> Tensor:
    """Middle of the chin's ball in the head's axes, (N, 3)."""
    jaw = skeleton.expression.jaw
    y = skeleton.proportions.face_length + JAW_DROP * jaw
    return torch.stack([torch.zeros_like(y), y, torch.full_like(y, 0.08)], dim=-1)


def _on_head(skeleton: Skeleton, points: tuple[tuple[float, ...], ...]) -> Tensor:
    """Points in parts of the head's size -> (N, K, 3) in the studio."""
    local = constant(points, skeleton.head.origin) * skeleton.proportions.head[:, None, None]
    return skeleton.head.origin[:, None] + local @ skeleton.head.rotation.mT


def _add_on_head(
    cones: _Cones,
    skeleton: Skeleton,
    starts: tuple[tuple[float, ...], ...],
    ends: tuple[tuple[float, ...], ...],
    radii: tuple[tuple[float, ...], tuple[float, ...]],
    material: Material,
    present: Tensor | None = None,
) -> None:
    scale = skeleton.proportions.head[:, None]
    ra, rb = (constant(r, scale) * scale for r in radii)
    a, b = _on_head(skeleton, starts), _on_head(skeleton, ends)
    cones.add(a, b, ra, rb, material, Axes.HEAD, present)


def _head(cones: _Cones, skeleton: Skeleton) -> None:
    body, head = skeleton.proportions, skeleton.head
    end = head.origin + (head.rotation @ (body.head[:, None] * chin(skeleton))[..., None])[..., 0]
    cones.add(head.origin, end, SKULL * body.head, body.jaw * body.head, Material.FACE, Axes.HEAD)
    wings = tuple((side * 0.050, 0.25, 0.400) for side in (-1.0, 1.0))
    starts, ends = (BRIDGE, *wings), (NOSE_TIP, *_behind(wings))
    _add_on_head(cones, skeleton, starts, ends, ((0.035, 0.04, 0.04), (0.062, 0.04, 0.04)), Material.FACE)
    ears = (((-EAR, 0.04, -0.02), (EAR, 0.04, -0.02)), ((-0.375, 0.19, -0.01), (0.375, 0.19, -0.01)))
    _add_on_head(cones, skeleton, *ears, ((0.075, 0.075), (0.05, 0.05)), Material.SKIN)
    nape = _on_head(skeleton, ((0.0, 0.22, -0.21),))[:, 0]
    root = skeleton.torso.point(0.0, 0.10, -0.08)
    thick = body.neck_radius
    cones.add(root, nape, thick * 1.12, thick, Material.SKIN, Axes.TORSO)


def _behind(points: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """The other ends of cones that shall be balls."""
    return tuple((x, y, z - 1e-3) for x, y, z in points)


def _hair(cones: _Cones, skeleton: Skeleton, look: LookRows) -> None:
    style = look.hairstyle
    bun = ((0.0, -0.45, -0.14),)
    _add_on_head(
        cones, skeleton, bun, _behind(bun), ((0.17,), (0.17,)), Material.HAIR, (style == Hair.BUN) & ~look.hat
    )
    curls = _curls()
    radii = tuple(0.098 + 0.02 * math.cos(7 * k) for k in range(len(curls)))
    _add_on_head(
        cones,
        skeleton,
        curls,
        _behind(curls),
        (radii, radii),
        Material.HAIR,
        (style == Hair.CURLS) & ~look.hat,
    )
    for kind, end in ((Hair.BOB, 0.40), (Hair.LONG, 0.80)):
        starts = ((0.0, -0.02, -0.20), (-0.37, -0.02, -0.01), (0.37, -0.02, -0.01))
        ends = ((0.0, end, -0.30), (-0.38, end, 0.0), (0.38, end, 0.0))
        thick = ((0.43, 0.10, 0.10), (0.34, 0.085, 0.085))
        _add_on_head(cones, skeleton, starts, ends, thick, Material.HAIR, style == kind)


def _curls() -> tuple[tuple[float, ...], ...]:
    """Small balls all over the cap, evenly, as seeds sit in a sunflower."""
    found = []
    for k in range(CURLS):
        y = -1 + 2 * (k + 0.5) / CURLS
        angle = k * math.pi * (3 - math.sqrt(5))
        ring = math.sqrt(1 - y * y)
        x, z = ring * math.cos(angle), ring * math.sin(angle)
        if y > 0.35 or (z > 0.25 and y > -0.58):
            continue  # neither on the neck nor before the face
        found.append((0.45 * x, 0.45 * y - 0.05, 0.45 * z - 0.05))
    return tuple(found)


def _arm(cones: _Cones, limb: Limb, skeleton: Skeleton, look: LookRows, axes: int) -> None:
    thick, long = skeleton.proportions.arm_radius, look.long_sleeves
    upper, lower = axes, axes + 1
    cones.add(limb.shoulder, limb.elbow, thick * 1.22, thick * 1.02, Material.SLEEVE, upper, long)
    cuff = torch.lerp(limb.elbow, limb.wrist, 0.9)
    cones.add(limb.elbow, cuff, thick * 1.02, thick * 0.84, Material.SLEEVE, lower, long)
    band = torch.lerp(limb.elbow, limb.wrist, 0.82)
    cones.add(band, cuff, thick * 0.88, thick * 0.88, Material.CUFF, lower, long)
    cones.add(limb.shoulder, limb.elbow, thick * 1.1, thick * 0.86, Material.SKIN, upper, ~long)
    middle = torch.lerp(limb.elbow, limb.wrist, 0.3)
    cones.add(limb.elbow, middle, thick * 0.84, thick * 0.86, Material.SKIN, lower, ~long)
    cones.add(middle, limb.wrist, thick * 0.86, thick * 0.55, Material.SKIN, lower)


def _hand(cones: _Cones, limb: Limb, skeleton: Skeleton, axes: int) -> None:
    points, length = limb.hand, skeleton.proportions.hand[:, None]
    wrist, knuckles = points[:, :1], points[:, 5:18:4]
    # the palm: four rays from the wrist to the fingers, the ball of the thumb, and what joins it to the palm
    start = torch.lerp(wrist.expand_as(knuckles), knuckles, 0.12)
    cones.add(start, knuckles, length * 0.10, length * 0.088, Material.SKIN, axes)
    ball = torch.lerp(points[:, 0], points[:, 1], 0.45)
    cones.add(ball, points[:, 1], length[:, 0] * 0.10, length[:, 0] * 0.085, Material.SKIN, axes)
    cones.add(points[:, 1], points[:, 5], length[:, 0] * 0.07, length[:, 0] * 0.08, Material.SKIN, axes)
    fingers = points[:, 1:].unflatten(1, (5, 4))  # (N, 5, 4, 3)
    thick = constant(tuple(tuple(radius * taper for taper in TAPER) for _, radius in FINGERS), length)
    radii = thick * length[:, :, None]  # (N, 5, 4)
    a, b = fingers[:, :, :-1].flatten(1, 2), fingers[:, :, 1:].flatten(1, 2)
    cones.add(a, b, radii[:, :, :-1].flatten(1), radii[:, :, 1:].flatten(1), Material.SKIN, axes)


def _leg(cones: _Cones, limb: Limb, skeleton: Skeleton, look: LookRows, axes: int) -> None:
    body = skeleton.proportions
    thigh, shin = axes, axes + 1
    trousers = look.lower == Lower.TROUSERS
    wide, knee, calf = body.thigh_radius, body.thigh_radius * 0.62, body.calf_radius
    muscle = torch.lerp(limb.knee, limb.ankle, 0.28)
    bare = ~trousers
    hidden = torch.where(look.lower == Lower.SKIRT, 0.7, 0.12)[:, None]  # under the shirt or the skirt
    top = torch.lerp(limb.hip, limb.knee, hidden)
    thick = torch.lerp(wide * 0.92, knee * 0.94, hidden[:, 0])
    cones.add(top, limb.knee, thick, knee * 0.94, Material.SKIN, thigh, bare)
    cones.add(limb.knee, muscle, knee * 0.92, calf * 0.96, Material.SKIN, shin, bare)
    cones.add(muscle, limb.ankle, calf * 0.96, calf * 0.50, Material.SKIN, shin, bare)
    cones.add(top, limb.knee, wide, knee * 1.12, Material.LOWER, thigh, trousers)
    end = torch.lerp(limb.knee, limb.ankle, 0.92)
    cones.add(limb.knee, end, knee * 1.12, calf * 0.88, Material.LOWER, shin, trousers)
    _shoe(cones, limb, skeleton, shin)


def _shoe(cones: _Cones, limb: Limb, skeleton: Skeleton, axes: int) -> None:
    foot = skeleton.proportions.foot
    up = limb.ankle - limb.heel
    forward = limb.toe - limb.heel
    length = forward.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    forward = forward / length
    up = up - (up * forward).sum(-1, keepdim=True) * forward
    up = up / up.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    size = foot[:, None]
    heel = limb.heel + size * (0.11 * up + 0.12 * forward)
    ball = limb.heel + size * (0.115 * up + 0.66 * forward)
    tip = limb.toe + size * (0.085 * up - 0.12 * forward)
    cones.add(heel, ball, foot * 0.115, foot * 0.125, Material.SHOE, axes)
    cones.add(ball, tip, foot * 0.125, foot * 0.095, Material.SHOE, axes)
    cones.add(
        limb.ankle + 0.02 * size * up,
        heel + 0.03 * size * forward,
        foot * 0.105,
        foot * 0.12,
        Material.SHOE,
        axes,
    )
    cones.add(limb.ankle, ball, foot * 0.10, foot * 0.105, Material.SHOE, axes)


def _hips(cones: _Cones, skeleton: Skeleton, look: LookRows) -> None:
    """The seat of trousers and shorts: wide balls, and one across that reaches up under the shirt."""
    body, pelvis = skeleton.proportions, skeleton.pelvis
    wide = body.hips * 0.56
    left, right = (torch.lerp(pelvis.origin, limb.hip, 0.62) for limb in (skeleton.left, skeleton.right))
    cones.add(left, right, wide, wide, Material.LOWER, Axes.PELVIS)
    waist = torch.lerp(pelvis.origin, skeleton.torso.origin, 0.22)
    cones.add(pelvis.origin, waist, body.hips * 0.56, body.waist * 0.60, Material.LOWER, Axes.PELVIS)


def _sleeves(skeleton: Skeleton, look: LookRows) -> Group:
    """Short sleeves, and the legs of shorts."""
    body = skeleton.proportions
    a, b, ra, rb, end = [], [], [], [], []
    for limb in (skeleton.left, skeleton.right):
        a.append(limb.shoulder)
        b.append(torch.lerp(limb.shoulder, limb.elbow, HEM))
        ra.append(body.arm_radius * 1.22)
        rb.append(body.arm_radius * 1.24)
        end.append(HEM * body.upper_arm)
    for limb in (skeleton.left, skeleton.right):
        a.append(torch.lerp(limb.hip, limb.knee, 0.12))
        b.append(torch.lerp(limb.hip, limb.knee, SHORTS_HEM))
        ra.append(body.thigh_radius * 1.06)
        rb.append(body.thigh_radius * 0.90)
        end.append((SHORTS_HEM - 0.12) * body.leg)
    short, shorts = ~look.long_sleeves, look.lower == Lower.SHORTS
    cone = RoundCone(torch.stack(a, 1), torch.stack(b, 1), torch.stack(ra, 1), torch.stack(rb, 1))
    return Group(
        Sleeve(cone, torch.stack(end, 1)),
        torch.stack([short, short, shorts, shorts], dim=1),
        (Material.SLEEVE, Material.SLEEVE, Material.LOWER, Material.LOWER),
        (Axes.LEFT_UPPER_ARM, Axes.RIGHT_UPPER_ARM, Axes.LEFT_THIGH, Axes.RIGHT_THIGH),
    )


def _caps(skeleton: Skeleton, look: LookRows) -> Group:
    """The hair on the skull, and a hat over it."""
    head, scale = skeleton.head, skeleton.proportions.head
    full = (look.hairstyle == Hair.BOB) | (look.hairstyle == Hair.LONG)
    grow = torch.where(full, 1.14, 1.09)
    hair = torch.stack([grow, 1.03 * grow, torch.full_like(grow, 1.12)], dim=-1)
    hat = constant((1.17, 1.28, 1.22), grow).expand_as(hair)
    shell = Ellipsoid(
        _on_head(skeleton, ((0.0, -0.035, -0.035), (0.0, -0.06, -0.05))),
        head.rotation[:, None].expand(-1, 2, 3, 3),
        torch.stack([hair, hat], dim=1) * SKULL * scale[:, None, None],
    )

    def twice(values: Tensor) -> Tensor:
        return values[:, None].expand(-1, 2, *values.shape[1:])

    fringe = constant((1.0, 0.0), scale).expand(len(scale), 2)
    cap = Cap(shell, twice(head.origin), twice(scale), twice(look.parting), fringe)
    present = torch.stack([torch.ones_like(look.hat), look.hat], dim=1)
    return Group(cap, present, (Material.HAIR, Material.ACCESSORY), (Axes.HEAD, Axes.HEAD))


def _torso(skeleton: Skeleton) -> Group:
    body, torso = skeleton.proportions, skeleton.torso
    wide, waist, hips = body.shoulders, body.waist, body.hips
    widths = (
        0.19,
        0.25,
        0.42,
        wide + 0.01,
        wide + 0.09,
        wide + 0.03,
        waist,
        0.4 * waist + 0.6 * hips,
        1.16 * hips,
    )
    depths = (0.18, 0.22, 0.26, 0.29, 0.35, 0.41, 0.38, 0.39, 0.46)
    half_width = torch.stack(
        [w if isinstance(w, Tensor) else torch.full_like(wide, w) for w in widths], dim=1
    )
    half_depth = constant(depths, wide).expand_as(half_width) * (0.5 + waist)[:, None].clamp(0.9, 1.15)
    profiles = smooth(TORSO_HEIGHTS, torch.stack([half_width, half_depth], dim=-1))
    stretch = (body.torso / AVERAGE["torso"])[:, None]
    return _trunk(
        torso.origin, torso.rotation[:, :, 1] * stretch, torso, profiles, TORSO_HEIGHTS, Material.SHIRT
    )


def _trunk(
    top: Tensor, down: Tensor, axes: Frame, profiles: Tensor, heights: tuple[float, ...], material: Material
) -> Group:
    """One trunk a row, turned as *axes* are; *down* is as long as one unit of height."""
    turned = torch.atan2(axes.rotation[:, 0, 2], axes.rotation[:, 2, 2])
    number = torch.arange(len(top), device=top.device)
    low, high = heights[0], heights[-1]
    trunk = Trunk(top[:, None], down[:, None], turned[:, None], number[:, None], profiles, low, high)
    frame = Axes.TORSO if material is Material.SHIRT else Axes.PELVIS
    return Group(trunk, torch.ones_like(turned, dtype=torch.bool)[:, None], (material,), (frame,))


def _skirt(skeleton: Skeleton, look: LookRows) -> Group:
    """From the waist to above the knees, wide enough for both legs wherever they are."""
    body, pelvis = skeleton.proportions, skeleton.pelvis
    knees = 0.5 * (skeleton.left.knee + skeleton.right.knee)
    top = torch.lerp(pelvis.origin, skeleton.torso.origin, 0.14)
    down = knees - top
    apart = skeleton.left.knee - skeleton.right.knee
    apart = (pelvis.rotation.mT @ apart[..., None])[..., 0].abs()
    hem_width = torch.maximum(body.hips * 1.25, 0.5 * apart[:, 0] + body.thigh_radius * 0.95)
    hem_depth = torch.maximum(body.hips * 0.85, 0.5 * apart[:, 2] + body.thigh_radius * 0.95)
    hips = body.hips
    part = constant((0.0, 0.0, 0.35, 0.75, 1.0), hips)
    waist_width = torch.stack([0.86 * hips, 0.97 * hips, 1.04 * hips, 1.04 * hips, 1.04 * hips], dim=1)
    waist_depth = torch.stack([0.60 * hips, 0.66 * hips, 0.70 * hips, 0.72 * hips, 0.74 * hips], dim=1)
    width = waist_width + (hem_width - 1.04 * hips).clamp(min=0)[:, None] * part
    depth = waist_depth + (hem_depth - 0.74 * hips).clamp(min=0)[:, None] * part
    profiles = smooth(SKIRT_HEIGHTS, torch.stack([width, depth], dim=-1))
    group = _trunk(top, 0.92 * down, pelvis, profiles, SKIRT_HEIGHTS, Material.LOWER)
    return replace(group, present=(look.lower == Lower.SKIRT)[:, None])
