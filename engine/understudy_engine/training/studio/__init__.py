"""Procedural footage: figures that perform, with everything about them known exactly."""

from .shot import DemoShot, render_shot

__all__ = ["DemoShot", "render_shot"]
