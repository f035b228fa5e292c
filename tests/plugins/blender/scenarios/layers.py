"""Character, matte and skeleton land beside the result, muted, on channels of their own."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import stage
from .people import suppose


def beside() -> dict[str, Any]:
    return {strip["understudy_layer"]: strip for strip in stage.strips() if "understudy_layer" in strip}


def scenario_wanted_layers_lie_above_the_result_and_are_muted() -> None:
    stage.enable()
    source = stage.shot()
    source.frame_offset_start = 3
    options = bpy.context.scene.understudy
    options.layer_character = options.layer_matte = options.layer_pose = True
    options.handles = 2
    bpy.ops.understudy.replace()
    found = beside()
    assert sorted(found) == ["character", "matte"], "this engine draws no skeleton"
    assert [strip.channel for strip in found.values()] == [4, 5]
    for strip in found.values():
        assert stage.span(strip) == stage.span(source) == (14, 35)
        assert strip.mute
        assert len(strip.elements) == 23
    wanted = 255 - stage.source_frame(9)
    shown = stage.rendered(20, only=found["character"], also=source)
    assert np.array_equal(shown[:, :32], wanted[:, :32])
    assert np.array_equal(shown[:, 32:], stage.source_frame(9)[:, 32:]), "its right half is transparent"
    grey = stage.rendered(20, only=found["matte"])
    assert np.array_equal(grey, np.repeat(wanted[..., :1], 3, axis=2))
    bpy.ops.ed.undo()
    assert beside() == {}


def scenario_each_person_who_is_replaced_has_layers_of_their_own() -> None:
    stage.enable()
    source = stage.shot()
    suppose(source, "A", "B")
    options = bpy.context.scene.understudy
    options.people["B"].character = bpy.data.images.load(str(stage.HERO))
    options.layer_matte = True
    bpy.ops.understudy.replace()
    found = beside()
    assert sorted(found) == ["matte", "matte-1"]
    assert [stage.span(strip) for strip in found.values()] == [stage.span(source)] * 2
    for name, wanted in (("matte", 255 - stage.source_frame(9)), ("matte-1", stage.source_frame(9))):
        shown = stage.rendered(20, only=found[name])
        assert np.array_equal(shown, np.repeat(wanted[..., :1], 3, axis=2)), name


def scenario_layers_lie_beside_the_meta_strip_of_versions() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.understudy.replace()
    bpy.context.scene.understudy.layer_matte = True
    bpy.ops.understudy.replace(seed=2)
    [meta] = [strip for strip in stage.strips() if strip.type == "META"]
    matte = beside()["matte"]
    assert (meta.channel, matte.channel) == (3, 4)
    assert stage.span(matte) == stage.span(meta)
