"""What Resolve hands out. To all but this package they are opaque: they can be passed on and nothing else."""

from __future__ import annotations

from typing import NewType

Project = NewType("Project", object)
Timeline = NewType("Timeline", object)
Item = NewType("Item", object)  # a clip, title, generator or transition on a timeline
PoolItem = NewType("PoolItem", object)  # a clip of the media pool
Folder = NewType("Folder", object)  # a bin of the media pool
