"""What the artist is told when something is not done: one sentence with the next step."""

from __future__ import annotations


class Refusal(Exception):
    """Why something is not done, and what to do next."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Cancelled(Refusal):
    """The artist does not want it any more."""


class CallFailed(Refusal):
    """A call to Resolve that did not do what it says."""

    def __init__(self, call: str, arguments: tuple[object, ...], *, page: str, cause: str, step: str) -> None:
        shown = ", ".join(_shown(each) for each in arguments)
        where = f" on the {page} page" if page else ""
        super().__init__(f"Resolve did not do {call}({shown}){where}: {cause}. {step}")
        self.call = call
        self.arguments = arguments
        self.page = page
        self.cause = cause
        self.step = step


class HostGone(CallFailed):
    """Resolve does not answer at all."""


def _shown(value: object) -> str:
    """Numbers, words and what holds them; handles have nothing to show."""
    if isinstance(value, (str, int, float, bool)):
        return repr(value)[:80]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    return "…"
