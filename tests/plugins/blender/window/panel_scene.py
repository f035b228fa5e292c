# mypy: ignore-errors
"""The scene with a character that was chosen as an Image; a second one waits for the second person."""

import sys

import bpy

sys.path.insert(0, "/mnt/host")
import scene


def choose():
    found = bpy.context.window_manager.windows[0].scene
    load = bpy.data.images.load
    found.understudy.character = load(str(scene.HOST / "demo/character.png"))
    second = load(str(scene.HOST / "demo/second_character.png"))

    def give():
        people = found.understudy.people
        if len(people) > 1:
            people[1].character = second
            return None
        return 0.5

    bpy.app.timers.register(give, first_interval=0.5)


scene.begin(choose)
