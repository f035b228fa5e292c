"""Jobs that end early keep what they made; files are where they should be; undo takes back what it should."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import threading
from pathlib import Path

import bpy

from . import stage
from .stage import CLIP_FRAMES


def scenario_cancel_stops_the_job_and_keeps_its_frames() -> None:
    stage.enable()
    stage.shot()
    stage.halt("step 2 1")
    swap = stage.begin()
    stage.pump_until(lambda: swap.made and stage.result(swap))
    assert bpy.ops.understudy.cancel(uid=swap.uid) == {"FINISHED"}
    assert stage.ended(swap) == "cancelled"
    strip = stage.result(swap)
    assert 0 < swap.landed < CLIP_FRAMES
    assert stage.span(strip) == (11, 11 + swap.landed), "it ends where its frames end"
    assert all((swap.folder / element.filename).is_file() for element in strip.elements)
    assert strip.color_tag == "COLOR_02"
    with stage.client() as client:
        assert client.job(swap.job).state == stage.module("_api.v1.job_pb2").JOB_STATE_CANCELLED
    bpy.ops.understudy.cancel(uid=swap.uid)  # of a job that has ended: off the list
    assert stage.swaps() == []


def scenario_cancel_before_the_server_has_the_job_works_too() -> None:
    stage.enable()
    stage.shot()
    stage.halt("step 0 1")
    swap = stage.begin()
    bpy.ops.understudy.cancel(uid=swap.uid)
    assert stage.ended(swap) == "cancelled"
    assert stage.result(swap) is None


def scenario_a_failed_job_keeps_its_frames_and_says_why() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(seed=13)
    assert stage.ended(swap) == "failed"
    assert swap.text == "Segment 2 came out as 12 values that are no numbers. Try another seed."
    assert stage.span(stage.result(swap)) == (11, 16)
    assert stage.result(swap).color_tag == "COLOR_01"


def scenario_two_jobs_land_on_two_channels() -> None:
    stage.enable()
    source = stage.shot()
    first, second = stage.begin(), stage.begin("animate")
    stage.ended(first), stage.ended(second)
    assert {stage.result(first).channel, stage.result(second).channel} == {3, 4}
    assert stage.span(stage.result(first)) == stage.span(stage.result(second)) == stage.span(source)


def scenario_frames_lie_beside_a_saved_file_and_come_back_with_it() -> None:
    stage.enable()
    with stage.saved_shot() as folder:
        bpy.ops.understudy.replace()
        [swap] = stage.swaps()
        uid = swap.uid
        assert swap.folder == Path(folder, "understudy", f"clip_replace_{uid[:8]}")
        assert stage.result(swap).directory.startswith("//understudy/")
        assert list(swap.folder.glob("*.part")) == []
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
        assert stage.swaps() == []
        strip = stage.module("timeline").find(uid)[1]
        assert stage.shown(strip) == CLIP_FRAMES
        assert stage.module("pump").take_up() == [], "all of it is there"


def scenario_frames_of_an_unsaved_file_lie_in_the_extensions_own_folder() -> None:
    stage.enable()
    stage.shot()
    assert not bpy.data.filepath
    bpy.ops.understudy.replace()
    [swap] = stage.swaps()
    own = Path(bpy.utils.extension_path_user(stage.EXTENSION))
    assert swap.folder.is_relative_to(own)
    assert len(list(swap.folder.glob("0*.png"))) == CLIP_FRAMES


def scenario_undo_takes_the_strip_back_and_redo_brings_it_whole() -> None:
    stage.enable()
    stage.shot()
    bpy.ops.ed.undo_push(message="before")
    swap = stage.begin(steps=6)
    stage.ended(swap)
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES
    bpy.ops.ed.undo()
    assert stage.result(swap) is None
    assert [strip.name for strip in stage.strips()] == ["hero", "clip"]
    stage.module("pump").pump()
    assert stage.result(swap) is None, "what undo took back was made again"
    bpy.ops.ed.redo()
    assert stage.shown(stage.result(swap)) == CLIP_FRAMES
    bpy.ops.understudy.cancel(uid=swap.uid)  # off the list: nobody follows it any more
    bpy.ops.ed.undo()
    bpy.ops.ed.redo()
    assert stage.shown(stage.module("timeline").find(swap.uid)[1]) == CLIP_FRAMES


def scenario_undo_of_another_edit_leaves_the_strip_growing() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=6)
    stage.pump_until(lambda: swap.made and stage.result(swap))
    stage.strips()["hero"].mute = True
    bpy.ops.ed.undo_push(message="mute")
    bpy.ops.ed.undo()
    assert not stage.strips()["hero"].mute
    stage.ended(swap)
    assert stage.span(stage.result(swap)) == (11, 11 + CLIP_FRAMES)


def scenario_a_deleted_strip_is_not_made_again() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=6)
    strip = stage.pump_until(lambda: swap.made and stage.result(swap))
    stage.strips().remove(strip)
    assert stage.ended(swap) == "finished"
    assert stage.result(swap) is None
    assert len(list(swap.folder.glob("0*.png"))) == CLIP_FRAMES


def scenario_a_moved_strip_goes_on_growing_where_it_is() -> None:
    stage.enable()
    stage.shot()
    swap = stage.begin(steps=6)
    stage.pump_until(lambda: swap.made and stage.result(swap)).frame_start = 101
    stage.ended(swap)
    assert stage.span(stage.result(swap)) == (101, 101 + CLIP_FRAMES)


def scenario_the_server_line_says_who_answers() -> None:
    stage.enable()
    stage.scene()
    bpy.ops.understudy.ask_server()
    session = stage.module("session").session
    stage.pump_until(lambda: not session.errands.pending)
    about = stage.module("desk").desk.about
    assert (about.state.name, about.model) == ("READY", "nano"), about
    assert about.notice.startswith("nano ")


def scenario_undo_steps_are_safe_beside_busy_threads() -> None:
    """An operator under temp_override crashes Blender before 5.1 here: `timeline.push_undo` tells why."""
    stage.enable()
    stage.scene()
    over = threading.Event()

    def be_busy() -> None:
        while not over.is_set():
            {number: f"{number:06d}.png" for number in range(200)}

    threads = [threading.Thread(target=be_busy, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(400):
        stage.module("timeline").push_undo(f"step {number}")
    over.set()
