from __future__ import annotations

from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_server.progress import ProgressMeter

STEPS = 4
SECONDS_A_STEP, SECONDS_BEFORE, SECONDS_AFTER = 2.0, 3.0, 5.0


def run_through(segments: int, stored: int = 0) -> list[tuple[float, job_pb2.JobProgress]]:
    """(time, progress) of a job whose steps take 2 s, and whose segments take 8 s more."""
    plan = job_pb2.JobPlan(segment_count=segments, steps_per_segment=STEPS)
    states = [result_pb2.SEGMENT_STATE_STORED] * stored
    states += [result_pb2.SEGMENT_STATE_PENDING] * (segments - stored)
    planned = [
        result_pb2.Segment(index=i, frames=types_pb2.FrameRange(start=4 * i, end=4 * i + 4), state=state)
        for i, state in enumerate(states)
    ]
    now = 100.0
    meter = ProgressMeter(plan, planned, now)
    told = [(now, meter.progress(now))]
    for segment in range(stored, segments):
        meter.stage("reading the clip", now)
        now += SECONDS_BEFORE
        meter.stage("denoising", now)
        for step in range(1, STEPS + 1):
            now += SECONDS_A_STEP
            meter.step_done(segment, step, now)
            told.append((now, meter.progress(now)))
        meter.stage("decoding", now)
        now += SECONDS_AFTER
        meter.segment_stored(now)
        told.append((now, meter.progress(now)))
    meter.finished()
    told.append((now, meter.progress(now)))
    return told


def test_the_fraction_rises_to_one_and_never_falls() -> None:
    fractions = [progress.fraction for _, progress in run_through(segments=4)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert all(fraction < 1 for fraction in fractions[:-1])


def test_the_remaining_time_is_unknown_at_first_and_right_once_a_segment_is_measured() -> None:
    told = run_through(segments=4)
    end = told[-1][0]
    assert not told[0][1].HasField("remaining_seconds")
    assert not told[1][1].HasField("remaining_seconds")
    later = [(now, progress) for now, progress in told[:-1] if progress.segments_done]
    assert len(later) > 10
    for now, progress in later:
        assert abs(progress.remaining_seconds - (end - now)) < 1.0


def test_segments_that_are_finished_beside_the_next_ones_steps_cost_only_what_holds_those_up() -> None:
    plan = job_pb2.JobPlan(segment_count=6, steps_per_segment=STEPS)
    frames = [types_pb2.FrameRange(start=4 * i, end=4 * i + 4) for i in range(6)]
    segments = [result_pb2.Segment(index=i, frames=each) for i, each in enumerate(frames)]
    now = 100.0
    meter = ProgressMeter(plan, segments, now)
    told = []
    for segment in range(6):
        meter.stage("reading the clip", now)
        now += 1.0
        meter.stage("denoising", now)
        for step in range(1, STEPS + 1):
            now += SECONDS_A_STEP
            meter.step_done(segment, step, now)
            if segment and step == 3:  # five seconds after it had its last step
                meter.segment_stored(now)
            told.append((now, meter.progress(now)))
    now += SECONDS_AFTER
    meter.segment_stored(now)
    fractions = [progress.fraction for _, progress in told]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) == len(fractions)  # it moves with every step
    for at, progress in told[3 * STEPS :]:
        assert abs(progress.remaining_seconds - (now - at)) < SECONDS_AFTER + SECONDS_A_STEP
    assert meter.progress(now).segments_done == 6


def test_a_resumed_job_begins_where_it_was_and_counts_its_own_steps_only() -> None:
    told = run_through(segments=4, stored=2)
    first = told[0][1]
    assert (first.segments_done, first.frames_done, first.frames_total) == (2, 8, 16)
    assert 0.45 < first.fraction < 0.5
    assert told[-1][1].segments_done == 4


def test_frames_that_are_stored_behind_those_to_make_count_from_the_start() -> None:
    """A retake's last segments are its base's, there before the ones between are made."""
    stored, pending = result_pb2.SEGMENT_STATE_STORED, result_pb2.SEGMENT_STATE_PENDING
    edges = [(0, 3, stored), (3, 5, pending), (5, 9, pending), (9, 20, stored)]
    segments = [
        result_pb2.Segment(index=i, frames=types_pb2.FrameRange(start=start, end=end), state=state)
        for i, (start, end, state) in enumerate(edges)
    ]
    meter = ProgressMeter(job_pb2.JobPlan(segment_count=4, steps_per_segment=STEPS), segments, 0.0)
    frames_done = [meter.progress(0.0).frames_done]
    for now in (1.0, 2.0):
        meter.segment_stored(now)
        frames_done.append(meter.progress(now).frames_done)
    assert frames_done == [14, 16, 20]
