# SPDX-License-Identifier: Apache-2.0
"""What went wrong, in a sentence for the artist."""

from __future__ import annotations

import logging

from understudy_api.errors import JobCancelled, UnderstudyError

from ..errors import Cancelled, Refusal
from ..reach import NotReached
from ..reach.relayed import ResolveGone

log = logging.getLogger(__name__)


def spoken(error: Exception) -> tuple[str, bool]:
    """*error* in a sentence, and whether it is the artist's own cancelling."""
    match error:
        case JobCancelled() | Cancelled():
            return "Cancelled. Nothing of it is on the timeline.", True
        case Refusal():
            return error.text, False
        case UnderstudyError() | NotReached():
            return error.message, False
        case ResolveGone():
            return f"{error} The server goes on; start Understudy again to place what it makes.", False
        case OSError():
            return f"A file cannot be used: {error}.", False
        case _:
            log.error("A defect", exc_info=error)
            return f"Understudy has a defect: {type(error).__name__}: {error}", False
