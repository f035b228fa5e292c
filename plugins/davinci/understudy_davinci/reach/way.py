# SPDX-License-Identifier: Apache-2.0
"""Which way to Resolve is taken."""

from __future__ import annotations

from typing import Any

from . import NotReached, external
from .places import Machine
from .relayed import Pipe


def reach(machine: Machine, pipe: Pipe | None) -> Any:
    """Resolve: over external scripting where it is open, and otherwise through *pipe*.

    The pipe is closed when it is not needed, so that the menu script ends: Resolve runs one at a time.

    Raises:
        NotReached: neither way leads there.
    """
    if pipe is None:
        return external.connect(machine)
    resolve = pipe.resolve()
    if "Studio" not in str(resolve.GetProductName()):  # the free edition answers its own menu alone
        return resolve
    try:
        found = external.connect(machine)
    except NotReached:
        return resolve
    pipe.close()
    return found
