"""A result lands beside its source: in place, in sync, while the job still runs."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import bpy
import numpy as np

from . import stage
from .stage import CLIP_FRAMES


def scenario_the_strip_is_there_at_once_and_turns_into_the_result() -> None:
    stage.enable()
    source = stage.shot()
    stage.halt("step 2 1")
    swap = stage.begin()
    assert stage.span(stage.result(swap)) == stage.span(source), "before the server was asked"
    assert stage.shown(stage.result(swap)) == 0
    stage.pump_until(lambda: swap.made)
    strip = stage.result(swap)
    with stage.client() as client:
        state = client.job(swap.job).state
    assert state == stage.module("_api.v1.job_pb2").JOB_STATE_RUNNING
    assert 0 < stage.shown(strip) < CLIP_FRAMES
    assert stage.span(strip) == stage.span(source)
    assert strip.color_tag == "COLOR_03"
    assert np.array_equal(stage.rendered(11, only=strip, also=source), 255 - stage.source_frame(0))
    assert np.array_equal(stage.rendered(34, only=strip, also=source), stage.source_frame(23)), "not made yet"
    stage.go_on()
    assert stage.ended(swap) == "finished"
    assert stage.span(stage.result(swap)) == stage.span(source)
    assert stage.result(swap).color_tag == "COLOR_04"


def scenario_replace_lands_above_its_source_with_the_same_start_and_length() -> None:
    stage.enable()
    source = stage.shot(channel=2, start=11)
    assert bpy.ops.understudy.replace() == {"FINISHED"}
    [swap] = stage.swaps()
    strip = stage.result(swap)
    assert stage.span(strip) == stage.span(source) == (11, 11 + CLIP_FRAMES)
    assert strip.channel == 3
    assert strip.name == "clip replace"
    assert strip["understudy_job"] == swap.job


def scenario_its_pictures_are_the_streamed_ones_and_show_the_right_source_frames() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    strip = stage.result(swap)
    with stage.client() as client, client.frames(swap.job) as frames:
        streamed = [frame.data for frame in frames]
    names = [element.filename for element in strip.elements]
    assert [(swap.folder / name).read_bytes() for name in names] == streamed
    for number in (0, 4, 5, 13, CLIP_FRAMES - 1):  # both sides of a seam
        wanted = 255 - stage.source_frame(number)
        assert np.array_equal(stage.pixels(swap.folder / names[number]), wanted), number
        shown = stage.rendered(strip.frame_final_start + number, only=stage.result(swap))
        assert np.array_equal(shown, wanted), number


def scenario_a_trimmed_strip_uses_the_frames_it_shows() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.frame_offset_start, source.frame_offset_end = 5, 7
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    strip = stage.result(swap)
    assert stage.span(strip) == stage.span(source) == (16, 28)
    with stage.client() as client:
        asked = client.job(swap.job).spec.replace.range
    assert (asked.start, asked.end) == (5, 17)
    for frame in (16, 21, 27):
        assert np.array_equal(stage.rendered(frame, only=strip), 255 - stage.source_frame(frame - 11)), frame
        assert np.array_equal(stage.rendered(frame, only=source), stage.source_frame(frame - 11)), frame


def scenario_a_source_trimmed_at_its_content_uses_the_frames_it_shows() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.animation_offset_start = 4
    first = source.frame_final_start
    bpy.ops.understudy.animate()
    [swap] = stage.swaps()
    assert stage.span(stage.result(swap)) == stage.span(source)
    shown = stage.rendered(first, only=source)
    assert np.array_equal(stage.pixels(swap.folder / "000000.png"), 255 - shown)


def scenario_the_result_is_shown_as_its_source_is() -> None:
    stage.enable()
    source = stage.shot()
    source.transform.scale_x, source.transform.offset_y, source.crop.min_x = 0.5, 7, 3
    source.use_flip_x = True
    bpy.ops.understudy.replace()
    strip = stage.result(stage.swaps()[0])
    assert (strip.transform.scale_x, strip.transform.offset_y, strip.crop.min_x) == (0.5, 7, 3)
    assert strip.use_flip_x
    assert strip.colorspace_settings.name == source.colorspace_settings.name


def scenario_selection_stays_so_that_the_next_job_means_the_same_strips() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    assert [strip.name for strip in stage.strips() if strip.select] == ["hero", "clip"]
    assert bpy.context.scene.sequence_editor.active_strip.name == "clip"
    bpy.ops.understudy.animate(seed=2)
    assert [stage.result(swap).channel for swap in stage.swaps()] == [3, 4]


def scenario_one_frame_is_enough() -> None:
    stage.enable()
    source = stage.shot()
    source.frame_offset_end = CLIP_FRAMES - 1
    bpy.ops.understudy.replace()
    assert stage.span(stage.result(stage.swaps()[0])) == stage.span(source) == (11, 12)


def scenario_animate_takes_a_picture_file_and_a_folder_of_passes() -> None:
    stage.enable()
    stage.scene()
    source = stage.movie()
    bpy.ops.understudy.animate(
        filepath=str(stage.HERO), passes_folder=str(stage.FOOTAGE / "passes"), seed=5, steps=1
    )
    [swap] = stage.swaps()
    assert stage.span(stage.result(swap)) == stage.span(source)
    with stage.client() as client:
        spec = client.job(swap.job).spec.animate
    assert (spec.sampling.seed, spec.sampling.steps) == (5, 1)
    assert spec.passes.matte
    assert spec.passes.keypoints
    assert not spec.passes.pose


def scenario_the_scenes_options_count_where_the_operator_says_nothing() -> None:
    stage.enable()
    stage.shot()
    bpy.context.scene.understudy.seed = 8
    bpy.context.scene.understudy.matte = str(stage.FOOTAGE / "passes" / "matte.png")
    bpy.context.scene.understudy.soften_px = 5
    bpy.ops.understudy.replace(steps=2)
    with stage.client() as client:
        spec = client.job(stage.swaps()[0].job).spec.replace
    assert (spec.sampling.seed, spec.sampling.steps) == (8, 2)
    assert (spec.matte.soften_px, spec.matte.HasField("grow_px")) == (5, False)
    assert spec.passes.matte
