"""How Resolve is called: by name, every answer checked, every failure with its cause and next step."""

from __future__ import annotations

import time
from typing import Any, Protocol

from ..errors import CallFailed, HostGone
from .causes import cause_of

SLOW_S = 15.0  # Resolve answers within a second; longer means that a dialog of its own is open


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Calling:
    """Calls methods of Resolve's objects. Of an object nothing is trusted but ``dir``: hasattr is always True."""

    def __init__(self, resolve: object, clock: Clock | None = None) -> None:
        self.resolve = resolve
        self.clock = clock or SystemClock()
        self._known: dict[str, bool] = {}
        self._asked: tuple[str, float] | None = None  # the call under way, and since when

    # ---- The four ways to call ---------------------------------------------------------------------------

    def call(self, name: str, target: object, *arguments: object) -> Any:
        """What Resolve answers, whatever that is. What only reads is asked once more where it says None.

        Raises:
            CallFailed: there is no such method, or it raised. HostGone: Resolve does not answer.
        """
        method = None if target is None else getattr(target, name.partition(".")[2], None)
        if not callable(method):
            raise self.failed(name, arguments)
        self._asked = (name, self.clock.now())
        try:
            answer = method(*arguments)
            return method(*arguments) if answer is None and reads(name) else answer
        except Exception as error:  # Resolve's library raises what it likes when its other end has gone
            raise self.failed(name, arguments, error) from error
        finally:
            self._asked = None

    def must(self, name: str, target: object, *arguments: object) -> Any:
        """What Resolve answers, unless that says no: None, False or nothing.

        Raises:
            CallFailed: it said no.
        """
        answer = self.call(name, target, *arguments)
        if answer is None or answer is False or answer == "" or answer == []:
            raise self.failed(name, arguments)
        return answer

    def number(self, name: str, target: object, *arguments: object) -> int:
        """A whole number, also where Resolve gives it as 12.0 or "12".

        Raises:
            CallFailed: it is none: what it was asked of does not exist any more.
        """
        answer = self.call(name, target, *arguments)
        try:
            return round(float(answer))
        except (TypeError, ValueError):
            raise self.failed(name, arguments) from None

    def text(self, name: str, target: object, *arguments: object) -> str:
        """What Resolve says, "" where it says nothing, also when asked again."""
        answer = self.call(name, target, *arguments) or self.call(name, target, *arguments)
        return "" if answer is None or answer is False else str(answer)

    def listed(self, name: str, target: object, *arguments: object) -> list[Any]:
        """A list, empty where Resolve says anything else; the values of the dict that old forms give."""
        answer = self.call(name, target, *arguments)
        if isinstance(answer, dict):
            return list(answer.values())
        return [each for each in answer if each is not None] if isinstance(answer, (list, tuple)) else []

    def name(self, name: str, target: object) -> str:
        """What Resolve calls something, its id above all. Raises CallFailed: nothing, also when asked again."""
        return self.text(name, target) or str(self.must(name, target))

    def has(self, name: str, target: object) -> bool:
        """Whether this Resolve has the method, for those that came after 19.0."""
        if name not in self._known:
            self._known[name] = target is not None and name.partition(".")[2] in dir(target)
        return self._known[name]

    # ---- What is told ------------------------------------------------------------------------------------

    def silence(self) -> str:
        """What another thread may show while a call does not come back; "" as long as all is well."""
        asked = self._asked
        if not asked or self.clock.now() - asked[1] < SLOW_S:
            return ""
        waited = self.clock.now() - asked[1]
        return (
            f"Resolve has not answered for {waited:.0f} s. Look for an open dialog in Resolve and close it."
        )

    def failed(
        self, name: str, arguments: tuple[object, ...] = (), error: Exception | None = None
    ) -> CallFailed:
        page = self._page()
        if page is None:
            cause = "it does not answer; it was closed, or a dialog of its own is open"
            step = "Close the dialog or start Resolve again, then run Understudy again"
            return HostGone(name, arguments, page="", cause=cause, step=f"{step}; nothing is lost.")
        cause, step = cause_of(name)
        if error is not None:
            cause = f"{type(error).__name__}: {error}"
        return CallFailed(name, arguments, page=page, cause=cause, step=step)

    def _page(self) -> str | None:
        """The open page, "" while there is none (headless), None if Resolve is not there."""
        try:
            resolve: Any = self.resolve
            if not resolve.GetVersionString():
                return None
            return str(resolve.GetCurrentPage() or "")
        except Exception:  # whatever it raises, it is not there
            return None


def reads(name: str) -> bool:
    """Whether a method changes nothing."""
    return name.partition(".")[2].startswith(("Get", "Is"))
