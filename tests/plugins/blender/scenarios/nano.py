"""The whole flow against a server with nano, the model that ships: 18 frames, 96 x 96 inside it. Not in --quick.

Other scenarios' engine inverts colours, so that every pixel can be told; nano's pictures cannot. What it must leave as
it is, can: the clip around the person.
"""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import masks, rig, stage

CLIP, HERO = stage.FOOTAGE / "nano" / "clip.mp4", stage.FOOTAGE / "nano" / "character.png"
FRAMES, PX = 18, 128  # of it: two segments
INSIDE_PX = 96 * 96  # which no quality asks for
TIMEOUT_S = 75.0


def enable() -> None:
    stage.enable()
    request = stage.module("request")
    usual = request._sampling

    def small(*given: Any) -> Any:
        sampling = usual(*given)
        sampling.work_area_px = INSIDE_PX
        return sampling

    request._sampling = small


def shot() -> Any:
    """The clip of somebody who moves, and a character's picture, both selected; nothing else is supplied."""
    found = stage.scene()
    found.render.resolution_x = found.render.resolution_y = PX
    found.understudy.passes_folder = ""
    found.understudy.steps = 4
    picture = stage.hero(picture=HERO)
    strip = stage.movie(clip=CLIP)
    picture.select = True
    return strip


def saved_shot(file: Path) -> None:
    shot()
    bpy.ops.wm.save_as_mainfile(filepath=str(file))


def finished(swap: Any) -> Any:
    """Its strip, once it is whole."""
    stage.pump_until(lambda: swap.outcome, TIMEOUT_S)
    stage.module("pump").pump()
    assert swap.outcome == "finished", swap.text
    strip = stage.result(swap)
    assert stage.shown(strip) == len(strip.elements) == swap.frames
    return strip


def check_picture(swap: Any, source: Any, frame: int) -> None:
    """At timeline *frame* the result is the clip around the person, and another picture where the person is."""
    strip = stage.result(swap)
    made = stage.pixels(swap.folder / f"{frame - stage.module('compat').timing(strip).content_start:06d}.png")
    difference = np.abs(made.astype(int) - stage.rendered(frame, only=source)).max(axis=2)
    assert np.percentile(difference, 20) <= 4, "the clip is changed where nobody is"
    assert (difference > 40).mean() > 0.01, "nobody took the person's place"


def scenario_a_swap_lands_part_by_part_and_has_versions_handles_and_undo() -> None:
    enable()
    source = shot()
    source.frame_offset_start, source.frame_offset_end = 1, 1
    bpy.ops.ed.undo_push(message="before")
    swap = stage.begin(steps=12)
    assert stage.span(stage.result(swap)) == stage.span(source), "before the server was asked"
    stage.pump_until(lambda: stage.shown(stage.result(swap)), TIMEOUT_S)
    with stage.client() as client:
        assert client.job(swap.job).state == stage.module("_api.v1.job_pb2").JOB_STATE_RUNNING
    assert swap.notice.startswith("nano "), swap.notice
    assert stage.span(finished(swap)) == stage.span(source)
    check_picture(swap, source, source.frame_final_start)
    check_picture(swap, source, source.frame_final_end - 1)
    bpy.ops.ed.undo()
    assert stage.result(swap) is None
    bpy.ops.ed.redo()
    assert stage.shown(stage.result(swap)) == FRAMES - 2
    for strip in stage.strips():
        strip.mute = False
    bpy.context.scene.understudy.handles = 4
    second = stage.begin(seed=2)
    assert (second.placement.before, second.placement.behind) == (1, 1), "the clip has no more"
    strip = finished(second)
    [stack] = [each for each in stage.strips() if each.type == "META"]
    assert sorted(each.mute for each in stage.module("compat").strips(stack)) == [False, True]
    assert (stage.span(strip), strip.frame_offset_start, strip.frame_offset_end) == ((12, 28), 1, 1)


def scenario_cancel_keeps_what_is_made_and_a_retry_goes_on_from_there() -> None:
    enable()
    source = shot()
    swap = stage.begin(steps=30)
    stage.pump_until(lambda: swap.made, TIMEOUT_S)
    bpy.ops.understudy.cancel(uid=swap.uid)
    stage.pump_until(lambda: swap.outcome, TIMEOUT_S)
    stage.module("pump").pump()
    assert swap.outcome == "cancelled"
    assert 0 < swap.landed < FRAMES
    assert stage.span(stage.result(swap)) == (11, 11 + swap.landed)
    first = (swap.folder / "000000.png").stat().st_mtime_ns
    bpy.ops.understudy.retry(uid=swap.uid)
    assert stage.span(finished(swap)) == stage.span(source)
    assert (swap.folder / "000000.png").stat().st_mtime_ns == first, "it was made again"


def scenario_a_killed_blender_takes_its_job_up_and_the_saved_file_has_it_whole() -> None:
    enable()
    with stage.temporary_folder() as folder:
        file = folder / "shot.blend"
        command = [sys.executable, "-m", "tests.plugins.blender.scenarios.run", "nano", "killed_halfway"]
        died = subprocess.run(command, env={**os.environ, "UNDERSTUDY_FILE": str(file)}, check=False)
        assert died.returncode == -9
        bpy.ops.wm.open_mainfile(filepath=str(file))
        [swap] = stage.module("pump").take_up()
        assert stage.span(finished(swap)) == (11, 11 + FRAMES)
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=str(file))
        assert stage.shown(stage.module("timeline").find(swap.uid)[1]) == FRAMES
        assert stage.module("pump").take_up() == []


def killed_halfway() -> None:
    """The Blender that is killed."""
    enable()
    saved_shot(Path(os.environ["UNDERSTUDY_FILE"]))
    swap = stage.begin(steps=20)
    bpy.ops.wm.save_mainfile()
    stage.pump_until(lambda: swap.made, TIMEOUT_S)
    os.kill(os.getpid(), 9)


def scenario_a_reversed_strip_is_rendered_and_a_mask_is_its_matte() -> None:
    enable()
    source = shot()
    source.use_reverse_frames = True
    source.frame_offset_end = 10
    over = stage.strips().new_mask("Roto", masks.mask(box=(0.2, 0.2, 0.8, 0.9), size=(PX, PX)), 3, 11)
    over.select = True
    bpy.ops.understudy.use_mask()
    stage.select(source, stage.strips()["character"])
    over.mute = True
    swap = stage.begin()
    assert stage.span(finished(swap)) == stage.span(source) == (11, 19)
    with stage.client() as client:
        passes = client.job(swap.job).spec.replace.passes
        assert client.media(passes.matte).display_name == "matte.avi"
    for frame in (11, 18):
        made = stage.pixels(swap.folder / f"{frame - 11:06d}.png").astype(int)
        beside = np.abs(made - stage.rendered(frame, only=source))[:, : PX // 10]
        assert beside.max() <= 4, "outside the mask the result is what the strip shows"


def scenario_a_rig_performs_and_the_picture_does_what_it_does() -> None:
    enable()
    found = rig.scene()
    found.render.resolution_x = found.render.resolution_y = PX
    found.understudy.passes_folder = ""
    assert bpy.ops.understudy.drive_by_rig() == {"FINISHED"}
    strip = bpy.context.scene.sequence_editor.active_strip
    document = rig.keypoints(strip)
    rig.check(document, rig.FRAMES[0])  # within a tenth of a pixel of the projected bones
    swap = stage.begin("animate", filepath=str(HERO), steps=2)
    assert stage.span(finished(swap)) == stage.span(strip)
    with stage.client() as client:
        spec = client.job(swap.job).spec.animate
        assert client.media(spec.passes.keypoints).display_name == "keypoints.json"
    first, last = (stage.pixels(swap.folder / f"{index:06d}.png").astype(int) for index in (0, 7))
    moved = math.dist(*(rig.point(document, index, "left_wrist")[:2] for index in (0, 7)))
    assert moved > 5
    assert np.abs(first - last).max() > 40, "the picture stands still"
