# mypy: ignore-errors
"""A window for editing with the demo's clip (or CLIP) and character, and the Understudy tab open. Inside Blender."""

import importlib
import json
import os
import time
from pathlib import Path

import bpy

HOST = Path("/mnt/host")
EXTENSION = "bl_ext.user_default.understudy"


def prepare():
    """The preferences that a test needs, and the workspace for editing."""
    view = bpy.context.preferences.view
    view.show_splash = False
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.data_folder = str(HOST / "home")
    preferences.frames_folder = str(HOST / "frames")
    bpy.ops.workspace.append_activate(
        idname="Video Editing",
        filepath=str(
            Path(bpy.utils.system_resource("SCRIPTS"))
            / "startup/bl_app_templates_system"
            / "Video_Editing/startup.blend"
        ),
    )


def fill(scene):
    """The demo's clip on channel 2, its character on channel 1."""
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.resolution_x = scene.render.resolution_y = 256
    scene.view_settings.view_transform = "Standard"
    editor = scene.sequence_editor_create()
    strips = strips_of(editor)
    name = os.environ.get("CLIP", "clip")
    clip = strips.new_movie(name, str(HOST / f"demo/{name}.mp4"), 2, 1)
    picture = strips.new_image("character", str(HOST / "demo/character.png"), 1, 1)
    picture.frame_final_duration = clip.frame_final_duration
    scene.frame_end = clip.frame_final_duration
    for strip in strips:
        strip.select = strip == clip
    editor.active_strip = clip
    return clip, picture


def strips_of(editor):
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def areas():
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                yield window, area


def open_tab(wide=False):
    """Opens the sidebar of the timeline at the Understudy tab; false while it was not drawn yet."""
    done = False
    for _, area in areas():
        area.spaces[0].show_region_ui = area.spaces[0].view_type != "PREVIEW"
        for region in area.regions:
            if region.type == "UI" and area.spaces[0].show_region_ui and region.width > 1:
                try:
                    region.active_panel_category = "Understudy"
                    done = True
                except (AttributeError, TypeError):
                    pass
        area.tag_redraw()
    return done


def watch_jobs():
    """Makes the file finished as soon as a job was begun and all have ended."""
    session = importlib.import_module(f"{EXTENSION}.session").session
    if session.swaps and not session.active():
        (HOST / "finished").touch()
        return None
    return 0.2


def begin(then=lambda: None):
    """Prepares all, opens the tab as soon as it can be, calls *then*, and says that it is ready."""
    prepare()

    def settle():
        window = bpy.context.window_manager.windows[0]
        scene = window.scene
        if hasattr(window.workspace, "sequencer_scene") and window.workspace.sequencer_scene is None:
            window.workspace.sequencer_scene = scene
        if scene.sequence_editor is None or not len(strips_of(scene.sequence_editor)):
            fill(scene)
        if not open_tab():
            return 0.3
        if "LOCALE" in os.environ:  # not before: Blender 5.2.2 crashes if a workspace is added after it
            bpy.context.preferences.view.language = os.environ["LOCALE"]
            bpy.context.preferences.view.use_translate_interface = True
        then()
        bpy.app.timers.register(watch_jobs, first_interval=0.5)
        (HOST / "ready").touch()
        return None

    bpy.app.timers.register(settle, first_interval=1.0)


def time_steps(operator, told):
    """Invokes *operator* once the file go is there, and writes to *told* how long it held the window at a time."""
    stepwise = importlib.import_module(f"{EXTENSION}.stepwise")
    held, worked, modal = [], [], stepwise.Stepwise.modal

    def timed(self, context, event):
        begun, computing = time.perf_counter(), time.thread_time()
        result = modal(self, context, event)
        if event.type == "TIMER":
            held.append(1000 * (time.perf_counter() - begun))
            worked.append(1000 * (time.thread_time() - computing))
        if result != {"RUNNING_MODAL"}:
            rows = {
                "ticks": len(held),
                "median_ms": sorted(held)[len(held) // 2],
                "longest_ms": sorted(held)[-5:],
                "longest_ms_of_computing": sorted(worked)[-5:],
            }
            (HOST / told).write_text(json.dumps({**rows, "result": sorted(result)}))
        return result

    def wait():
        if not (HOST / "go").exists():
            return 0.2
        (HOST / "go").unlink()
        stepwise.Stepwise.modal = timed
        operator("INVOKE_DEFAULT")
        return None

    bpy.app.timers.register(wait, first_interval=0.5)


if __name__ == "__main__":
    begin()
