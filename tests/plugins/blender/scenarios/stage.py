"""A scene to play scenarios in, and eyes to see what became of it. Runs inside Blender."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import addon_utils
import bpy
import numpy as np

from tests.server.support.fault import Fault

EXTENSION = "bl_ext.user_default.understudy"
FOOTAGE = Path(os.environ["UNDERSTUDY_FOOTAGE"])
CLIP, HERO = FOOTAGE / "clip.mkv", FOOTAGE / "hero.png"
CLIP_FRAMES = 24
TIMEOUT_S = 80.0


def enable() -> None:
    """Enables the installed extension and keeps it from starting servers; no job is halted any more."""
    go_on()
    assert addon_utils.enable(EXTENSION, default_set=True), "the extension could not be enabled"
    preferences().start_server = False


def preferences() -> Any:
    return bpy.context.preferences.addons[EXTENSION].preferences


def module(name: str) -> Any:
    """A module of the installed extension."""
    return importlib.import_module(f"{EXTENSION}.{name}")


def swaps() -> list[Any]:
    return list(module("session").session.swaps.values())


def client() -> Any:
    return module("_api.client").Client.connect()


# ---- A scene ---------------------------------------------------------------------------------------------


def scene() -> bpy.types.Scene:
    """The scene, 24 frames a second, small, showing pixels as they are, with passes to use."""
    found = bpy.context.scene
    found.render.fps, found.render.fps_base = 24, 1.0
    found.render.resolution_x, found.render.resolution_y = 64, 48
    found.view_settings.view_transform = "Standard"
    found.sequence_editor_create()
    found.understudy.passes_folder = str(FOOTAGE / "passes")
    return found


def strips() -> Any:
    return module("compat").strips(bpy.context.scene.sequence_editor)


def movie(channel: int = 2, start: int = 11, clip: Path = CLIP) -> Any:
    """A selected and active movie strip."""
    strip = strips().new_movie(clip.stem, str(clip), channel, start)
    select(strip)
    bpy.context.scene.sequence_editor.active_strip = strip
    return strip


def hero(channel: int = 1, start: int = 1, picture: Path = HERO) -> Any:
    return strips().new_image(picture.stem, str(picture), channel, start)


def shot(channel: int = 2, start: int = 11) -> Any:
    """A movie strip and the character's picture, both selected; the movie strip."""
    scene()
    picture = hero()
    strip = movie(channel, start)
    picture.select = True
    return strip


def select(*wanted: Any) -> None:
    for strip in strips():
        strip.select = strip in wanted


def block(channel: int, start: int = 1, length: int = 100) -> Any:
    """A colour strip that is in the way."""
    strip = strips().new_image(f"in the way {channel}", str(HERO), channel, start)
    strip.frame_final_duration = length
    return strip


def speed_up(source: Any) -> Any:
    """A speed effect over *source*."""
    argument = {"input1" if bpy.app.version >= (4, 4, 0) else "seq1": source}
    length = {"length": 12} if bpy.app.version >= (5, 0, 0) else {"frame_end": source.frame_final_start + 12}
    strip = strips().new_effect(
        "fast", "SPEED", source.channel + 1, source.frame_final_start, **length, **argument
    )
    strip.speed_control, strip.speed_factor = "MULTIPLY", 2.0
    return strip


# ---- What happens ----------------------------------------------------------------------------------------


def begin(operator: str = "replace", **options: Any) -> Any:
    """Starts a job without waiting for it; its Swap."""
    assert getattr(bpy.ops.understudy, operator)(wait=False, **options) == {"FINISHED"}
    return swaps()[-1]


def halt(at: str) -> None:
    """Jobs stand still there, as "step 2 1" says of the third segment's first step, until they go on."""
    _fault().halt(at)


def go_on() -> None:
    _fault().go_on()


def _fault() -> Fault:
    return Fault(Path(os.environ["UNDERSTUDY_HOME"], "fault"))


def refused(operator: str = "replace", **options: Any) -> str:
    """What the operator reports instead of starting anything."""
    known = len(swaps())
    said = reported(getattr(bpy.ops.understudy, operator), wait=False, **options)
    assert len(swaps()) == known, "a job was started all the same"
    return said


def reported(operator: Callable[..., Any], **options: Any) -> str:
    """The error that *operator* reports, as a script gets it."""
    try:
        operator(**options)
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    raise AssertionError("the operator reported no error")


def pump_until(condition: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
    """What *condition* gives once it is true, pumped as the window's timer does."""
    due = time.monotonic() + timeout_s
    while not (found := condition()):
        assert "failed" not in [swap.outcome for swap in swaps()[-1:]], swaps()[-1].text
        assert time.monotonic() < due, f"nothing came in {timeout_s} s: {[swap.text for swap in swaps()]}"
        module("pump").pump()
        time.sleep(0.01)
    return found


def ended(swap: Any) -> Any:
    """Pumps until *swap* has ended; its outcome."""
    outcome = pump_until(lambda: swap.outcome)
    module("pump").pump()
    return outcome


def result(swap: Any) -> Any:
    """The swap's strip, looked up anew; None if there is none."""
    found = module("timeline").find(swap.uid)
    return found and found[1]


def halves(swap: Any) -> list[Any]:
    """The strips that a swap's was split into, from the left."""
    found = module("timeline.strips").find_all(swap.uid)
    return sorted((each.strip for each in found), key=lambda strip: span(strip)[0])


def shown(strip: Any) -> int:
    """How many of a result's frames its strip shows; the others wait."""
    return sum(element.filename != "waiting.png" for element in strip.elements)


def span(strip: Any) -> tuple[int, int]:
    return strip.frame_final_start, strip.frame_final_end


@contextmanager
def saved_shot() -> Iterator[Path]:
    """A shot in a file that is saved; the folder it lies in."""
    with temporary_folder() as folder:
        shot()
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
        yield folder


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def pixels(path: Path) -> np.ndarray:
    """(H, W, 3) RGB, 0 to 255, rows from the top."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    bpy.data.images.remove(image)
    found: np.ndarray = np.rint(values[::-1, :, :3] * 255).astype(np.uint8)
    return found


def rendered(frame: int, *, only: Any, also: Any = None) -> np.ndarray:
    """What the sequencer shows at timeline *frame* when no strip but *only* and *also* is seen."""
    for strip in strips():
        strip.mute = strip not in (only, also)
    found = bpy.context.scene
    found.frame_set(frame)
    with tempfile.TemporaryDirectory() as folder:
        found.render.image_settings.file_format = "PNG"
        found.render.filepath = str(Path(folder, "frame.png"))
        bpy.ops.render.render(write_still=True)
        return pixels(Path(folder, "frame.png"))


def source_frame(number: int) -> np.ndarray:
    """Frame *number* of the clip, as support/footage.py paints it."""
    picture = np.full((48, 64, 3), 10 * number, np.uint8)
    picture[:12, :16] = (250, 20, 10 * number)
    return picture
