# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's camera in one frame: places to pixels, as Blender's own renderers project them."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ..ranges import Refusal

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class View:
    """What the camera sees of a frame of *size* (width, height)."""

    to_camera: Vector  # (4, 4) from the world; the camera looks along -Z
    to_clip: Vector  # (4, 4) from the camera's space
    size: tuple[int, int]
    perspective: bool

    def pixels(self, places: Vector) -> tuple[Vector, Vector]:
        """(n, 2) pixels from the left upper corner, and (n,) how far in front of the camera (behind: 0 or less)."""
        in_camera = _with_ones(places) @ self.to_camera.T
        clip = in_camera @ self.to_clip.T
        depth = -in_camera[:, 2]
        safe = np.where(depth > 0, clip[:, 3], 1.0)
        x, y = clip[:, 0] / safe, clip[:, 1] / safe  # -1 to 1, y upwards
        width, height = self.size
        return np.stack([(x + 1) / 2 * width, (1 - y) / 2 * height], axis=1), depth

    def eyes(self, places: Vector) -> Vector:
        """(n, 3): from where the camera looks at each of *places*."""
        from_camera = np.linalg.inv(self.to_camera)
        if self.perspective:
            return np.broadcast_to(from_camera[:3, 3], places.shape)
        in_camera = _with_ones(places) @ self.to_camera.T
        in_camera[:, 2] = 0
        eyes: Vector = (in_camera @ from_camera.T)[:, :3]
        return eyes


def view(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> View:
    """What *scene*'s camera sees in its current frame.

    Raises:
        Refusal: there is no camera, or its picture is no plane one.
    """
    camera = scene.camera
    if camera is None or camera.type != "CAMERA":
        raise Refusal(
            f"The scene has no camera in frame {scene.frame_current}. Add one that sees the performer."
        )
    if camera.data.type == "PANO":
        raise Refusal(f"'{camera.name}' is a panoramic camera. Make it a perspective or orthographic one.")
    size, render = frame_size(scene), scene.render
    to_clip = camera.calc_matrix_camera(
        depsgraph, x=size[0], y=size[1], scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
    )
    from_camera = camera.evaluated_get(depsgraph).matrix_world.normalized()
    return View(np.array(from_camera.inverted()), np.array(to_clip), size, camera.data.type == "PERSP")


def frame_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of what *scene* renders."""
    share = scene.render.resolution_percentage / 100
    return int(scene.render.resolution_x * share), int(scene.render.resolution_y * share)


def _with_ones(places: Vector) -> Vector:
    return np.concatenate([places, np.ones((len(places), 1))], axis=1)
