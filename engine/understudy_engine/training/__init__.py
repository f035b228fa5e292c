"""Procedural footage: figures that perform, with everything about them known exactly.

Needs torch and numpy alone and draws on any torch device. It knows nothing of files or of the model.
"""

from .shot import DemoShot, render_shot

__all__ = ["DemoShot", "render_shot"]
