# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of their own for points and mattes: what the artist edits elsewhere stays on the screen as it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bpy

from . import pose_scene

FILLED = 0.92  # of the view, by the picture
CATEGORY_TRIES = 20
WAIT_S = 0.2


def show(scene: bpy.types.Scene) -> None:
    """Opens a main window, since others share their scene with the window they came from.

    It begins as a copy of the artist's: the preview becomes the view of the points, timelines become keys.
    """
    new = _opened(main=True)
    if new is None:
        return
    new.scene = scene
    view = max(new.screen.areas, key=_fitness)
    for area in new.screen.areas:
        if area == view:
            _look_through_camera(area, (scene.render.resolution_x, scene.render.resolution_y))
        elif area.type == "SEQUENCE_EDITOR":
            area.type = "DOPESHEET_EDITOR"
    _open_tab(view)


def paint(image: bpy.types.Image) -> None:
    """Shows *image* in a window for painting: the one that shows another picture of its folder, or a new one."""
    space = _painting(Path(image.filepath).parent)
    if space is None:
        new = _opened(main=False)
        if new is None:
            return
        new.screen.areas[0].type = "IMAGE_EDITOR"
        space = new.screen.areas[0].spaces.active
        space.ui_mode = "PAINT"
        space.overlay.show_overlays = False  # the UV map of whatever object is active
    space.image = image


def _painting(folder: Path) -> Any:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR" and _shows(area.spaces.active, folder):
                return area.spaces.active
    return None


def _shows(space: Any, folder: Path) -> bool:
    return bool(space.ui_mode == "PAINT" and space.image and Path(space.image.filepath).parent == folder)


def _opened(*, main: bool) -> bpy.types.Window | None:
    """A new window; None where Blender opened none."""
    manager = bpy.context.window_manager
    before = {window.as_pointer() for window in manager.windows}
    _leave_maximised(manager.windows[0])
    with bpy.context.temp_override(window=manager.windows[0]):
        (bpy.ops.wm.window_new_main if main else bpy.ops.wm.window_new)()
    return next((window for window in manager.windows if window.as_pointer() not in before), None)


def _leave_maximised(window: bpy.types.Window) -> None:
    """A window in which one area fills all (Ctrl Space) cannot be copied."""
    if window.screen.show_fullscreen:
        with bpy.context.temp_override(window=window, area=window.screen.areas[0]):
            bpy.ops.screen.back_to_previous()


def redraw() -> None:
    """Draws the windows of points anew, with what the server has said."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and pose_scene.KEY in window.scene:
                area.tag_redraw()


def _fitness(area: bpy.types.Area) -> tuple[bool, int]:
    """The sequencer's preview before others, then the largest."""
    is_preview = area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type == "PREVIEW"
    return is_preview, area.width * area.height


def _look_through_camera(area: bpy.types.Area, frame: tuple[int, int]) -> None:
    area.type = "VIEW_3D"
    space = area.spaces.active
    space.region_3d.view_perspective = "CAMERA"
    space.region_3d.view_camera_zoom = _zoom((area.width, area.height), frame)
    space.show_region_ui = True
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = overlay.show_cursor = False
    overlay.show_relationship_lines = False


def _zoom(view: tuple[int, int], frame: tuple[int, int]) -> float:
    """At which the camera's *frame* fills a *view*: Blender's own measure, in which 0 is half of the longer side."""
    longer = max(view) / max(frame)  # how large the frame is at a share of 1
    share = FILLED * min(view[0] / (frame[0] * longer), view[1] / (frame[1] * longer))
    return 50 * (2 * math.sqrt(share) - math.sqrt(2))


def _open_tab(area: bpy.types.Area) -> None:
    """Opens the sidebar at our tab, which can be done as soon as it was drawn once."""
    tries = iter(range(CATEGORY_TRIES))
    wanted = area.as_pointer()

    def attempt() -> float | None:
        sidebar = _sidebar(wanted)
        try:
            sidebar.active_panel_category = "Understudy"
        except (AttributeError, TypeError):  # not drawn yet
            return WAIT_S if next(tries, None) is not None else None
        return None

    bpy.app.timers.register(attempt, first_interval=WAIT_S)


def _sidebar(pointer: int) -> Any:
    """The sidebar of an area, if that is still there: the artist may have closed its window."""
    areas = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    area = next((each for each in areas if each.as_pointer() == pointer), None)
    return next((region for region in area.regions if region.type == "UI"), None) if area else None
