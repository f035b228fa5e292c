"""The zip installs, registers and leaves nothing behind."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import os

import bpy

from . import stage


def scenario_the_zip_installs_with_its_own_wheels() -> None:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["UNDERSTUDY_ZIP"], repo="user_default", enable_on_install=True
    )
    assert hasattr(bpy.types, "UNDERSTUDY_PT_swap")
    import grpc

    assert os.environ["BLENDER_USER_RESOURCES"] in grpc.__file__


def scenario_it_registers_and_unregisters_twice() -> None:
    handlers = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_pre)
    before = [len(each) for each in handlers]
    stage.enable()
    registered = [len(each) for each in handlers]
    assert all(now > then for now, then in zip(registered, before, strict=True))
    extension = stage.module("pump")
    package = __import__(stage.EXTENSION, fromlist=["register"])
    for _ in range(2):
        package.unregister()
        assert not hasattr(bpy.types, "UNDERSTUDY_PT_swap")
        assert not hasattr(bpy.types, "UNDERSTUDY_OT_replace")
        assert not hasattr(bpy.types.Scene, "understudy")
        assert [len(each) for each in handlers] == before
        package.register()
        assert hasattr(bpy.types, "UNDERSTUDY_PT_swap")
        assert [len(each) for each in handlers] == registered
    assert not bpy.app.timers.is_registered(extension._tick)


def scenario_registering_imports_no_grpc_and_asks_no_server() -> None:
    import sys

    stage.enable()
    assert "grpc" not in sys.modules
    assert stage.module("desk").desk.about.state.name == "UNKNOWN"
