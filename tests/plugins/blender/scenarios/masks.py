"""Blender's masks become mattes."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import stage
from .rig import paper

WIDTH, HEIGHT = 64, 48


def mask(
    *,
    frames: tuple[int, int] = (1, 24),
    box: tuple[float, float, float, float] = (0.25, 0.25, 0.5, 0.5),
    feather: float = 0.0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Any:
    """A rectangle: left, bottom, right, top, in shares of the clip's width from its left lower corner."""
    found = bpy.data.masks.new("Roto")
    found.frame_start, found.frame_end = frames
    spline = found.layers.new(name="Shape").splines.new()
    spline.use_cyclic = True
    spline.points.add(3)  # one is there
    left, bottom, right, top = box
    lower = (size[0] - size[1]) / 2 / size[0]  # y counts in widths too, around the middle
    corners = ((left, bottom), (left, top), (right, top), (right, bottom))
    for point, (x, y) in zip(spline.points, corners, strict=True):
        place = (x, y + lower)
        point.handle_type = "AUTO" if feather else "VECTOR"
        point.co, point.handle_left, point.handle_right, point.weight = place, place, place, feather
    return found


def slide(found: Any, first: int, last: int) -> None:
    """The mask's layer fades in from *first* to *last*: each frame has a grey of its own."""
    layer = found.layers[0]
    for frame, alpha in ((first, 0.0), (last, 1.0)):
        layer.alpha = alpha
        layer.keyframe_insert("alpha", frame=frame)
    action = found.animation_data.action
    curves = (
        action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves
    )
    for curve in curves:
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"


def frames(strip: Any, name: str = "matte") -> list[np.ndarray]:
    """What *strip* carries, (H, W) each."""

    carried = stage.module("carried").passes_of(strip)[name]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for png in stage.module("png_movie").read_pngs(carried.path):
            path = Path(folder, "frame.png")
            path.write_bytes(png)
            found.append(stage.pixels(path)[..., 0])
    return found


def scenario_a_mask_strip_becomes_the_matte_of_the_selected_clip() -> None:
    stage.enable()
    stage.scene()
    strip = stage.movie(start=11)
    strip.frame_offset_start = 20
    over = stage.strips().new_mask("Roto", mask(), 3, 11)
    over.select = True
    assert bpy.ops.understudy.use_mask() == {"FINISHED"}
    made = frames(strip)
    assert len(made) == 4  # also the last, which the mask strip is too short for
    for matte in made:  # edges between pixels fall to either side
        assert matte[HEIGHT - 31 : HEIGHT - 17, 17:31].min() == 255
        matte[HEIGHT - 33 : HEIGHT - 15, 15:33] = 0
        assert not matte.any()
    bpy.context.scene.understudy.passes_folder = ""
    swap = stage.begin(
        filepath=str(stage.HERO), keypoints=str(stage.FOOTAGE / "passes" / "keypoints.json"), steps=1
    )
    stage.pump_until(lambda: swap.job)
    with stage.client() as client:
        handed = client.media(client.job(swap.job).spec.replace.passes.matte)
    assert (handed.display_name, handed.probe.frame_count) == ("matte.avi", 4)
    assert (handed.probe.size.width, handed.probe.size.height) == (WIDTH, HEIGHT)


def scenario_each_frame_shows_the_mask_as_it_is_in_that_frame() -> None:
    stage.enable()
    stage.scene()
    strip = stage.movie(start=11)
    strip.frame_offset_start, strip.frame_offset_end = 3, 1
    moving = mask()
    slide(moving, 1, 24)
    over = stage.strips().new_mask("Roto", moving, 3, 11)
    over.select = True
    bpy.ops.understudy.use_mask()
    by_strip = [int(each[24, 24]) for each in frames(strip)]
    assert [round(grey / 255 * 23) for grey in by_strip] == list(range(3, 23)), by_strip
    over.select = False
    bpy.context.scene.understudy_mask = moving
    bpy.context.scene.render.resolution_y = 99  # the clip's shape counts
    bpy.ops.understudy.use_mask(use="keep")
    assert [int(each[24, 24]) for each in frames(strip, "keep")] == by_strip
    assert (moving.frame_start, moving.frame_end) == (1, 24)
    assert len(bpy.data.masks) == 1
    assert paper("masks").has("Matte: 20 frames Keep Mask: 20 frames")
    bpy.ops.understudy.drop_pass(name="keep")
    assert not paper("masks").has("Keep Mask")


def scenario_a_feathered_edge_stays_soft() -> None:
    stage.enable()
    stage.scene()
    strip = stage.movie()
    strip.frame_offset_end = 23
    bpy.context.scene.understudy_mask = mask(feather=0.15)
    bpy.ops.understudy.use_mask()
    [matte] = frames(strip)
    assert len(np.unique(matte)) > 20
    assert matte[24, 24] == 255
    assert matte[0, 60] == 0


def scenario_a_clip_of_another_shape_is_refused_where_the_timeline_counts() -> None:
    stage.enable()
    stage.scene().render.resolution_y = 99
    stage.movie(start=11)
    over = stage.strips().new_mask("Roto", mask(), 3, 11)
    over.select = True
    assert "64 x 99" in stage.reported(bpy.ops.understudy.use_mask)


def scenario_where_a_shorter_mask_strip_does_not_lie_nobody_is() -> None:
    stage.enable()
    stage.scene()
    strip = stage.movie(start=1)
    over = stage.strips().new_mask("Roto", mask(), 3, 6)
    over.frame_final_duration = 4
    over.select = True
    bpy.ops.understudy.use_mask(use="garbage")
    shown = [bool(each.any()) for each in frames(strip, "garbage")]
    assert [number for number, is_there in enumerate(shown) if is_there] == [5, 6, 7, 8]


def scenario_what_cannot_be_drawn_is_refused_and_leaves_the_scene_alone() -> None:
    stage.enable()
    stage.scene()
    strip = stage.movie()
    scenes = len(bpy.data.scenes)
    assert "No mask is chosen" in stage.reported(bpy.ops.understudy.use_mask)
    bpy.context.scene.understudy_mask = bpy.data.masks.new("Empty")
    assert "has no shape" in stage.reported(bpy.ops.understudy.use_mask)
    bpy.context.scene.understudy_mask = mask()
    strip.select = False
    assert "No movie strip" in stage.reported(bpy.ops.understudy.use_mask)
    assert (len(bpy.data.scenes), stage.module("carried").passes_of(strip)) == (scenes, {})
