# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at an armature through a scene's camera, frame by frame, as rows of 133 points.

Frames are stepped in a copy of the scene, which shares its objects: the artist's own scene keeps its current frame, and
poses that have no key yet stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..ranges import Refusal
from . import bone_maps
from .anchors import Anchor, RestBone, anchors, placed, turned_away
from .camera import View, view
from .occlusion import Hidden, Hit, hider
from .points import BODY, NAMES, NUMBER

SURE = 1.0
BEHIND_BODY = 0.6  # still drawn, less sure: a net, too, guesses an arm behind the back
NOT_SEEN = 0.3  # under 0.5: not drawn
ABSENT = 0.0
POINTS_A_STEP = 16  # that rays are cast to
FACE = range(NUMBER["face_0"], NUMBER["face_67"] + 1)

Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Rig:
    """An armature whose bones are known."""

    armature: bpy.types.Object
    bones: bone_maps.BoneMap
    anchors: dict[int, Anchor]

    @property
    def has_face(self) -> bool:
        return NUMBER["face_0"] in self.anchors


def read_rig(armature: bpy.types.Object) -> Rig:
    """Which of its bones are which joints.

    Raises:
        Refusal: too few of them are known.
    """
    found = bone_maps.match(bone.name for bone in armature.data.bones)
    if found.limb_joints < bone_maps.LEAST_JOINTS:
        raise Refusal(
            f"Of '{armature.name}' {found.limb_joints} of 12 joints of arms and legs are known by name, and "
            f"{bone_maps.LEAST_JOINTS} are needed. Name its bones as Rigify or Mixamo does."
        )
    rest = {
        bone.name: RestBone(np.array(bone.head_local), np.array(bone.tail_local), np.array(bone.matrix_local))
        for bone in armature.data.bones
    }
    return Rig(armature, found, anchors(found, rest))


@contextmanager
def stepped(scene: bpy.types.Scene) -> Iterator[bpy.types.Scene]:
    """A copy of *scene* whose frame may be set; it is gone afterwards."""
    copy = scene.copy()
    try:
        copy.sequence_editor_clear()
        yield copy
    finally:
        bpy.data.scenes.remove(copy)


def sampled(rig: Rig, copy: bpy.types.Scene, layer: str, frames: Iterable[int]) -> Iterator[Rows | None]:
    """The 133 points of each of *frames*: x, y in pixels of what the scene renders, and a score.

    Before each frame comes None several times: a part of its work is done, and whoever asks may pause there.
    *copy* is a scene of `stepped`, *layer* the view layer that is looked at.

    Raises:
        Refusal: the armature is not in the scene, or there is no camera.
    """
    seen_in = copy.view_layers.get(layer) or copy.view_layers[0]
    if rig.armature.name not in seen_in.objects:
        raise Refusal(
            f"'{rig.armature.name}' is not in the view layer '{seen_in.name}'. Choose another, or include it."
        )
    for frame in frames:
        copy.frame_set(frame)
        yield None
        yield from _looked_at(rig, copy, seen_in.depsgraph)


def _looked_at(rig: Rig, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> Iterator[Rows | None]:
    bones = _bones(rig, depsgraph)
    places = placed(rig.anchors, bones)
    known = sorted(rig.anchors)
    camera = view(scene, depsgraph)
    pixels, depth = camera.pixels(places[known])
    eyes = camera.eyes(places)
    away = turned_away(rig.anchors, bones, places, eyes)
    yield None
    cast, torso = _caster(rig, scene, depsgraph), torso_length(places)
    rows = [[0.0, 0.0, ABSENT] for _ in NAMES]
    for number, (point, (x, y), far) in enumerate(
        zip(known, pixels.tolist(), depth.tolist(), strict=True), 1
    ):
        if far > 0:
            hidden = Hidden.BY_THING if point in away else hider(cast, eyes[point], places[point], torso)
            rows[point] = [x, y, _within(camera, x, y, _score(point, hidden))]
        if number % POINTS_A_STEP == 0:
            yield None
    yield rows


def _score(point: int, hidden: Hidden | None) -> float:
    if hidden is Hidden.BY_THING:
        return ABSENT if point in FACE else NOT_SEEN
    return BEHIND_BODY if hidden else SURE


def _bones(rig: Rig, depsgraph: bpy.types.Depsgraph) -> dict[str, NDArray[np.float64]]:
    """Each anchored bone's matrix to the world."""
    armature = rig.armature.evaluated_get(depsgraph)
    if not armature.is_evaluated:
        raise Refusal(
            f"'{armature.name}' is disabled in viewports, so it does not move. Enable it in the Outliner."
        )
    world = np.array(armature.matrix_world)
    wanted = {bone for anchor in rig.anchors.values() for bone in anchor.bones}
    wanted |= {anchor.facing.bone for anchor in rig.anchors.values() if anchor.facing}
    return {bone: world @ np.array(armature.pose.bones[bone].matrix) for bone in wanted}


def _within(camera: View, x: float, y: float, score: float) -> float:
    width, height = camera.size
    return score if 0 <= x < width and 0 <= y < height else min(score, NOT_SEEN)


def torso_length(places: NDArray[np.float64]) -> float:
    """From between the shoulders to between the hips; by the body's height where either is missing."""
    joints = [places[NUMBER[name]] for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
    length = float(np.linalg.norm((joints[0] + joints[1] - joints[2] - joints[3]) / 2))
    if np.isfinite(length) and length > 0:
        return length
    body = places[[NUMBER[name] for name in BODY]]
    spread = np.nanmax(body, axis=0) - np.nanmin(body, axis=0)
    return 0.3 * float(np.linalg.norm(spread))


def _caster(rig: Rig, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> Any:
    """Casts rays in the evaluated scene."""

    def cast(start: NDArray[np.float64], direction: NDArray[np.float64], far: float) -> Hit | None:
        hit, place, _, _, thing, _ = scene.ray_cast(
            depsgraph, start.tolist(), direction.tolist(), distance=far
        )
        if not hit:
            return None
        seen = thing.visible_camera and not thing.hide_render
        return Hit(np.array(place), _belongs_to(thing.original, rig.armature), seen)

    return cast


def _belongs_to(thing: bpy.types.Object, armature: bpy.types.Object) -> bool:
    """Whether *armature* moves *thing*: as its skin, or as what hangs on a bone."""
    if any(each.type == "ARMATURE" and each.object == armature for each in thing.modifiers):
        return True
    owner = thing.parent
    while owner is not None and owner != armature:
        owner = owner.parent
    return owner is not None
