"""What a script holds: an object whose every name answers, as Resolve's do, and whose calls may find nobody home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .standin import ResolveStandIn


class NotModelled(Exception):
    """A documented method that the stand-in does not know: extend it, with the documented line it follows."""


class Handle:
    """A reference to something in Resolve. Public names are Resolve's alone; what the stand-in needs begins with _.

    As in Resolve (1.8, T52) an unknown name gives None, so `hasattr` is always true and only `dir` tells the truth;
    a handle of something gone answers None to every call. A new handle comes with every call: compare unique ids.
    """

    _class_name = ""

    def __init__(self, standin: ResolveStandIn, state: Any) -> None:
        self._standin = standin
        self._session = standin.session
        self._state = state

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        return self._standin.attribute(self, name)

    def __dir__(self) -> list[str]:
        return sorted(self._standin.documented(self._class_name))

    def __repr__(self) -> str:
        return f"{self._class_name} (0x{id(self):x}) [App: 'Resolve' on 127.0.0.1]"

    def _alive(self) -> bool:
        return self._standin.project is not None
