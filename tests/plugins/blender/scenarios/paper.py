"""A layout that writes down what a panel draws, and refuses what Blender would refuse. Runs inside Blender."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy

from . import stage

PANELS = ("swap", "jobs", "cast", "advanced", "passes")
ICONS = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items


class Paper:
    """Stands for a UILayout and everything below it."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.buttons: dict[str, Any] = {}  # by operator, the last one of each
        self.options: list[str] = []
        self.pictures = 0

    def __getattr__(self, name: str) -> Any:
        if name in ("row", "column", "box", "split", "grid_flow"):
            return lambda **_: self
        raise AttributeError(f"a layout has no {name}")

    def label(
        self, *, text: str = "", icon: str = "NONE", icon_value: int = 0, translate: bool = True
    ) -> None:
        assert icon in ICONS, f"Blender {bpy.app.version_string} has no icon {icon}"
        self.words.append(text)

    def progress(self, *, factor: float, text: str) -> None:
        assert 0.0 <= factor <= 1.0
        self.words.append(text)

    def template_icon(self, *, icon_value: int, scale: float) -> None:
        assert icon_value >= 0  # 0 in background mode, where Blender draws no icons
        self.pictures += 1

    def prop(self, owner: Any, name: str, *, text: str = "", **_: Any) -> None:
        assert name in owner.bl_rna.properties, f"{owner} has no {name}"
        self.options.append(name)
        self.words.append(text)

    def operator_menu_enum(self, name: str, options: str, *, icon: str = "NONE") -> None:
        assert options in self.operator(name, icon=icon).known

    def operator(self, name: str, *, text: str | None = None, icon: str = "NONE", **_: Any) -> Any:
        assert icon in ICONS, f"Blender {bpy.app.version_string} has no icon {icon}"
        module, _dot, function = name.partition(".")
        known = getattr(getattr(bpy.ops, module), function).get_rna_type().properties
        self.buttons[name] = SimpleNamespace(text=text, known=set(known.keys()))
        return self.buttons[name]

    def has(self, words: str) -> bool:
        return words in " ".join(self.words)


def drawn() -> Paper:
    """What all of the tab's panels draw now."""
    paper = Paper()
    context: Any = SimpleNamespace(
        scene=bpy.context.scene,
        sequencer_scene=bpy.context.scene,
        preferences=SimpleNamespace(
            addons=bpy.context.preferences.addons, system=SimpleNamespace(ui_scale=1.0)
        ),
        region=SimpleNamespace(width=300),
    )
    for name in PANELS:
        panel = getattr(bpy.types, f"UNDERSTUDY_PT_{name}")
        module = stage.module(f"panel.{name if name != 'passes' else 'advanced'}")
        panel = getattr(module, panel.__name__)
        if not hasattr(panel, "poll") or panel.poll(context):
            panel.draw(SimpleNamespace(layout=paper), context)
    return paper
