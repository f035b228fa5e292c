"""What Resolve's documents say of each method: the generated list, read for one version of Resolve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("resolve_api.json")
OLDEST = (19, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One documented method. `arguments` end in `?` where they may be left out, begin with `*` for any number."""

    class_name: str
    name: str
    arguments: tuple[str, ...]
    returns: str
    since: tuple[int, int, int]
    deprecated: tuple[int, int, int] | None
    until: tuple[int, int, int] | None

    @property
    def arity_min(self) -> int:
        return sum(not (a.endswith("?") or a.startswith("*")) for a in self.arguments)

    @property
    def arity_max(self) -> int | None:
        """None where any number of arguments may follow."""
        return None if any(a.startswith("*") for a in self.arguments) else len(self.arguments)

    def takes(self, count: int) -> bool:
        return self.arity_min <= count and (self.arity_max is None or count <= self.arity_max)

    def stands_in(self, version: tuple[int, int, int]) -> bool:
        return self.since <= version and (self.until is None or version < self.until)


@cache
def every_method() -> tuple[Method, ...]:
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    return tuple(_method(c, name, *row) for c, methods in listed.items() for name, row in methods.items())


@cache
def methods_of(version: tuple[int, int, int]) -> dict[str, dict[str, Method]]:
    """Class → method name → method, as they stand in *version*."""
    found: dict[str, dict[str, Method]] = {}
    for method in every_method():
        if method.stands_in(version):
            found.setdefault(method.class_name, {})[method.name] = method
    return found


def _method(
    class_name: str,
    name: str,
    arguments: str,
    returns: str,
    since: str = "",
    deprecated: str = "",
    until: str = "",
) -> Method:
    return Method(
        class_name=class_name,
        name=name,
        arguments=tuple(filter(None, arguments.split(","))),
        returns=returns,
        since=_version(since) if since else OLDEST,
        deprecated=_version(deprecated) if deprecated else None,
        until=_version(until) if until else None,
    )


def _version(text: str) -> tuple[int, int, int]:
    major, minor, patch = (*map(int, text.split(".")), 0)[:3]
    return major, minor, patch
