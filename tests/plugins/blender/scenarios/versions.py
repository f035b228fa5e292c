"""A result that is made once more is a version: in one meta strip with the others, the newest on top."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import stage


def inside(meta: Any) -> list[tuple[int, bool]]:
    """Channel and muting of what a meta strip holds, from below."""
    strips = sorted(stage.module("compat").strips(meta), key=lambda strip: strip.channel)
    return [(strip.channel, strip.mute) for strip in strips]


def stack() -> Any:
    [meta] = [strip for strip in stage.strips() if strip.type == "META"]
    return meta


def scenario_a_second_take_stacks_on_the_first_when_it_is_finished() -> None:
    stage.enable()
    source = stage.shot()
    bpy.ops.understudy.replace()
    second = stage.begin(seed=2, steps=4)
    assert [strip.type for strip in stage.strips()].count("META") == 0
    assert (stage.result(second).channel, stage.result(second).mute) == (4, False)
    first = stage.result(stage.swaps()[0])
    assert not first.mute, "it shows through where the new one is still to come"
    assert stage.ended(second) == "finished"
    meta = stack()
    assert (meta.channel, stage.span(meta)) == (3, stage.span(source))
    assert inside(meta) == [(3, True), (4, False)]
    assert np.array_equal(stage.rendered(20, only=meta), 255 - stage.source_frame(9))
    bpy.ops.understudy.replace(seed=3)
    assert inside(stack()) == [(3, True), (4, True), (5, False)]
    assert sum(strip.type == "META" for strip in stage.strips()) == 1


def scenario_a_take_that_fails_leaves_the_one_before_as_it_was() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    swap = stage.begin(seed=13)
    assert stage.ended(swap) == "failed"
    first = stage.result(stage.swaps()[0])
    assert (first.channel, first.mute) == (3, False)
    assert stage.span(stage.result(swap)) == (11, 16), "five frames of it were made"
    assert not [strip for strip in stage.strips() if strip.type == "META"]


def scenario_what_the_artist_has_moved_or_used_is_not_stacked() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    stage.halt("step 2 1")
    swap = stage.begin(seed=2)
    stage.pump_until(lambda: swap.made)
    stage.result(stage.swaps()[0]).frame_start = 61
    stage.go_on()
    assert stage.ended(swap) == "finished"
    assert not [strip for strip in stage.strips() if strip.type == "META"]
    assert stage.span(stage.result(swap)) == (11, 35)


def scenario_undo_takes_a_version_back_and_redo_stacks_it_again() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    swap = stage.begin(seed=2)
    assert stage.ended(swap) == "finished"
    assert inside(stack()) == [(3, True), (4, False)]
    bpy.ops.ed.undo()
    assert stage.result(swap) is None
    assert not [strip for strip in stage.strips() if strip.type == "META"]
    assert not stage.result(stage.swaps()[0]).mute
    bpy.ops.ed.redo()
    assert inside(stack()) == [(3, True), (4, False)]
    assert stage.shown(stage.result(swap)) == stage.CLIP_FRAMES
