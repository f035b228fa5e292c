"""Retargeting: the clip's motion on the character's own proportions (engine_spec 6.8, no picture editing).

The first frame of the clip and the character's picture are taken as the same pose; the ratios of their bone
lengths are then applied to every frame, bone by bone from the neck outwards, and the whole body is moved so
that the feet (or the neck) stand where the character's do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..types import FrameSize, LimbFactors
from .joints import LIMBS
from .keypoints import Skeleton
from .proportions import of_limbs, stretch

Points = NDArray[np.floating[Any]]

NOSE, NECK = 0, 1
RIGHT_WRIST, LEFT_WRIST = 4, 7
HIPS, ANKLES = [8, 11], [10, 13]
FEET = ([10, 19], [13, 18])  # ankle and toe, right and left

SEEN = 0.5  # score above which a joint is used to compare sizes
IN_FRAME = 0.4  # score from which a joint counts as in the picture; hand points below it are dropped

# Pairs of limbs that keep the larger ratio of the two, so that no side comes out too short ...
LARGER = ([0, 1], [2, 4], [3, 5], [6, 9], [7, 10], [8, 11], [17, 18])
# ... and that take the mean: eyes, ears.
MEAN = ([13, 15], [14, 16])
FOOT_AND_CALF = ((17, 11), (18, 8))
FOOT_TO_CALF = 0.5  # a foot is at most this much of its calf
AS_MEASURED = LimbFactors()


class Framing(IntEnum):
    """How much of a body is in the picture."""

    HALF = 0
    THREE_QUARTER = 1
    FULL = 2


class Retarget(NamedTuple):
    """How one clip's body becomes the character's. Lengths in pixels of the clip."""

    ratios: NDArray[np.float64]  # of each limb
    offset: NDArray[np.float64]  # x, y to subtract
    scale: float  # clip pixels per pixel of the character's picture
    hands: float  # ratio of the hands' size: the shoulders', times the artist's factor


def retarget(
    clip: Sequence[Skeleton],
    clip_size: FrameSize,
    character: Skeleton,
    character_size: FrameSize,
    *,
    factors: LimbFactors = AS_MEASURED,
    as_reference: bool = False,
) -> Iterator[Skeleton]:
    """Each skeleton of the clip (pixels) as the character would stand, in pixels of the character's picture.

    Both the clip's first frame and the character should face the camera with arms and legs stretched. Hand
    points that score under 0.4 come out as NaN with score 0. *factors* make limbs longer or shorter than the
    character's; the feet (or the neck) stand where they stood without.

    *as_reference* keeps two faults of the reference for comparison: the hands carry each other's names, and a
    right hand that seems nearer to the left wrist (also one without a root) changes sides.
    """
    plan = measure(clip[0].body, clip_size, character.body, character_size, factors)
    for skeleton in clip:
        if as_reference:
            body = _move_body(plan, skeleton.body)
            yield Skeleton(body, *_reference_hands(plan, clip_size, skeleton, body))
        else:
            yield moved(plan, skeleton)


def measure(
    clip: Points,
    clip_size: FrameSize,
    character: Points,
    character_size: FrameSize,
    factors: LimbFactors = AS_MEASURED,
) -> Retarget:
    """Compare the two bodies (20, 3), which take the same pose."""
    scale = _size_ratio(clip, clip_size, character, character_size)
    target = character.astype(float)
    # The reference rounds the character's picture down to whole pixels at the clip's scale.
    target[:, :2] *= [int(side * scale) / side for side in character_size]
    measured = _limb_ratios(clip, target)
    ratios, hands = measured * of_limbs(factors), float(measured[0]) * factors.hands
    framing = min(_framing(clip, clip_size), _framing(character, character_size))
    first = stretch(clip, ratios)
    if framing is not Framing.FULL:
        return Retarget(ratios, first[NECK, :2] - target[NECK, :2], scale, hands)
    # The clip's ground is under its ankles, the character's under the middle of its feet: as the reference.
    ground = first[ANKLES, 1].max() - max(target[foot, 1].mean() for foot in FEET)
    middle = first[HIPS, 0].mean() - target[HIPS, 0].mean()
    return Retarget(ratios, np.array([middle, ground]), scale, hands)


def moved(plan: Retarget, skeleton: Skeleton) -> Skeleton:
    """One of the clip's, in pixels of the character's picture."""
    body = _move_body(plan, skeleton.body)
    return Skeleton(body, *_move_hands(plan, skeleton, body))


def in_clip(plan: Retarget, skeleton: Skeleton) -> Skeleton:
    """A retargeted *skeleton* in pixels of the clip, its neck on the clip's person's: to be laid over the frame."""
    return Skeleton(*(_placed_in_clip(plan, points) for points in skeleton))


def _placed_in_clip(plan: Retarget, points: Points) -> NDArray[np.float64]:
    placed = points.astype(float)
    placed[:, :2] = placed[:, :2] * plan.scale + plan.offset
    return placed


def _move_body(plan: Retarget, body: Points) -> NDArray[np.float64]:
    lengths = _limb_lengths(body) * plan.ratios
    ratios = plan.ratios.copy()
    for foot, calf in FOOT_AND_CALF:
        longest = lengths[calf] * FOOT_TO_CALF
        if lengths[foot] > longest:
            ratios[foot] *= longest / lengths[foot]
    result = stretch(body, ratios)
    result[:, :2] = (result[:, :2] - plan.offset) / plan.scale
    return result


def _limb_lengths(body: Points) -> NDArray[np.float64]:
    ends = np.array(LIMBS)
    return np.asarray(np.hypot(*(body[ends[:, 1], :2] - body[ends[:, 0], :2]).T), float)


def _limb_ratios(clip: Points, target: Points) -> NDArray[np.float64]:
    own, wanted = _limb_lengths(clip), _limb_lengths(target)
    ratios = np.divide(wanted, own, out=np.ones_like(own), where=own > 0)
    ratios[own == 0] = ratios[:2].mean()  # of the shoulders
    for pair in LARGER:
        ratios[pair] = ratios[pair].max()
    for pair in MEAN:
        ratios[pair] = ratios[pair].mean()
    return ratios


def _size_ratio(clip: Points, clip_size: FrameSize, character: Points, character_size: FrameSize) -> float:
    """Clip pixels per pixel of the character's picture, by the bodies' heights or else by the pictures'."""
    for pair in (ANKLES, HIPS):
        seen = all((body[[NOSE, *pair], 2] > SEEN).all() for body in (clip, character))
        heights = [abs(body[pair, 1].mean() - body[NOSE, 1]) for body in (clip, character)]
        if seen and all(heights):
            return float(heights[0] / heights[1])
    return math.sqrt(math.prod(clip_size) / math.prod(character_size))


def _framing(body: Points, size: FrameSize) -> Framing:
    inside = (body[:, 1] <= size.height) & (body[:, 2] >= IN_FRAME)
    if not inside[HIPS].all():
        return Framing.HALF
    return Framing.FULL if inside[ANKLES].all() else Framing.THREE_QUARTER


def _move_hands(plan: Retarget, skeleton: Skeleton, body: Points) -> tuple[Points, Points]:
    """Left and right hand, scaled with the shoulders and hung on the new wrists."""
    left, right = skeleton.left_hand, skeleton.right_hand
    return (
        _move_hand(plan, left, _wrist_shift(left, skeleton.body[LEFT_WRIST], body[LEFT_WRIST])),
        _move_hand(plan, right, _wrist_shift(right, skeleton.body[RIGHT_WRIST], body[RIGHT_WRIST])),
    )


def _reference_hands(
    plan: Retarget, size: FrameSize, skeleton: Skeleton, body: Points
) -> tuple[Points, Points]:
    left, right = skeleton.left_hand, skeleton.right_hand
    wrists = skeleton.body[[LEFT_WRIST, RIGHT_WRIST], :2]
    root = right[0, :2] if right[0, 2] >= IN_FRAME else -np.array(size, float)
    to_left, to_right = np.hypot(*(wrists - root).T)
    left_shift = _wrist_shift(left, wrists[0], body[LEFT_WRIST])
    right_shift = _wrist_shift(right, wrists[1], body[RIGHT_WRIST])
    if to_right > to_left:
        left, right = right, left
    return _move_hand(plan, right, right_shift), _move_hand(plan, left, left_shift)


def _wrist_shift(hand: Points, old_wrist: Points, new_wrist: Points) -> NDArray[np.float64]:
    """How far a hand moves so that its root (the old wrist if it has none) lands on the new wrist."""
    held = hand[0] if hand[0, 2] >= IN_FRAME else old_wrist
    return np.asarray(new_wrist[:2] - held[:2], float)


def _move_hand(plan: Retarget, hand: Points, shift: NDArray[np.float64]) -> NDArray[np.float64]:
    root, scale = hand[0, :2], plan.hands / plan.scale
    result = hand.astype(float)
    result[:, :2] = np.trunc((hand[:, :2] - root) * scale + root + shift)  # whole pixels, as the reference
    result[hand[:, 2] < IN_FRAME] = [np.nan, np.nan, 0]
    return result
