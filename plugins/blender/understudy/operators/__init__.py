# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist can do: swap, find people, steer jobs, start the server, put right what stands in the way."""

from __future__ import annotations

from . import batch, fixes, jobs, loras, people, redo, server, swap

MODULES = (swap, redo, batch, people, loras, jobs, server, fixes)


def register() -> None:
    for module in MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(MODULES):
        module.unregister()
