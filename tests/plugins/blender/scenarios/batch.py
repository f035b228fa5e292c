"""Without a window: unfinished jobs are taken up and waited for, and a job of a strip is begun by its name."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import bpy

from . import stage
from .stage import CLIP_FRAMES


def scenario_a_batch_finishes_what_a_file_has_begun_and_saves_it() -> None:
    stage.enable()
    with stage.saved_shot():
        swap = stage.begin(steps=4)
        stage.pump_until(lambda: swap.job)
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        assert bpy.ops.understudy.batch(save=True) == {"FINISHED"}
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        strip = stage.module("timeline").find(swap.uid)[1]
        assert stage.shown(strip) == CLIP_FRAMES
        assert bpy.ops.understudy.batch() == {"FINISHED"}, "nothing is left to do"
        assert stage.swaps() == []


def scenario_a_batch_begins_a_job_of_a_strip_by_its_name() -> None:
    stage.enable()
    source = stage.shot()
    stage.select()
    bpy.ops.understudy.batch(strip="clip", mode="animate", filepath=str(stage.HERO))
    [swap] = stage.swaps()
    assert (swap.mode, stage.span(stage.result(swap))) == ("animate", stage.span(source))


def scenario_a_batch_says_what_went_wrong() -> None:
    stage.enable()
    stage.shot()
    said = stage.reported(bpy.ops.understudy.batch, strip="plate", filepath=str(stage.HERO))
    assert said == "There is no strip 'plate' in the scene 'Scene'."
    said = stage.reported(bpy.ops.understudy.batch, strip="clip", filepath="/nowhere/hero.png")
    assert said == "There is no picture /nowhere/hero.png. Choose another."
    bpy.context.scene.understudy.seed = 13
    said = stage.reported(bpy.ops.understudy.batch, strip="clip", filepath=str(stage.HERO))
    assert said == "clip: Segment 2 came out as 12 values that are no numbers. Try another seed."
