"""Frames beyond the cut are made too, and lie behind the strip's handles."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import bpy
import numpy as np

from . import stage
from .stage import CLIP_FRAMES


def scenario_handles_lie_behind_the_cut_as_far_as_the_clip_goes() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.frame_offset_start, source.frame_offset_end = 5, 7
    bpy.context.scene.understudy.handles = 6
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    with stage.client() as client:
        asked = client.job(swap.job).spec.replace.range
    assert (asked.start, asked.end) == (0, 23), "six frames before are not there"
    strip = stage.result(swap)
    assert stage.span(strip) == stage.span(source) == (16, 28)
    assert stage.shown(strip) == len(strip.elements) == 23
    for frame in (16, 27):
        assert np.array_equal(stage.rendered(frame, only=strip), 255 - stage.source_frame(frame - 11)), frame
    timing = stage.module("compat")
    timing.set_handles(strip, 11, 34)  # the cut is moved
    for frame in (11, 33):
        assert np.array_equal(stage.rendered(frame, only=strip), 255 - stage.source_frame(frame - 11)), frame


def scenario_a_channel_is_free_where_handles_will_lie_too() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.frame_offset_end = 7
    bpy.context.scene.understudy.handles = 6
    neighbour = stage.block(3, start=29)
    stage.select(source, stage.strips()["hero"])
    swap = stage.begin()
    assert stage.result(swap).channel == 4
    assert stage.span(neighbour) == (29, 129), "it was pushed aside"
    stage.ended(swap)
    assert stage.span(stage.result(swap)) == stage.span(source) == (11, 11 + CLIP_FRAMES - 7)


def scenario_a_cancelled_job_ends_its_strip_at_its_last_frame_and_going_on_gives_it_back() -> None:
    stage.enable()
    source = stage.shot(start=11)
    source.frame_offset_start = 4
    bpy.context.scene.understudy.handles = 2
    stage.halt("step 1 1")
    swap = stage.begin()
    stage.pump_until(lambda: swap.landed > 2)
    bpy.ops.understudy.cancel(uid=swap.uid)
    assert stage.ended(swap) == "cancelled"
    stage.go_on()
    assert stage.span(stage.result(swap)) == (15, 15 - 2 + swap.landed)
    end = stage.result(swap).frame_final_end
    wall = stage.block(stage.result(swap).channel, start=end + 1, length=50)
    bpy.ops.understudy.retry(uid=swap.uid)
    assert stage.ended(swap) == "finished"
    assert swap.obstacle == "Another strip lies in the way on channel 3. Move it, and the strip goes on."
    assert stage.span(wall) == (end + 1, end + 51), "it was pushed aside"
    stage.strips().remove(wall)
    stage.module("pump").pump()
    assert stage.span(stage.result(swap)) == stage.span(source)
