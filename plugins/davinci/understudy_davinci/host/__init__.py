"""Resolve, as the rest of the plugin sees it. No other module touches Resolve's objects.

Handles (Timeline, Item, …) go in and out and have no methods of their own, so every call is made here: by name, with
its answer checked. Resolve's answers lie, so what matters is read back by whoever asked for it.
"""

from __future__ import annotations

from .calling import Clock, SystemClock
from .handles import Folder, Item, PoolItem, Project, Timeline
from .items import ItemCalls
from .media import MediaCalls
from .render import RenderCalls
from .session import Edition, SessionCalls
from .timeline import TimelineCalls

__all__ = [
    "Clock",
    "Edition",
    "Folder",
    "Host",
    "Item",
    "PoolItem",
    "Project",
    "SystemClock",
    "Timeline",
]


class Host(RenderCalls, MediaCalls, TimelineCalls, ItemCalls, SessionCalls):
    """One running Resolve. All of its methods are called from one thread."""
