# SPDX-License-Identifier: GPL-3.0-or-later
"""Found points as empties in a scene of their own, with the clip behind them, seen by a camera that looks straight on.

A pixel is a hundredth of Blender's unit. Scene frames are those of the timeline. Every frame in which a point was found
has a key, and keys are set by themselves when a point is moved: so a key that is new, or lies elsewhere than it did,
is a correction. Hands and face are collections of their own, hidden at first.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import bpy

from ..rig.points import NAMES, NUMBER
from .asking import PointOfFrame, Row

KEY, LOADED_KEY = "understudy_corrections", "understudy_loaded"
PX = 0.01  # of Blender's unit
GROUP_KEY = "understudy_group"  # of a collection of points
BODY = NAMES[: NUMBER["face_0"]]  # and feet
HANDS, FACE = NAMES[NUMBER["left_hand_root"] :], NAMES[NUMBER["face_0"] : NUMBER["left_hand_root"]]
GROUPS = {"Hands": HANDS, "Face": FACE}
SMALL = 0.4  # of the size of other points
MOVED_PX = 0.25
LINEAR = 1  # the number of that interpolation
SEEN = 0.5  # points under it count as not seen
NOWHERE = -1e9
BONES = (
    ("left_eye", "nose"), ("right_eye", "nose"), ("left_ear", "left_eye"), ("right_ear", "right_eye"),
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"),
        ("ankle", "big_toe"), ("ankle", "heel"),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a scene of points belongs to; it stands in the scene, and is saved with it."""

    analysis: str
    strip: str  # the uid of the strip that the clip is seen in
    clip: str  # its file
    size: tuple[int, int]
    rate: tuple[int, int]  # frames and seconds
    first: int  # the timeline frame of the clip's first
    start: int  # clip frames, of start to end
    end: int

    @classmethod
    def of(cls, scene: bpy.types.Scene) -> Self | None:
        """None where *scene* holds no points of ours."""
        return cls(**json.loads(scene[KEY])) if KEY in scene else None


def built(facts: Facts, found: Mapping[int, Sequence[Row]]) -> Generator[None, None, bpy.types.Scene]:
    """Makes, in small steps, the scene of *found*, 133 rows for each frame of the clip; returns it."""
    scene = bpy.data.scenes.new(f"{Path(facts.clip).stem} points")
    scene[KEY] = json.dumps(asdict(facts))
    _time(scene, facts)
    _camera(scene, facts)
    yield
    into = dict.fromkeys(BODY, scene.collection)
    for group, names in GROUPS.items():
        into |= dict.fromkeys(names, _collection(scene, group))
    points = {}
    for name in NAMES:
        points[name] = _point(into[name], facts, name, found)
        yield
    _lines(scene, points)
    yield
    scene[LOADED_KEY] = _loaded(scene, facts)
    scene.tool_settings.use_keyframe_insert_auto = True
    return scene


def corrections(scene: bpy.types.Scene) -> dict[PointOfFrame, tuple[float, float]]:
    """Places, in pixels of the clip, by the clip's frame and point, of keys that were moved or are new."""
    facts = Facts.of(scene)
    assert facts is not None, f"{scene.name} holds no points"
    loaded = scene[LOADED_KEY].to_list()
    count = 2 * (facts.end - facts.start)
    made = {}
    for name, point in _points(scene).items():
        before = loaded[NUMBER[name] * count : (NUMBER[name] + 1) * count]
        for frame, (x, y) in _places(point, facts).items():
            index = 2 * (frame - facts.start)
            if max(abs(x - before[index]), abs(y - before[index + 1])) > MOVED_PX:
                made[frame, name] = (x, y)
    return made


def settle(scene: bpy.types.Scene) -> None:
    """What has been sent is no correction any more."""
    facts = Facts.of(scene)
    assert facts is not None, f"{scene.name} holds no points"
    scene[LOADED_KEY] = _loaded(scene, facts)


def groups(scene: bpy.types.Scene) -> Iterator[bpy.types.Collection]:
    """The collections of points that can be shown and hidden."""
    return (each for each in scene.collection.children if GROUP_KEY in each)


def remove(scene: bpy.types.Scene) -> None:
    """The scene with all that was made for it."""
    things, collections = list(scene.objects), list(groups(scene))
    actions = {thing.animation_data.action for thing in things if thing.animation_data}
    blocks = {thing.data for thing in things if thing.data}
    bpy.data.scenes.remove(scene)
    bpy.data.batch_remove([*things, *collections, *blocks, *filter(None, actions)])


# ---- Making it -------------------------------------------------------------------------------------------


def _time(scene: bpy.types.Scene, facts: Facts) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y = facts.size
    render.fps, render.fps_base = 1, 1.0
    frames, seconds = facts.rate
    render.fps = round(frames / seconds)
    render.fps_base = render.fps * seconds / frames
    scene.frame_start, scene.frame_end = facts.first + facts.start, facts.first + facts.end - 1
    scene.frame_set(scene.frame_start)


def _camera(scene: bpy.types.Scene, facts: Facts) -> None:
    width, height = facts.size
    data = bpy.data.cameras.new("Clip")
    data.type, data.ortho_scale = "ORTHO", PX * max(width, height)
    camera = bpy.data.objects.new("Clip", data)
    camera.location = (PX * width / 2, PX * height / 2, 10.0)
    camera.hide_select = True
    scene.collection.objects.link(camera)
    scene.camera = camera
    data.show_background_images = True
    behind = data.background_images.new()
    behind.image = bpy.data.images.load(facts.clip, check_existing=True)
    behind.alpha = 1.0
    user = behind.image_user
    user.frame_start, user.frame_offset = facts.first, 0
    user.frame_duration = max(behind.image.frame_duration, facts.end)
    user.use_auto_refresh = True


def _collection(scene: bpy.types.Scene, group: str) -> bpy.types.Collection:
    made = bpy.data.collections.new(group)
    made[GROUP_KEY], made.hide_viewport = group, True
    scene.collection.children.link(made)
    return made


def _point(into: bpy.types.Collection, facts: Facts, name: str, found: Mapping[int, Sequence[Row]]) -> Any:
    point = bpy.data.objects.new(name, None)
    size = PX * max(facts.size) / 160 * (1.0 if name in BODY else SMALL)
    point.empty_display_type, point.empty_display_size = "SPHERE", size
    point.show_in_front = True
    point.lock_location[2] = True
    point.lock_rotation, point.lock_scale = (True,) * 3, (True,) * 3
    into.objects.link(point)
    seen = [
        (frame + facts.first, row[NUMBER[name]][:2])
        for frame, row in sorted(found.items())
        if row[NUMBER[name]][2] >= SEEN
    ]
    if not seen:
        point.location = (
            -PX * 20,
            PX * 10 * (NUMBER[name] % len(BODY) + 1),
            0,
        )  # aside, ready to be put in its place
        return point
    places = [_to_scene(place, facts) for _, place in seen]
    point.location = (*places[0], 0)
    for axis in (0, 1):
        point.keyframe_insert("location", index=axis, frame=seen[0][0])
        keys = _curve(point, axis).keyframe_points
        keys.add(len(seen) - 1)
        keys.foreach_set(
            "co", [value for (frame, _), at in zip(seen, places, strict=True) for value in (frame, at[axis])]
        )
        keys.foreach_set("interpolation", [LINEAR] * len(seen))
        _curve(point, axis).update()
    return point


def _lines(scene: bpy.types.Scene, points: Mapping[str, Any]) -> None:
    """Lines from point to point, which follow them."""
    mesh = bpy.data.meshes.new("Skeleton")
    order = [name for name in BODY if points[name].animation_data]  # those that were found
    bones = [(a, b) for a, b in BONES if a in order and b in order]
    mesh.from_pydata([(0, 0, 0)] * len(order), [(order.index(a), order.index(b)) for a, b in bones], [])
    lines = bpy.data.objects.new("Skeleton", mesh)
    lines.hide_select, lines.show_in_front = True, True
    scene.collection.objects.link(lines)
    for index, name in enumerate(order):
        hook = lines.modifiers.new(name, "HOOK")
        hook.object = points[name]
        hook.vertex_indices_set([index])


# ---- Reading it ------------------------------------------------------------------------------------------


def _points(scene: bpy.types.Scene) -> dict[str, Any]:
    """The empties by their points; one of the same name in another scene makes Blender number them."""
    stems = {thing.name.partition(".")[0]: thing for thing in scene.objects}
    return {name: stems[name] for name in NAMES if name in stems}


def _loaded(scene: bpy.types.Scene, facts: Facts) -> list[float]:
    """x and y of each point in each frame of the clip that has a key; NOWHERE for others."""
    points = _points(scene)
    values = []
    for name in NAMES:
        places = _places(points[name], facts) if name in points else {}
        for frame in range(facts.start, facts.end):
            values.extend(places.get(frame, (NOWHERE, NOWHERE)))
    return values


def _places(point: Any, facts: Facts) -> dict[int, tuple[float, float]]:
    """Where the point is in the clip's frames that have a key, in pixels of the clip from its left upper corner."""
    keys = [_keys(_curve(point, axis)) for axis in (0, 1)]
    found = {}
    for frame in sorted({*keys[0], *keys[1]}):
        if facts.start <= frame - facts.first < facts.end:
            x, y = (
                keys[axis][frame] if frame in keys[axis] else _between(point, axis, frame) for axis in (0, 1)
            )
            found[frame - facts.first] = (x / PX, facts.size[1] - y / PX)
    return found


def _keys(curve: Any) -> dict[int, float]:
    """Values of its keys by scene frames."""
    if curve is None:
        return {}
    flat = [0.0] * (2 * len(curve.keyframe_points))
    curve.keyframe_points.foreach_get("co", flat)
    return {round(frame): value for frame, value in zip(flat[::2], flat[1::2], strict=True)}


def _between(point: Any, axis: int, frame: int) -> float:
    """Where no key is on this axis."""
    curve = _curve(point, axis)
    value: float = curve.evaluate(frame) if curve else point.location[axis]
    return value


def _to_scene(place: Sequence[float], facts: Facts) -> tuple[float, float]:
    return PX * place[0], PX * (facts.size[1] - place[1])


def _curve(point: Any, axis: int) -> Any:
    """How the point moves along *axis*; None if it has no key."""
    if point.animation_data is None or point.animation_data.action is None:
        return None
    action = point.animation_data.action
    if hasattr(action, "fcurves"):  # before 5.0
        curves = action.fcurves
    else:
        bag = action.layers[0].strips[0].channelbag(point.animation_data.action_slot)
        curves = bag.fcurves
    return curves.find("location", index=axis)
