"""What a job will cost is told beforehand, without anybody waiting for it."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import threading
from typing import Any

import bpy

from . import stage
from .paper import drawn


def scenario_memory_and_parts_are_told_before_the_job() -> None:
    stage.enable()
    stage.shot()
    answer = _answered()
    assert answer.memory_bytes > 0
    assert answer.parts > 1
    assert not answer.trouble
    assert drawn().has(f" free, {answer.parts} parts")


def scenario_what_a_job_would_be_refused_for_is_told_before_it_is_begun() -> None:
    stage.enable()
    stage.shot()
    bpy.context.scene.understudy.matte = "/nowhere/matte.mkv"
    answer = _answered()
    assert answer.trouble.startswith("There is no matte at ")
    assert drawn().has("There is no matte at ")


def scenario_the_window_never_asks_the_server_itself() -> None:
    stage.enable()
    stage.shot()
    asking: list[threading.Thread] = []
    client = stage.module("_api.client").Client
    real = client.__init__

    def noting(*arguments: Any, **options: Any) -> None:
        asking.append(threading.current_thread())
        real(*arguments, **options)

    client.__init__ = noting
    try:
        _answered()
    finally:
        client.__init__ = real
    assert asking
    assert threading.main_thread() not in asking


def _answered() -> Any:
    """The estimate of the chosen quality, drawn until it is there."""
    _reached()
    listening, selection = stage.module("listening"), stage.module("selection")
    quality = stage.module("quality").Quality.STANDARD
    mode = stage.module("request").Mode.REPLACE

    def found() -> Any:
        drawn()
        scene = bpy.context.scene
        return listening.estimator().answer(
            selection.question(scene, selection.selected(scene), mode, quality)
        )

    return stage.pump_until(found)


def _reached() -> None:
    bpy.ops.understudy.ask_server()
    stage.pump_until(lambda: not stage.module("session").session.errands.pending)
