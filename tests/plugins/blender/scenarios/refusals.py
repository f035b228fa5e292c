"""What cannot be done is refused at once, in one sentence, and nothing is started."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from pathlib import Path

import bpy

from . import stage


def scenario_nothing_is_selected() -> None:
    stage.enable()
    stage.shot()
    stage.select()
    assert stage.refused() == (
        "No strip is selected. Select a movie strip, and with it a picture of the character."
    )


def scenario_a_strip_of_another_kind_is_selected() -> None:
    stage.enable()
    stage.shot()
    stage.select(stage.strips()["hero"])
    assert stage.refused() == (
        "'hero' is no movie strip. Select one, and with it a picture of the character."
    )


def scenario_it_is_not_clear_which_movie_or_picture_is_meant() -> None:
    stage.enable()
    first = stage.shot()
    second = stage.strips().new_movie("second", str(stage.CLIP), 7, 1)
    bpy.context.scene.sequence_editor.active_strip = stage.strips()["hero"]
    stage.select(first, second)
    assert stage.refused() == "2 movie strips are selected. Click the one that is meant."
    stage.select(first, stage.strips()["hero"], stage.hero(channel=9))
    assert stage.refused() == "2 image strips are selected. Select one picture of the character."


def scenario_no_character_is_chosen() -> None:
    stage.enable()
    stage.scene()
    stage.movie()
    assert stage.refused() == ("No character is chosen. Select an image strip too, or choose a picture.")
    assert stage.refused(filepath="/nowhere/hero.png") == (
        f"There is no picture {Path('/nowhere/hero.png')}. Choose another."
    )


def scenario_the_clip_is_missing() -> None:
    stage.enable()
    stage.shot().filepath = "/nowhere/clip.mkv"
    assert stage.refused() == (
        f"The clip {Path('/nowhere/clip.mkv')} is missing. Find it with File > External Data, then try again."
    )


def scenario_the_clip_does_not_play_frame_by_frame() -> None:
    stage.enable()
    source = stage.shot()
    bpy.context.scene.render.fps = 30
    assert stage.refused() == (
        "The clip runs at 24.000 frames a second and the scene at 30.000. "
        "Set the scene's frame rate to the clip's."
    )
    bpy.context.scene.render.fps = 24
    source.use_reverse_frames = True
    assert stage.refused() == "'clip' plays in reverse. Switch off Reverse Frames."
    source.use_reverse_frames = False
    source.frame_offset_end = -3
    assert stage.refused() == (
        "The strip holds a still for 3 frames beyond its clip. Trim its ends to the clip."
    )
    source.frame_offset_end = 0
    _speed_up(source)
    stage.select(source, stage.strips()["hero"])
    assert stage.refused() == "A speed effect works on 'clip'. Remove it."


def _speed_up(source: object) -> None:
    source_argument = {"input1" if bpy.app.version >= (4, 4, 0) else "seq1": source}
    length = {"length": 12} if bpy.app.version >= (5, 0, 0) else {"frame_end": 23}
    stage.strips().new_effect("fast", "SPEED", 8, 11, **length, **source_argument)


def scenario_a_pass_is_missing() -> None:
    stage.enable()
    stage.shot()
    assert stage.refused(matte="/nowhere/matte.mkv") == (
        f"There is no matte at {Path('/nowhere/matte.mkv')}. Choose the file again."
    )
    assert stage.refused(passes_folder="/nowhere").startswith("There is no passes folder")


def scenario_no_server_runs() -> None:
    stage.enable()
    stage.shot()
    with_server = stage.preferences()
    with_server.data_folder = str(stage.FOOTAGE)  # where no server says that it is
    swap = stage.begin()
    assert stage.ended(swap) == "failed"
    assert swap.text == "No Understudy server is running. Start one with: understudy serve"
    assert stage.result(swap) is None
    with_server.start_server, with_server.command = True, "/nowhere/understudy"
    swap = stage.begin()
    assert stage.ended(swap) == "failed"
    assert swap.text == (
        "/nowhere/understudy cannot be run. Choose the understudy program in the extension's preferences."
    )


def scenario_the_server_refuses_a_file_in_its_own_words() -> None:
    stage.enable()
    stage.scene()
    stage.movie()
    swap = stage.begin(filepath=str(stage.CLIP))  # a movie is no picture
    assert stage.ended(swap) == "failed"
    assert "clip.mkv" in swap.text
    assert stage.result(swap) is None


def scenario_a_script_hears_why_a_job_failed() -> None:
    stage.enable()
    stage.shot()
    assert "Try another seed." in stage.reported(bpy.ops.understudy.replace, seed=13)
