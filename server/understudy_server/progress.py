"""How far a job is, and how long it will still take, from its own steps so far."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from understudy_api.v1 import job_pb2, result_pb2

FIRST_GUESS_STEPS = 3.0
"""What a segment costs beside its steps (reading, encoding, decoding, storing), until one has been measured."""

LAST_SHARE = 0.02  # of the bar: joining the segments and writing the delivery
STEPS_UNTIL_BELIEVED = 2


class ProgressMeter:
    """Told what happens with the time it happens at (seconds of a monotonic clock); answers with JobProgress.

    The unit of work is a step. A segment's other work is counted in steps too: by FIRST_GUESS_STEPS at first, then
    by what the segments so far took. On a GPU a segment is finished while the next one's steps are done: of its other
    work only what holds those up counts.
    """

    def __init__(self, plan: job_pb2.JobPlan, segments: Sequence[result_pb2.Segment], now: float) -> None:
        self._steps = plan.steps_per_segment
        self._frames = [segment.frames.end - segment.frames.start for segment in segments]
        # In the order they are made; those that are stored need not come first: a retake's last ones are its base's.
        self._to_make = [
            frames
            for frames, segment in zip(self._frames, segments, strict=True)
            if segment.state != result_pb2.SEGMENT_STATE_STORED
        ]
        self._done = len(segments) - len(self._to_make)
        self._made = 0
        self._unstored = 0  # segments that have all their steps and are being finished beside the next one
        self._segment = -1
        self._step = 0
        self._stage = ""
        self._fraction = 0.0
        self._step_seconds: list[float] = []
        self._steps_since_stored = 0
        self._other_seconds: list[float] = []  # of whole segments, beside their steps
        self._segment_began = self._mark = now

    def stage(self, text: str, now: float) -> None:
        self._stage = text
        self._mark = now

    def step_done(self, segment: int, step: int, now: float) -> None:
        if self._step and segment != self._segment:
            self._unstored += 1
        self._segment, self._step = segment, step
        self._stage = "denoising"
        self._step_seconds.append(now - self._mark)
        self._steps_since_stored += 1
        self._mark = now

    def segment_stored(self, now: float) -> None:
        since = self._steps_since_stored
        steps = sum(self._step_seconds[-since:]) if since else 0.0
        self._other_seconds.append(max(0.0, now - self._segment_began - steps))
        self._steps_since_stored = 0
        self._done += 1
        self._made += 1
        if self._unstored:
            self._unstored -= 1
        else:
            self._step = 0
            self._mark = now
        self._segment_began = now

    def finished(self) -> None:
        self._stage = ""
        self._fraction = 1.0

    def progress(self, now: float) -> job_pb2.JobProgress:
        """The fraction never goes back."""
        total = len(self._frames)
        other = self._other_in_steps()
        per_segment = self._steps + other
        half = other / 2  # of it comes before the first step, about
        begun = self._step + (half if self._step else 0.0) + self._unstored * (self._steps + half)
        self._fraction = max(
            self._fraction, (1 - LAST_SHARE) * (self._done * per_segment + begun) / (total * per_segment)
        )
        told = job_pb2.JobProgress(
            segments_done=self._done,
            segments_total=total,
            step=self._step,
            steps=self._steps,
            frames_done=sum(self._frames) - sum(self._to_make[self._made :]),
            frames_total=sum(self._frames),
            fraction=min(1.0, self._fraction),
            stage=self._stage,
        )
        remaining = self._remaining_seconds(now)
        if remaining is not None and self._fraction < 1:
            told.remaining_seconds = remaining
        return told

    def _remaining_seconds(self, now: float) -> float | None:
        if len(self._step_seconds) < STEPS_UNTIL_BELIEVED:
            return None
        per_step = statistics.median(self._step_seconds)
        segment = per_step * (self._steps + self._other_in_steps())
        left = (len(self._frames) - self._done) * segment
        return max(0.0, left - min(segment, now - self._segment_began)) if left else 0.0

    def _other_in_steps(self) -> float:
        if not self._other_seconds or not self._step_seconds:
            return FIRST_GUESS_STEPS
        return statistics.median(self._other_seconds) / max(1e-9, statistics.median(self._step_seconds))
