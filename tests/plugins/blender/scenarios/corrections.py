"""What the server found is put right in Blender, and the next job uses it."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from . import stage
from .rig import paper

PERSON = stage.FOOTAGE / "person.mp4"


def scenario_points_are_moved_over_the_clip_mattes_painted_over_and_the_next_job_uses_both() -> None:
    """All in one scenario: the server's finding process takes seconds to start."""
    stage.enable()
    stage.scene()
    strip = stage.movie(clip=PERSON, start=11)
    bpy.context.scene.understudy.passes_folder = ""
    bpy.context.scene.frame_current = 14
    assert bpy.ops.understudy.correct_pose() == {"FINISHED"}
    state, pose_scene = (stage.module(f"corrections.{name}") for name in ("state", "pose_scene"))
    [points] = [scene for scene in bpy.data.scenes if pose_scene.KEY in scene]
    assert (points.frame_start, points.frame_current, points.frame_end) == (11, 14, 15)
    assert pose_scene.corrections(points) == {}
    found = move(points, "left_wrist", frame=13, by=(0.05, -0.03))
    assert list(pose_scene.corrections(points)) == [(2, "left_wrist")]
    send(points)
    assert state.state.text.startswith("1 correction is")
    assert pose_scene.corrections(points) == {}  # they are known now
    x, y, score = keypoint(strip, 2, 9)
    assert abs(x - found[0] - 5) < 0.02  # a hundredth of Blender's unit is a pixel
    assert abs(y - found[1] - 3) < 0.02
    assert score >= 1

    hands, face = pose_scene.groups(points)
    assert (len(hands.objects), len(face.objects)) == (42, 68)
    assert hands.hide_viewport
    assert face.hide_viewport
    found = move(points, "left_forefinger4", frame=12, by=(0.07, 0.02))
    send(points)
    x, y, score = keypoint(strip, 1, stage.module("rig.points").NUMBER["left_forefinger4"])
    assert max(abs(x - found[0] - 7), abs(y - found[1] + 2)) < 0.02
    assert score >= 1

    assert bpy.ops.understudy.correct_matte() == {"FINISHED"}
    [matte] = [each for each in stage.strips() if each.name.endswith("matte")]
    assert (stage.span(matte), len(matte.elements)) == (stage.span(strip), 5)
    assert "was changed" in stage.reported(bpy.ops.understudy.send_corrections)
    picture = Path(bpy.path.abspath(matte.directory), "000003.png")
    paint(picture, 0.0)
    assert stage.module("corrections.matte_strip").look()
    assert bpy.ops.understudy.send_corrections() == {"FINISHED"}
    carried = stage.module("carried").passes_of(strip)
    assert sorted(carried) == ["face_boxes", "keypoints", "matte"]
    swap = stage.begin(filepath=str(stage.HERO), steps=1)
    stage.pump_until(lambda: swap.job)
    with stage.client() as client:
        spec = client.job(swap.job).spec.replace
        names = [client.media(getattr(spec.passes, name)).display_name for name in sorted(carried)]
        analysis = client.analysis(pose_scene.Facts.of(points).analysis)
    assert names == ["face_boxes.json", "keypoints.json", "matte.mkv"]
    put_right = sorted((each.frame, each.point) for each in analysis.edits.corrections)
    assert put_right == [(1, "left_forefinger4"), (2, "left_wrist")]
    assert list(analysis.edits.matte_frames) == [3]
    things = len(bpy.data.objects)
    bpy.ops.understudy.correct_pose()  # once more: the older scene goes
    assert sum(pose_scene.KEY in scene for scene in bpy.data.scenes) == 1
    assert len(bpy.data.objects) == things


def move(points: Any, name: str, *, frame: int, by: tuple[float, float]) -> tuple[float, float]:
    """Moves a point as an artist does, who has keys set by themselves; where it was, in pixels."""
    pose_scene = stage.module("corrections.pose_scene")
    point = points.objects[name]
    points.frame_set(frame)
    curves = [pose_scene._curve(point, axis) for axis in (0, 1)]
    x, y = (
        curve.evaluate(frame) if curve else place
        for curve, place in zip(curves, point.location, strict=False)
    )
    point.location = (x + by[0], y + by[1], 0)
    point.keyframe_insert("location", frame=frame)
    return x / pose_scene.PX, points.render.resolution_y - y / pose_scene.PX


def send(points: Any) -> None:
    """Presses Send in the window of the points."""
    window, before = bpy.context.window, bpy.context.window.scene
    window.scene = points
    assert bpy.ops.understudy.send_corrections() == {"FINISHED"}
    window.scene = before


def keypoint(strip: Any, frame: int, number: int) -> list[float]:
    path = stage.module("carried").passes_of(strip)["keypoints"].path
    row: list[float] = json.loads(path.read_text("utf-8"))["frames"][frame][number]
    return row


def paint(path: Path, grey: float) -> None:
    """Paints a picture over, in colour, as painting programs save it."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    pixels = np.full((image.size[1], image.size[0], 4), grey, np.float32)
    pixels[..., 3] = 1
    pixels[: image.size[1] // 2, :, :3] = 1
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = "PNG"
    image.save()
    bpy.data.images.remove(image)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000))


def scenario_nothing_to_send_is_said() -> None:
    stage.enable()
    stage.scene()
    stage.movie()
    assert "nothing to send" in stage.reported(bpy.ops.understudy.send_corrections)
    assert "understudy.correct_pose" in paper("corrections").buttons
    assert len(bpy.data.scenes) == 1


def scenario_what_was_asked_for_in_another_file_comes_to_nothing() -> None:
    stage.enable()
    stage.scene()
    state, session = (stage.module(name) for name in ("corrections.state", "session"))
    answered, arrived = threading.Event(), []

    def work(say: Any) -> Any:
        answered.wait(10)
        say("half of it is done", 0.5)
        return lambda: arrived.append(True)

    state.begin("test", work)
    assert paper("corrections").has("asking the server")
    bpy.ops.wm.read_homefile()
    assert not state.state.busy
    answered.set()
    stage.pump_until(lambda: not session.session.errands.pending)
    assert (arrived, state.state.text) == ([], "")


def scenario_mattes_that_were_painted_elsewhere_are_read_as_grey_or_refused() -> None:
    stage.enable()
    found = stage.scene()
    clip = stage.movie(start=5)
    matte_strip = stage.module("corrections.matte_strip")
    painted = stage.module("corrections.painted")
    encode = stage.module("png").encode_png
    folder = stage.module("carried").new_folder()
    for frame in range(24):
        (folder / f"{frame:06d}.png").write_bytes(encode(np.full((48, 64), 200, np.uint8)))
    painted.remember(folder)
    uid = stage.module("added_strips").source_uid(clip)
    facts = matte_strip.Facts(analysis="analyses/x", strip=uid, start=0, end=24, size=(64, 48))
    matte_strip.insert(found, clip, folder, facts, 5)
    strip = matte_strip.meant(found)
    assert matte_strip.painted_frames(strip) == {}
    strip.select = True
    assert stage.module("timeline").selected_pictures(found) == []  # it is no character
    colours = np.zeros((48, 64, 4), np.uint8)
    colours[:24] = (255, 255, 255, 255)
    colours[24:] = (255, 255, 255, 0)  # clear is nobody
    (folder / "000004.png").write_bytes(encode(colours))
    grey = np.full((48, 64), 77, np.uint8)
    (folder / "000007.png").write_bytes(encode(grey))
    sent = matte_strip.painted_frames(strip)
    assert sent[7] == encode(grey)
    (folder / "000004.png").write_bytes(sent[4])
    assert np.array_equal(
        stage.pixels(folder / "000004.png")[..., 0], np.repeat([255, 0], 24)[:, None] * np.ones(64)
    )
    paint_in_blender(found, folder / "000009.png", frame=5 + 9)
    assert set(matte_strip.painted_frames(strip)) == {4, 7, 9}
    (folder / "000004.png").write_bytes(encode(colours[:40]))
    said = ""
    try:
        matte_strip.painted_frames(strip)
    except stage.module("ranges").Refusal as refusal:
        said = str(refusal)
    assert "64 x 40" in said


def paint_in_blender(scene: bpy.types.Scene, path: Path, frame: int) -> None:
    """What is painted over in the window that Paint opens is saved by Send, if the artist has not."""
    scene.frame_current = 2
    assert stage.reported(bpy.ops.understudy.paint_matte).startswith("The playhead is not on the matte.")
    scene.frame_current = frame
    assert "understudy.paint_matte" in paper("corrections").buttons
    assert bpy.ops.understudy.paint_matte() == {"FINISHED"}
    [image] = [each for each in bpy.data.images if Path(each.filepath) == path]
    image.pixels.foreach_set(np.ones(len(image.pixels), np.float32))
    image.update()
    stage.module("corrections.painting").save(path.parent)
    assert not image.is_dirty
    assert stage.pixels(path).min() == 255
