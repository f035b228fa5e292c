"""Faults on demand: a call that answers wrongly, hangs or never comes back, an artist who edits in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class PluginKilled(BaseException):
    """The plugin's process ended here; nothing of it may run on, so no `except Exception` sees this."""


class CallHangs(BaseException):
    """A call that would never come back, where no test gave it a time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a faulty call answers instead of doing its work."""

    value: Any


Action = Callable[[], "Answer | None"]


@dataclass(slots=True)
class Rule:
    symbol: str
    nth: int
    action: Action
    after: bool = False
    seen: int = 0


@dataclass(slots=True)
class Faults:
    """Rules by method (`"MediaPool.AppendToTimeline"`, or `"*"` for any) and the nth call of it, from 1."""

    rules: list[Rule] = field(default_factory=list)
    plugin_is_dead: bool = False
    """No call of a killed process reaches Resolve any more, not even from its `finally`, until `clear`."""

    def answer(self, symbol: str, value: Any = False, *, nth: int = 1) -> None:
        """The nth call does nothing and answers *value*."""
        self.rules.append(Rule(symbol, nth, lambda: Answer(value)))

    def lie(self, symbol: str, value: Any, *, nth: int = 1) -> None:
        """The nth call does its work, and answers *value*."""
        self.rules.append(Rule(symbol, nth, lambda: Answer(value), after=True))

    def hang(self, symbol: str, seconds: float | None = None, *, nth: int = 1) -> None:
        """The nth call blocks for *seconds* of real time, or raises `CallHangs` at once where None is given."""
        self.rules.append(Rule(symbol, nth, lambda: self._wait(seconds)))

    def kill(self, symbol: str = "*", *, nth: int = 1, after: bool = False) -> None:
        """The plugin dies at the nth call: before it reaches Resolve, or just *after* Resolve did it."""
        self.rules.append(Rule(symbol, nth, self._kill, after=after))

    def do(self, symbol: str, action: Callable[[], object], *, nth: int = 1, after: bool = False) -> None:
        """The artist does *action* just before (or *after*) the nth call."""
        self.rules.append(Rule(symbol, nth, lambda: (action(), None)[1], after=after))

    def clear(self) -> None:
        """No faults from here on; the plugin runs again."""
        self.rules.clear()
        self.plugin_is_dead = False

    def met(self, symbol: str, *, after: bool) -> Answer | None:
        if self.plugin_is_dead:
            raise PluginKilled
        answers = [
            self._count(rule)
            for rule in list(self.rules)
            if rule.symbol in ("*", symbol) and rule.after == after
        ]
        return next((answer for answer in answers if answer), None)

    def _count(self, rule: Rule) -> Answer | None:
        rule.seen += 1
        return rule.action() if rule.seen == rule.nth else None

    @staticmethod
    def _wait(seconds: float | None) -> None:
        if seconds is None:
            raise CallHangs
        time.sleep(seconds)

    def _kill(self) -> Answer | None:
        self.plugin_is_dead = True
        raise PluginKilled
