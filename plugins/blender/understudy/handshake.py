# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this extension and a server understand each other, by their versions. Knows nothing of bpy."""

from __future__ import annotations

from ._api import handshake

VERSION = "0.1.0"  # as in blender_manifest.toml


def check(server: str, mine: str = VERSION) -> str:
    """What the artist should know of a server of version *server*; "" if there is nothing.

    Raises:
        Unsupported: it is too old or too new.
    """
    return handshake.check(server, mine, "extension")
