"""A job's strip is there at once, follows whatever the artist does with it, and goes when nothing was made."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import bpy
import numpy as np

from . import stage
from .stage import CLIP_FRAMES


def scenario_both_halves_of_a_strip_that_was_split_turn_into_the_result() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=4)
    assert stage.result(swap).split(frame=20, split_method="SOFT")
    assert stage.ended(swap) == "finished"
    halves = stage.halves(swap)
    assert [stage.span(strip) for strip in halves] == [(11, 20), (20, 11 + CLIP_FRAMES)]
    assert [stage.shown(strip) for strip in halves] == [len(strip.elements) for strip in halves]
    assert np.array_equal(stage.rendered(30, only=halves[1]), 255 - stage.source_frame(19))


def scenario_a_job_that_made_nothing_leaves_the_timeline_as_it_was() -> None:
    stage.enable()
    stage.shot()
    before = [(strip.name, *stage.span(strip)) for strip in stage.strips()]
    swap = stage.begin(filepath=str(stage.CLIP))  # a movie is no picture
    assert stage.result(swap)
    assert stage.ended(swap) == "failed"
    assert [(strip.name, *stage.span(strip)) for strip in stage.strips()] == before
    bpy.ops.ed.undo()
    assert stage.result(swap) is None, "undo brought back a strip that nothing will come to"


def scenario_a_job_that_is_tried_again_gets_its_strip_back() -> None:
    stage.enable()
    source = stage.shot()
    stage.halt("step 0 1")
    swap = stage.begin()
    bpy.ops.understudy.cancel(uid=swap.uid)
    assert stage.ended(swap) == "cancelled"
    assert stage.result(swap) is None
    stage.go_on()
    swap.retry()
    stage.module("pump").pump()
    assert stage.span(stage.result(swap)) == stage.span(source)
    stage.pump_until(lambda: swap.made)
    swap.cancel()
    stage.ended(swap)


def scenario_a_paused_job_shows_what_it_has_and_goes_on() -> None:
    stage.enable()
    stage.shot()
    stage.halt("step 2 1")
    swap = stage.begin()
    stage.pump_until(lambda: swap.made)
    bpy.ops.understudy.pause(uid=swap.uid)
    stage.pump_until(lambda: swap.paused)
    assert 0 < stage.shown(stage.result(swap)) < CLIP_FRAMES
    stage.go_on()
    bpy.ops.understudy.resume(uid=swap.uid)
    assert stage.ended(swap) == "finished"
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES


def scenario_saving_puts_all_that_is_made_into_the_file() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=4)
    stage.pump_until(lambda: swap.made)
    swap.made |= {20}  # as if it had come since the last tick
    swap.unshown |= {20}
    stage.module("frames").write_whole(swap.folder / "000020.png", stage.HERO.read_bytes())
    with stage.temporary_folder() as folder:
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
        assert stage.result(swap).elements[20].filename == "000020.png"
    stage.ended(swap)


def scenario_a_very_long_strip_gets_its_frames_in_parts_and_is_as_long_as_it_will_be() -> None:
    stage.enable()
    source = stage.shot()
    elements = stage.module("timeline.elements")
    elements.PART_S, elements.AT_ONCE = 0.0, 5  # as if they took that long
    whole, neighbour = stage.span(source), stage.block(3, start=11 + CLIP_FRAMES).name
    stage.select(source, stage.strips()["hero"])
    swap = stage.begin(steps=6)
    for there in (6, 11):
        strip = stage.result(swap)
        assert (len(strip.elements), strip.channel) == (there, 3)
        assert stage.span(strip) == whole
        stage.module("pump").pump()
    bpy.ops.ed.undo_push(message="later")
    bpy.ops.ed.undo()
    assert len(stage.result(swap).elements) == CLIP_FRAMES, "whatever an undo brings back is whole"
    assert stage.ended(swap) == "finished"
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES
    assert stage.span(stage.result(swap)) == whole
    assert stage.span(stage.strips()[neighbour])[0] == whole[1], "it was pushed aside"
