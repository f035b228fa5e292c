"""What the command line says: sentences for a person, or one JSON object for a program."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.text import Text

from understudy_api.errors import UnderstudyError


class Voice:
    """Results go to standard output; everything said on the way goes to standard error.

    With *as_json*, standard output carries JSON alone, and nothing else is said.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._said: set[str] = set()

    def result(self, text: str, title: str = "", style: str = "bold green") -> None:
        """What was asked for, behind a *title* in *style*."""
        if not self.as_json:
            line = Text(f"{title}: " if title else "", style=style)
            self.out.print(line.append(text, style="default not bold"))

    def say(self, text: str, style: str = "dim") -> None:
        if not self.as_json:
            self.err.print(text, style=style, markup=False)

    def warn(self, text: str) -> None:
        self.say_once(text, style="yellow")

    def say_once(self, text: str, style: str = "dim") -> None:
        """However many tell of it: the estimate, the job, the model."""
        if text not in self._said:
            self._said.add(text)
            self.say(text, style)

    def data(self, value: Any) -> None:
        """*value* as one line of JSON; nothing without --json."""
        if self.as_json:
            print(json.dumps(value), flush=True)  # noqa: T201 - rich would wrap and colour it

    def fail(self, error: UnderstudyError) -> None:
        told = {"reason": error.reason, "message": error.message, "metadata": error.metadata}
        self.data({"error": told})
        if not self.as_json:
            self.err.print(error.message, style="bold red", markup=False)


def as_data(message: Message) -> dict[str, Any]:
    """*message* in protobuf's JSON form with the names of the .proto files (64-bit numbers are strings)."""
    data: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return data


def size_text(size_bytes: int) -> str:
    """ "1.2 MB": three digits are enough for a person."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes / 1e3:.1f} kB"
