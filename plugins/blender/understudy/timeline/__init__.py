# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the selected strips and lands results beside them. Main thread only."""

from __future__ import annotations

from .conform import MOVIE as RENDERED
from .conform import is_needed as has_to_be_rendered
from .placeholder import begin, missing, refresh_all, sync
from .redo import Part, read_part, result_strip
from .resume import take_up
from .selection import (
    Source,
    read_character,
    read_source,
    select_alone,
    selected_pictures,
    selected_strips,
    source_strip,
)
from .strips import find, open_strips, push_undo, uid_of

__all__ = [
    "RENDERED",
    "Part",
    "Source",
    "begin",
    "find",
    "has_to_be_rendered",
    "missing",
    "open_strips",
    "push_undo",
    "read_character",
    "read_part",
    "read_source",
    "refresh_all",
    "result_strip",
    "select_alone",
    "selected_pictures",
    "selected_strips",
    "source_strip",
    "sync",
    "take_up",
    "uid_of",
]
