"""The log of every call that a script made, and what of it the documents forbid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .facts import methods_of
from .profiles import Profile

CLIP_INFO_KEYS = frozenset(
    {"mediaPoolItem", "startFrame", "endFrame", "mediaType", "trackIndex", "recordFrame"}
)


@dataclass(frozen=True, slots=True)
class Call:
    class_name: str
    name: str
    arguments: tuple[Any, ...]
    result: Any
    page: str | None

    @property
    def symbol(self) -> str:
        return f"{self.class_name}.{self.name}"


@dataclass(slots=True)
class CallLog:
    """What a script did: its calls in order, and the names it asked for that no document knows."""

    calls: list[Call] = field(default_factory=list)
    unknown_names: list[str] = field(default_factory=list)

    def symbols(self) -> list[str]:
        return [call.symbol for call in self.calls]

    def results_of(self, symbol: str) -> list[Any]:
        return [call.result for call in self.calls if call.symbol == symbol]


def breaches(log: CallLog, profile: Profile) -> list[str]:
    """Every call that the documents of *profile*'s version do not allow, in words (check C6 of section 5)."""
    known = methods_of(profile.version)
    found = [f"{name} is not documented in {profile.name}" for name in log.unknown_names]
    for call in log.calls:
        method = known.get(call.class_name, {}).get(call.name)
        if method is None:
            found.append(f"{call.symbol} is not documented in {profile.name}")
            continue
        if not method.takes(len(call.arguments)):
            found.append(f"{call.symbol} got {len(call.arguments)} arguments")
        if method.deprecated and method.deprecated <= (19, 0, 0):
            found.append(f"{call.symbol} is deprecated")
        found += _keys_unknown(call, profile)
    return found


def _keys_unknown(call: Call, profile: Profile) -> list[str]:
    if call.symbol == "Project.SetRenderSettings":
        unknown = call.arguments[0].keys() - profile.settings_keys
        return [f"SetRenderSettings ignores {key}" for key in sorted(unknown)]
    if call.symbol == "MediaPool.AppendToTimeline":
        if not (isinstance(call.arguments[0], list) and all(isinstance(e, dict) for e in call.arguments[0])):
            return ["AppendToTimeline was not given a list of dicts"]
        return [
            f"AppendToTimeline does not know {key}"
            for e in call.arguments[0]
            for key in e.keys() - CLIP_INFO_KEYS
        ]
    return []
