"""Whether a plugin and a server understand each other, by their versions. Standard library only."""

from __future__ import annotations

import re

from .errors import Unsupported

MINORS_APART = 2


def check(server: str, mine: str, what: str) -> str:
    """What the artist should know of a server of version *server*; "" if there is nothing.

    Servers of the same major version are used: up to two minor versions ahead in silence.

    Args:
        mine: the plugin's version.
        what: the plugin, in a word for the artist: "extension".

    Raises:
        Unsupported: it is of another major version, or more than two minor versions ahead.
    """
    theirs, ours = _numbers(server), _numbers(mine)
    if theirs is None or ours is None:
        return f"The server does not tell its version ({server}). Update it if something is missing."
    if theirs[0] > ours[0] or (theirs[0] == ours[0] and theirs[1] > ours[1] + MINORS_APART):
        raise _unlike(f"The server ({server}) is too new for this {what} ({mine}). Update the {what}.")
    if theirs[0] < ours[0]:
        raise _unlike(f"The server ({server}) is too old for this {what} ({mine}). Update the server.")
    if theirs[1] < ours[1]:
        return f"The server ({server}) is older than this {what} ({mine}). Update it to use everything."
    return ""


def _numbers(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _unlike(text: str) -> Unsupported:
    return Unsupported(text, reason="VERSIONS_UNLIKE")
