"""Stored layers kept open between frames, a few for all who read them: an open decoder holds some megabytes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from understudy_engine.media.info import ColourTags
from understudy_engine.media.read import open_stored
from understudy_engine.types import FrameRange, Picture


class OpenClips:
    """Pictures of files, from any thread. Of the clips that nobody takes a picture from at the moment, at most *limit*
    stay open, and only those of files that somebody is reading.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._readers: Counter[Path] = Counter()
        self._idle: list[_Open] = []  # the one used last comes last

    @contextmanager
    def reading(self, file: Path) -> Iterator[None]:
        """Within it, *file* may stay open between two pictures."""
        with self._lock:
            self._readers[file] += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers[file] -= 1
                done = self._take_out([clip for clip in self._idle if not self._readers[clip.file]])
                self._readers += Counter()  # forgets those at 0
            _close(done)

    def picture(self, file: Path, index: int) -> tuple[Picture, ColourTags]:
        """Frame *index* of *file*. Raises MediaError if the file is damaged."""
        with self._lock:
            clip = self._best(file, index)
        clip = clip or _Open(file)
        try:
            found = clip.picture(index), clip.colour
        except BaseException:
            clip.close()
            raise
        with self._lock:
            self._idle.append(clip)
            surplus = self._idle[: -self._limit] if self._readers[file] else [clip]
            self._take_out(surplus)
        _close(surplus)
        return found

    def _best(self, file: Path, index: int) -> _Open | None:
        """An idle clip of *file*, best one that *index* comes next in; no longer among the idle."""
        fitting = [clip for clip in self._idle if clip.file == file]
        best = next((clip for clip in fitting if clip.next == index), fitting[-1] if fitting else None)
        self._take_out([best] if best else [])
        return best

    def _take_out(self, clips: list[_Open]) -> list[_Open]:
        self._idle = [clip for clip in self._idle if clip not in clips]
        return clips


class _Open:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.next = -1  # the frame that costs no seek
        self._stack = ExitStack()
        self._clip = self._stack.enter_context(open_stored(file))
        self.colour = self._clip.info.colour
        self._pictures: Iterator[Picture] = iter(())

    def picture(self, index: int) -> Picture:
        if index != self.next:
            self._pictures = self._clip.read(FrameRange(index, self._clip.info.frame_count))
        self.next = index + 1
        return next(self._pictures)

    def close(self) -> None:
        with suppress(Exception):  # nothing that a reader could do about it
            self._stack.close()


def _close(clips: list[_Open]) -> None:
    for clip in clips:
        clip.close()
