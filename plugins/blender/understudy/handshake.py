# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this extension and a server understand each other, by their versions. Knows nothing of bpy."""

from __future__ import annotations

import re

from ._api.errors import Unsupported

VERSION = "0.1.0"  # as in blender_manifest.toml
MINORS_APART = 2


def check(server: str, mine: str = VERSION) -> str:
    """What the artist should know of a server of version *server*; "" if there is nothing.

    Servers of the same major version are used: up to two minor versions ahead in silence.

    Raises:
        Unsupported: it is of another major version, or more than two minor versions ahead.
    """
    theirs, ours = _numbers(server), _numbers(mine)
    if theirs is None or ours is None:
        return f"The server does not tell its version ({server}). Update it if something is missing."
    if theirs[0] > ours[0] or (theirs[0] == ours[0] and theirs[1] > ours[1] + MINORS_APART):
        raise _unlike(f"The server ({server}) is too new for this extension ({mine}). Update the extension.")
    if theirs[0] < ours[0]:
        raise _unlike(f"The server ({server}) is too old for this extension ({mine}). Update the server.")
    if theirs[1] < ours[1]:
        return f"The server ({server}) is older than this extension ({mine}). Update it to use everything."
    return ""


def _numbers(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _unlike(text: str) -> Unsupported:
    return Unsupported(text, reason="VERSIONS_UNLIKE")
