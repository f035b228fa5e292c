"""A part of a result is made again as a version, and what lies beside it stays."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import stage


def made() -> tuple[Any, Any]:
    """A source, and the strip of a result over it, which is selected."""
    stage.enable()
    source = stage.shot()
    bpy.ops.understudy.replace()
    strip = stage.result(stage.swaps()[0])
    stage.select(strip)
    bpy.context.scene.sequence_editor.active_strip = strip
    return source, strip


def preview(start: int, end: int) -> None:
    scene = bpy.context.scene
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = start, end


def scenario_the_preview_range_is_made_again_and_its_neighbours_stay() -> None:
    source, _ = made()
    preview(16, 21)
    assert bpy.ops.understudy.redo() == {"FINISHED"}
    first, second = stage.swaps()
    with stage.client() as client:
        asked = client.job(second.job).spec.retake
    assert (asked.job, asked.span.start, asked.span.end, asked.sampling.seed) == (first.job, 5, 11, 1)
    [meta] = [strip for strip in stage.strips() if strip.type == "META"]
    assert stage.span(meta) == stage.span(source)
    shown = {frame: stage.rendered(frame, only=meta) for frame in (15, 16, 17, 22, 34)}
    assert np.array_equal(shown[16], stage.source_frame(5)), "made again"
    assert np.array_equal(shown[17], stage.source_frame(6))
    for frame in (15, 22, 34):
        assert np.array_equal(shown[frame], 255 - stage.source_frame(frame - 11)), frame
        index = f"{frame - 11:06d}.png"
        assert (first.folder / index).samefile(second.folder / index), "the same file on disk"


def scenario_a_part_that_was_split_off_is_made_again() -> None:
    _, strip = made()
    strip.split(frame=20, split_method="SOFT")
    _, right = stage.halves(stage.swaps()[0])
    stage.select(right)
    bpy.context.scene.sequence_editor.active_strip = right
    bpy.ops.understudy.redo(seed=9)
    second = stage.swaps()[1]
    assert stage.span(stage.result(second)) == (20, 35)
    [meta] = [each for each in stage.strips() if each.type == "META"]
    assert stage.span(meta) == (20, 35)
    assert not stage.halves(stage.swaps()[0])[0].mute
    assert np.array_equal(stage.rendered(25, only=meta), stage.source_frame(14))


def scenario_a_version_in_a_meta_strip_is_redone_from_the_one_that_is_seen() -> None:
    made()
    preview(12, 14)
    bpy.ops.understudy.redo()
    [meta] = [strip for strip in stage.strips() if strip.type == "META"]
    stage.select(meta)
    bpy.context.scene.sequence_editor.active_strip = meta
    preview(30, 34)
    bpy.ops.understudy.redo()
    with stage.client() as client:
        assert client.job(stage.swaps()[2].job).spec.retake.job == stage.swaps()[1].job
    assert [strip.mute for strip in stage.module("compat").strips(meta)].count(False) == 1
    assert np.array_equal(stage.rendered(12, only=meta), stage.source_frame(1)), "of the second version"
    assert np.array_equal(stage.rendered(30, only=meta), stage.source_frame(19)), "of the third"


def scenario_it_says_what_is_missing() -> None:
    _, strip = made()
    assert stage.refused("redo").startswith("It is not said which part is to be made again.")
    preview(90, 99)
    assert stage.refused("redo") == (
        "The preview range lies beside the strip. Set it over the frames that are to be made again."
    )
    stage.select(stage.strips()["hero"])
    assert stage.refused("redo") == "No result is selected. Select the strip of a finished job."
    stage.strips().remove(strip)
