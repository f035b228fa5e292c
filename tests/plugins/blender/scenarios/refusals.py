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
