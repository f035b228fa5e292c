# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel shows beside jobs: the server, who is in the clip, what went wrong last. Knows nothing of bpy."""

from __future__ import annotations

from dataclasses import dataclass, field

from .estimates import Estimator
from .live import About, Listener
from .people import Finder, Search
from .request import Mode


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not done, and what the panel offers against it."""

    text: str
    fix: str = ""  # a key of operators.fixes.FIXES
    selected: tuple[str, ...] = ()  # the strips that were: of others it says nothing


@dataclass(slots=True)
class Desk:
    """One lasts as long as the extension is enabled. Main thread only."""

    about: About = field(default_factory=About)
    listener: Listener | None = None
    estimator: Estimator | None = None
    finder: Finder | None = None  # the search that is under way
    search: Search | None = None  # what the last one found
    trouble: Trouble | None = None
    notice_read: str = ""  # the honest line about a model that was put away
    rates: dict[str, float] = field(default_factory=dict)  # frames a second of clips, by their files
    mode: Mode = Mode.REPLACE  # the last one asked for: estimates are of it

    def leave(self) -> None:
        """Another file is opened: what belongs to this one goes; the server finishes what it does."""
        self.finder = self.search = self.trouble = None
        self.rates.clear()

    def close(self) -> None:
        """Ends all threads."""
        self.leave()
        if self.listener is not None:
            self.listener.close()
        if self.estimator is not None:
            self.estimator.close()
        self.listener = self.estimator = None
        self.about = About()


desk = Desk()
"""Panels, operators and threads' messages share it, as they share the session."""
