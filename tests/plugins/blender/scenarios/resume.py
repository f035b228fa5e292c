"""A strip takes its job up again: after its file was opened anew, and after Blender was killed."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import stage
from .stage import CLIP_FRAMES


def taken_up() -> Any:
    [swap] = stage.module("pump").take_up()
    return swap


def scenario_a_file_that_is_opened_again_takes_its_job_up() -> None:
    stage.enable()
    with stage.saved_shot():
        stage.halt("step 2 1")
        swap = stage.begin()
        stage.pump_until(lambda: swap.made)
        bpy.ops.wm.save_mainfile()
        landed = swap.landed
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        assert stage.swaps() == []
        again = taken_up()
        assert (again.uid, again.job) == (swap.uid, swap.job)
        assert 0 < stage.shown(stage.result(again)) < CLIP_FRAMES
        stage.go_on()
        assert stage.ended(again) == "finished"
        assert landed <= again.landed == CLIP_FRAMES
        strip = stage.result(again)
        assert stage.span(strip) == (11, 11 + CLIP_FRAMES)
        assert np.array_equal(stage.rendered(34, only=strip), 255 - stage.source_frame(23))


def scenario_a_job_outlives_a_blender_that_is_killed() -> None:
    stage.enable()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "shot.blend")
        command = [sys.executable, "-m", "tests.plugins.blender.scenarios.run", "resume", "killed_halfway"]
        died = subprocess.run(command, env={**os.environ, "UNDERSTUDY_FILE": str(file)}, check=False)
        assert died.returncode == -9
        bpy.ops.wm.open_mainfile(filepath=str(file))
        swap = taken_up()
        assert swap.job == "", "it was saved before the server had it"
        assert stage.ended(swap) == "finished"
        assert stage.shown(stage.result(swap)) == CLIP_FRAMES


def killed_halfway() -> None:
    """The Blender that is killed."""
    stage.enable()
    stage.shot()
    bpy.ops.wm.save_as_mainfile(filepath=os.environ["UNDERSTUDY_FILE"])
    swap = stage.begin(steps=10)
    bpy.ops.wm.save_mainfile()
    stage.pump_until(lambda: swap.made)
    os.kill(os.getpid(), 9)


def scenario_frames_that_were_deleted_are_fetched_again_and_never_drawn() -> None:
    stage.enable()
    with stage.saved_shot():
        bpy.ops.understudy.replace()
        [swap] = stage.swaps()
        bpy.ops.wm.save_mainfile()
        for path in swap.folder.iterdir():
            path.unlink()
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        again = taken_up()
        assert stage.shown(stage.result(again)) == 0
        assert stage.ended(again) == "finished"
        assert stage.shown(stage.result(again)) == CLIP_FRAMES


def scenario_a_cancelled_job_is_left_alone() -> None:
    stage.enable()
    with stage.saved_shot():
        stage.halt("step 2 1")
        swap = stage.begin()
        stage.pump_until(lambda: swap.made)
        swap.cancel()
        stage.ended(swap)
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        assert stage.module("pump").take_up() == []


def scenario_without_a_server_the_file_waits_for_one_and_starts_none() -> None:
    stage.enable()
    with stage.saved_shot() as folder:
        stage.halt("step 2 1")
        swap = stage.begin()
        stage.pump_until(lambda: swap.made)
        bpy.ops.wm.save_mainfile()
        stage.preferences().data_folder = str(folder)  # where no server says that it is
        stage.preferences().start_server, stage.preferences().command = True, sys.executable
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        again = taken_up()
        stage.pump_until(lambda: again.state == "away")
        assert again.text == (
            "No Understudy server is running. Start one with: understudy serve. The job goes on when it is back."
        )
        again.thread.leave()
        again.thread.join(stage.TIMEOUT_S)
        assert not again.thread.is_alive()
