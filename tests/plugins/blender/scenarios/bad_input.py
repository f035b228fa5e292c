"""Trouble while a job runs, and before: one sentence, nothing lost, the timeline as it was."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import bpy

from scripts.api_bench.wire import Hop

from . import stage
from .stage import CLIP_FRAMES


def timeline() -> list[tuple[Any, ...]]:
    return [(strip.name, strip.channel, *stage.span(strip), strip.mute) for strip in stage.strips()]


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """No file of this process may become larger than *size* bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def scenario_a_server_that_goes_away_is_waited_for_and_nothing_is_lost() -> None:
    stage.enable()
    stage.shot()
    stage.module("operators.swap").PATIENCE_S = 0.2
    endpoint = stage.module("_api.endpoint")
    real = endpoint.read_endpoint()
    with stage.temporary_folder() as home:
        stage.preferences().data_folder = str(home)
        with Hop(real.address) as way:
            endpoint.write_endpoint(replace(real, address=way.address, instance_id="one"), home)
            stage.halt("step 2 1")
            swap = stage.begin()
            stage.pump_until(lambda: swap.made)
        stage.pump_until(lambda: swap.state == "away")
        assert swap.text.endswith("The job goes on when it is back.")
        strip = stage.result(swap)
        assert 0 < stage.shown(strip) < CLIP_FRAMES
        assert stage.span(strip) == (11, 11 + CLIP_FRAMES)
        with Hop(real.address) as way:
            endpoint.write_endpoint(replace(real, address=way.address, instance_id="two"), home)
            stage.go_on()
            assert stage.ended(swap) == "finished"
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES


def scenario_a_disk_that_fills_up_keeps_the_job_and_retry_fetches_the_rest() -> None:
    stage.enable()
    stage.shot()
    stage.halt("step 0 2")
    swap = stage.begin()
    stage.pump_until(lambda: swap.job)
    with no_room(64):
        stage.go_on()
        assert stage.ended(swap) == "failed"
    assert swap.text.startswith("The disk of ")
    assert swap.text.endswith(" is full. Free some space and press Retry: the server keeps what is made.")
    assert list(swap.folder.glob("*.part")) == []
    bpy.ops.understudy.retry(uid=swap.uid)
    assert stage.ended(swap) == "finished"
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES


def scenario_a_disk_that_is_full_already_begins_nothing() -> None:
    stage.enable()
    stage.shot()
    before = timeline()
    with no_room(16):
        said = stage.refused()
    assert said.startswith("Frames cannot be written to ")
    assert timeline() == before


def scenario_frames_that_have_nowhere_to_go_begin_nothing() -> None:
    stage.enable()
    stage.shot()
    before = timeline()
    stage.preferences().frames_folder = str(stage.HERO)  # a file
    assert stage.refused() == f"Frames cannot be written to {stage.HERO}: Not a directory."
    assert timeline() == before


def scenario_a_clip_in_which_nobody_is_seen_leaves_the_timeline_as_it_was() -> None:
    stage.enable()
    stage.shot()
    before = timeline()
    swap = stage.begin(seed=14)
    assert stage.ended(swap) == "failed"
    assert swap.text == "Nobody was found in any of the 24 frames. Choose another range, or supply keypoints."
    assert swap.reason == "PASS_MISSING"
    assert timeline() == before


def scenario_locked_channels_and_strips_are_left_alone() -> None:
    stage.enable()
    source = stage.shot()
    source.lock = True
    for number in range(3, 128):
        bpy.context.scene.sequence_editor.channels[number].lock = True
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    assert stage.result(swap).channel == 128
    bpy.context.scene.sequence_editor.channels[128].lock = True
    before = timeline()
    assert stage.refused() == (
        "No channel above 128 is free from frame 11 to 34. Clear or unlock one, then try again."
    )
    assert timeline() == before


def scenario_a_scene_that_is_deleted_takes_its_strip_along_and_the_job_ends_in_peace() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=4)
    stage.pump_until(lambda: swap.made)
    old, other = bpy.context.scene, bpy.data.scenes.new("other")
    bpy.context.window.scene = other
    bpy.data.scenes.remove(old)
    assert stage.ended(swap) == "finished"
    assert swap.obstacle == ""
    assert len(list(swap.folder.glob("0*.png"))) == CLIP_FRAMES


def scenario_a_render_is_not_disturbed_and_frames_wait_for_its_end() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=4)
    pump = stage.module("pump")
    seen = []

    def during(*_: object) -> None:
        swap.thread.join(stage.TIMEOUT_S)
        pump.pump()
        seen.append(stage.shown(stage.result(swap)))

    bpy.app.handlers.render_pre.append(during)
    stage.rendered(11, only=stage.result(swap))
    bpy.app.handlers.render_pre.remove(during)
    assert seen == [0], "the strip changed under the render"
    assert stage.ended(swap) == "finished"
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES
