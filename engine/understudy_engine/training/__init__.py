"""Training of nano, and the procedural footage it is trained and measured on.

Needs torch, numpy and safetensors alone and works on any torch device. It knows nothing of files or of servers.
"""

from .studio import DemoShot, render_shot

__all__ = ["DemoShot", "render_shot"]
