"""The panel shows what is selected, and offers a button against what stands in the way."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import bpy

from . import stage
from .paper import drawn


def scenario_the_panel_shows_clip_character_and_costs() -> None:
    stage.enable()
    stage.shot()
    _reached()
    first = drawn()
    assert first.has("clip 24 frames, 24 fps")
    assert first.has("hero Selected Strip")
    assert first.pictures == 2
    assert {"understudy.replace", "understudy.animate", "understudy.find_people"} <= set(first.buttons)
    assert {"quality", "relight_strength", "seed", "handles"} <= set(first.options)
    assert first.has("nano")
    for menu in ("SEQUENCER_MT_strip", "SEQUENCER_MT_context_menu"):
        added = stage.module("operators.swap").draw_menu
        assert added in getattr(bpy.types, menu).draw._draw_funcs


def scenario_the_panel_asks_no_disk() -> None:
    """A file on a network that has gone away would freeze the window."""
    stage.enable()
    stage.shot().filepath = "/nowhere/clip.mkv"
    asked: list[object] = []
    real = os.stat

    def noting(path: Any, **options: Any) -> Any:
        asked.append(path)
        return real(path, **options)

    os.stat = noting
    try:
        drawn()
        assert asked == []
        assert not stage.CLIP.with_name("nowhere").exists()
        assert asked, "nobody would notice"
    finally:
        os.stat = real


def scenario_the_clip_is_opened_for_its_rate_between_drawings_alone() -> None:
    stage.enable()
    stage.shot().filepath = str(stage.FOOTAGE / "clip30.mkv")
    compat = stage.module("compat")
    real, compat.rate = compat.rate, lambda scene, strip: 1 / 0
    assert drawn().has("24 frames, 24 fps")
    compat.rate = real
    stage.module("pump").pump()
    assert drawn().has("24 frames, 30 fps")


def scenario_a_prompt_is_left_out_where_the_model_reads_none_and_refused_where_it_was_told() -> None:
    stage.enable()
    stage.shot()
    bpy.context.scene.understudy.prompt = "a dancer in the rain"
    assert not drawn().has("reads no prompt"), "nobody has asked the server yet"
    _reached()
    assert drawn().has("nano reads no prompt")
    bpy.ops.understudy.replace(steps=1)
    with stage.client() as client:
        assert not client.job(stage.swaps()[0].job).spec.replace.prompt
    said = stage.reported(bpy.ops.understudy.replace, prompt="a dancer in the rain", steps=1)
    assert said == "nano takes no prompt: it was trained without words. Leave the prompt out."


def scenario_loras_of_ones_own_are_chosen_with_a_strength_and_go_into_the_job() -> None:
    stage.enable()
    stage.shot()
    _reached()
    assert not {"understudy.add_lora", "understudy.remove_lora"} & set(drawn().buttons), "the server has none"
    desk = stage.module("desk").desk
    desk.about = replace(desk.about, loras=("faces/anna", "film"))
    assert "understudy.add_lora" in drawn().buttons
    for name in ("film", "faces/anna"):
        assert bpy.ops.understudy.add_lora(name=name) == {"FINISHED"}
    paper = drawn()
    assert paper.has("faces/anna")
    assert "understudy.add_lora" not in paper.buttons, "all are chosen"
    chosen = bpy.context.scene.understudy.loras
    chosen["faces/anna"].strength = 0.5
    chosen["film"].strength = 0.0
    said = stage.reported(bpy.ops.understudy.replace, steps=1)
    assert said.startswith("There is no LoRA 'faces/anna' here."), said
    assert bpy.ops.understudy.remove_lora(name="faces/anna") == {"FINISHED"}
    assert [lora.name for lora in chosen] == ["film"]
    bpy.ops.understudy.replace(steps=1)
    with stage.client() as client:
        assert not client.job(stage.swaps()[-1].job).spec.replace.sampling.loras, "a strength of 0"


def scenario_an_empty_sequencer_is_told_what_to_do() -> None:
    stage.enable()
    assert drawn().has("Add a movie strip to the sequencer to begin.")
    stage.scene()
    stage.movie()
    stage.select()
    assert drawn().has("No strip is selected.")
    assert "understudy.select_clip" in drawn().buttons


def scenario_the_button_beside_a_refusal_puts_it_right() -> None:
    stage.enable()
    source = stage.shot(channel=127)
    bpy.context.scene.sequence_editor.channels[128].lock = True
    assert stage.refused().startswith("No channel above 127 is free")
    paper = drawn()
    assert paper.has("No channel above 127 is free")
    assert paper.buttons["understudy.unlock_channels"].text == "Unlock Channels"
    stage.strips()["hero"].select = False
    assert not drawn().has("No channel above 127"), "of another selection"
    stage.strips()["hero"].select = True
    assert bpy.ops.understudy.unlock_channels() == {"FINISHED"}
    assert not drawn().has("No channel above 127")
    stage.select()
    assert bpy.ops.understudy.select_clip() == {"FINISHED"}
    assert [strip.name for strip in stage.strips() if strip.select] == [source.name]


def scenario_a_chosen_picture_is_kept_for_the_next_job() -> None:
    stage.enable()
    stage.scene()
    stage.movie()
    assert stage.refused() == ("No character is chosen. Select an image strip too, or choose a picture.")
    assert "understudy.choose_character" in drawn().buttons
    bpy.ops.understudy.choose_character(filepath=str(stage.HERO))
    assert drawn().has("Character")
    swap = stage.begin()
    stage.pump_until(lambda: swap.job)
    with stage.client() as client:
        assert client.media(client.job(swap.job).spec.replace.character).display_name == "hero.png"


def scenario_a_picture_that_was_painted_in_blender_is_used_as_it_is() -> None:
    stage.enable()
    stage.scene()
    stage.movie()
    painted = bpy.data.images.new("painted", 8, 6)
    painted.generated_color = (1.0, 0.0, 0.0, 1.0)
    bpy.context.scene.understudy.character = painted
    drawn()
    written = stage.module("character").chosen_file(bpy.context.scene, stage.FOOTAGE.parent / "painted")
    picture = stage.pixels(written)
    assert picture.shape == (6, 8, 3)
    assert picture[3, 4].tolist() == [255, 0, 0]
    assert painted.source == "GENERATED"


def scenario_the_scene_takes_the_clips_rate() -> None:
    stage.enable()
    stage.shot()
    bpy.context.scene.render.fps = 30
    assert bpy.ops.understudy.match_rate() == {"FINISHED"}
    assert (bpy.context.scene.render.fps, round(bpy.context.scene.render.fps_base, 6)) == (24, 1.0)
    as_blender = stage.module("operators.fixes")._as_blender
    assert as_blender(24000 / 1001) == (24, 1.001)
    assert as_blender(25.0) == (25, 1.0)
    assert as_blender(59.94005994) == (60, 1.001)


def scenario_a_failed_job_offers_what_helps() -> None:
    stage.enable()
    stage.shot()
    stage.preferences().data_folder = str(stage.FOOTAGE)  # where no server says that it is
    assert stage.ended(stage.begin()) == "failed"
    paper = drawn()
    assert paper.has("No Understudy server is running.")
    assert paper.buttons["understudy.start_server"].text == "Start Server"


def scenario_another_server_is_asked_through_a_tunnel_only_and_with_its_token() -> None:
    stage.enable()
    stage.shot()
    stage.preferences().address = "192.0.2.1:9"
    assert stage.ended(stage.begin()) == "failed"
    assert "ssh -N -L 9:127.0.0.1:9 192.0.2.1" in stage.swaps()[-1].text
    assert "understudy.open_preferences" in drawn().buttons
    stage.preferences().address = "nowhere"
    assert stage.ended(stage.begin()) == "failed"
    assert stage.swaps()[-1].text.startswith("'nowhere' is no server's address.")
    with stage.client() as client:
        there = client.endpoint
    stage.preferences().address = there.address
    swap = stage.begin()
    assert stage.ended(swap) == "failed"
    assert swap.reason in ("TOKEN_BAD", "TOKEN_MISSING")
    assert "understudy.open_preferences" in drawn().buttons
    stage.preferences().token = there.token
    swap = stage.begin()
    stage.pump_until(lambda: swap.job)


def scenario_words_of_other_languages_are_registered_and_taken_back() -> None:
    """bpy as a module brings no languages, so what a window shows is looked at in one (docs/blender.md)."""
    stage.enable()
    translations = stage.module("translations")
    words = translations.words("{0} frames, {1} fps", 24, "23.976")
    assert words == "24 frames, 23.976 fps"
    assert translations.words("a {strip} with braces") == "a {strip} with braces"
    translations.unregister()
    translations.register()  # which Blender refuses for what is registered already


def _reached() -> None:
    bpy.ops.understudy.ask_server()
    stage.pump_until(lambda: not stage.module("session").session.errands.pending)
    assert stage.module("desk").desk.about.state.name == "READY"
