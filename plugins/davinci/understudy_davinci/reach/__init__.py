# SPDX-License-Identifier: Apache-2.0
"""The ways to Resolve: over external scripting, or through the menu script that started us."""

from __future__ import annotations


class NotReached(Exception):
    """Resolve cannot be driven. The message says why, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
