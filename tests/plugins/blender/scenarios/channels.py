"""A result never lands on another strip, on a locked channel or in the wrong meta strip."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import bpy

from . import stage


def scenario_occupied_locked_and_muted_channels_are_skipped() -> None:
    stage.enable()
    source = stage.shot(channel=2)
    others = [stage.block(3), stage.block(6, start=60)]
    places = [(strip.channel, *stage.span(strip)) for strip in others]
    stage.select(source)
    bpy.context.scene.sequence_editor.channels[4].lock = True
    bpy.context.scene.sequence_editor.channels[5].mute = True
    bpy.ops.understudy.replace(filepath=str(stage.HERO))
    assert stage.result(stage.swaps()[0]).channel == 6  # what lies there lies later
    assert [(strip.channel, *stage.span(strip)) for strip in others] == places


def scenario_titles_and_effects_are_in_the_way_like_any_strip() -> None:
    stage.enable()
    source = stage.shot(channel=2)
    length = {"length": 40} if bpy.app.version >= (5, 0, 0) else {"frame_end": 60}
    stage.strips().new_effect("title", "TEXT", 3, 20, **length)
    stage.select(source, stage.strips()["hero"])
    bpy.ops.understudy.replace()
    assert stage.result(stage.swaps()[0]).channel == 4


def scenario_without_a_free_channel_nothing_is_started() -> None:
    stage.enable()
    stage.shot(channel=127)
    stage.block(128).select = False
    assert stage.refused() == (
        "No channel above 127 is free from frame 11 to 34. Clear or unlock one, then try again."
    )


def scenario_the_result_lies_in_the_meta_strip_that_is_open() -> None:
    stage.enable()
    stage.scene()
    editor = bpy.context.scene.sequence_editor
    meta = stage.strips().new_meta("scene 4", 5, 1)
    source = stage.movie()
    source.move_to_meta(meta)
    editor.display_stack(meta)
    source.select = True
    editor.active_strip = source
    bpy.ops.understudy.replace(filepath=str(stage.HERO))
    strip = stage.result(stage.swaps()[0])
    assert strip in list(stage.module("compat").strips(meta))
    assert stage.span(strip) == stage.span(source)
