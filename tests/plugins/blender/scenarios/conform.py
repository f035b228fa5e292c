"""A strip that does not show its clip frame by frame is rendered first, just as it plays."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import stage


def landed_as(source: Any, frames: list[int]) -> Any:
    """Replaces *source* and compares the result with what it shows at timeline *frames*."""
    shown = {frame: stage.rendered(frame, only=source) for frame in frames}
    before = facts()
    bpy.ops.understudy.replace(filepath=str(stage.HERO))
    [swap] = stage.swaps()
    strip = stage.result(swap)
    assert stage.span(strip) == stage.span(source)
    assert len(strip.elements) == source.frame_final_duration
    assert facts() == before, "the artist's file was changed"
    for frame in frames:
        path = swap.folder / f"{frame - source.frame_final_start:06d}.png"
        assert np.array_equal(stage.pixels(path), 255 - shown[frame]), frame
    return swap


def facts() -> Any:
    """What a conform must leave alone."""
    scene = bpy.context.scene
    names = [each.name for each in bpy.data.scenes]
    look = (scene.view_settings.view_transform, scene.render.filepath, scene.frame_start, scene.frame_end)
    sources = [(each.name, stage.span(each)) for each in stage.strips() if "understudy_id" not in each]
    return names, look, sources


def scenario_a_clip_of_another_rate_is_rendered_as_it_plays() -> None:
    stage.enable()
    stage.scene()
    source = stage.movie(clip=stage.FOOTAGE / "clip30.mkv")
    source.frame_offset_start = 3
    swap = landed_as(source, [14, 20, 34])
    with stage.client() as client:
        job = client.job(swap.job)
    assert (job.plan.rate.num, job.plan.rate.den) == (24, 1)
    assert (swap.folder / "plate.mkv").is_file()
    assert not (swap.folder / "plate.blend").exists()


def scenario_a_reversed_strip_is_rendered_without_what_the_artist_changed_about_its_look() -> None:
    stage.enable()
    source = stage.shot()
    source.use_reverse_frames = True
    stage.scene().view_settings.view_transform = "AgX"
    source.transform.offset_x, source.use_flip_x, source.blend_alpha = 9, True, 0.5
    source.crop.min_y = 4
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    strip = stage.result(swap)
    for index in (0, 7, 23):
        wanted = 255 - stage.source_frame(23 - index)
        assert np.array_equal(stage.pixels(swap.folder / f"{index:06d}.png"), wanted), index
    assert (strip.transform.offset_x, strip.use_flip_x, strip.blend_alpha) == (9, True, 0.5)
    assert strip.crop.min_y == 4
    assert bpy.context.scene.view_settings.view_transform == "AgX"


def scenario_handles_of_a_rendered_strip_are_what_its_trimmed_ends_hide() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.use_reverse_frames = True
    source.frame_offset_start, source.frame_offset_end = 5, 2
    bpy.context.scene.understudy.handles = 4
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    assert (swap.placement.before, swap.placement.behind) == (4, 2)
    strip = stage.result(swap)
    assert stage.span(strip) == stage.span(source) == (16, 33)
    for frame in (12, 16, 34):
        wanted = 255 - stage.source_frame(23 - (frame - 11))
        assert np.array_equal(stage.pixels(swap.folder / f"{frame - 12:06d}.png"), wanted), frame
    assert np.array_equal(stage.rendered(16, only=strip), 255 - stage.source_frame(18))


def scenario_stills_beyond_the_clip_and_speed_effects_are_rendered_too() -> None:
    stage.enable()
    stage.scene()
    source = stage.movie()
    source.frame_offset_end = -3
    landed_as(source, [11, 34, 37])
    stage.swaps()[0].thread.join()
    bpy.ops.understudy.cancel(uid=stage.swaps()[0].uid)
    other = stage.movie(channel=7, start=101)
    speed = stage.speed_up(other)
    stage.select(other)
    bpy.context.scene.sequence_editor.active_strip = other
    shown = stage.rendered(106, only=speed)
    speed.mute = other.mute = False
    bpy.ops.understudy.replace(filepath=str(stage.HERO))
    [swap] = stage.swaps()
    assert np.array_equal(stage.pixels(swap.folder / "000005.png"), 255 - shown)


def scenario_a_scene_strip_is_rendered() -> None:
    stage.enable()
    stage.scene()
    other = bpy.data.scenes.new("cut")
    other.render.resolution_x, other.render.resolution_y = 64, 48
    other.view_settings.view_transform = "Standard"
    other.frame_end = 24
    inner = stage.module("compat").strips(other.sequence_editor_create())
    inner.new_movie("inner", str(stage.CLIP), 1, 1)
    source = stage.strips().new_scene("cut", other, 2, 11)
    source.scene_input = "SEQUENCER"
    source.frame_final_duration = 6
    stage.select(source)
    bpy.context.scene.sequence_editor.active_strip = source
    swap = landed_as(source, [11, 16])
    with stage.client() as client:
        bits = client.media(client.job(swap.job).spec.replace.clip).probe.bit_depth
    assert bits == (16 if bpy.app.version >= (5, 0, 0) else 8)


def scenario_a_render_that_fails_says_so_and_leaves_nothing() -> None:
    stage.enable()
    source = stage.shot()
    source.use_reverse_frames = True
    rendering = stage.module("rendering")
    rendering.MARK = "no scene has this"
    swap = stage.begin()
    swap.thread.join(20)
    rendering.MARK = "understudy_plate"
    assert stage.ended(swap) == "failed"
    assert "Blender could not render it" in swap.text
    assert stage.result(swap) is None
