"""Streams go on where they were, whatever happens to the server."""

from __future__ import annotations

import os
import threading
import time
from types import SimpleNamespace

import grpc
import pytest

from tests.support.waiting import PATIENCE_S, wait_until
from understudy_api import connection, stream
from understudy_api.client import Client
from understudy_api.endpoint import write_endpoint
from understudy_api.errors import JobCancelled, JobFailed, NotFound, ServerAway
from understudy_api.v1 import job_pb2, result_pb2, types_pb2

RUNNING, SUCCEEDED = job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_SUCCEEDED


def event(sequence: int, state: job_pb2.JobState.ValueType | None = None) -> job_pb2.JobEvent:
    if state is None:
        return job_pb2.JobEvent(sequence=sequence, warning=job_pb2.Warning(message=str(sequence)))
    return job_pb2.JobEvent(sequence=sequence, state_changed=job_pb2.StateChanged(state=state))


EVENTS = [
    event(1, job_pb2.JOB_STATE_QUEUED),
    event(2, RUNNING),
    *map(event, range(3, 9)),
    event(9, SUCCEEDED),
]


def break_after(count: int, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE):
    """A WatchJob that ends with *code* after *count* events, and again and again, until all were told."""

    def watch(request, context):
        rest = EVENTS[request.after_sequence :]
        yield from rest[:count]
        if rest[count:]:
            context.abort(code, "gone")

    return watch


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_watch_goes_on_behind_the_last_event_after_each_break(scripted, run, code) -> None:
    scripted.watch = break_after(2, code)
    with Client(run(scripted).endpoint()) as client:
        assert [one.sequence for one in client.watch("jobs/x")] == list(range(1, 10))
    assert [request.after_sequence for request in scripted.asked] == [0, 2, 4, 6, 8]


def test_watch_goes_on_when_the_server_ends_the_stream_politely_before_the_job_has_ended(
    scripted, run
) -> None:
    def watch(request, context):
        yield from EVENTS[request.after_sequence :][:5]

    scripted.watch = watch
    scripted.job = lambda name, context: job_pb2.Job(name=name, state=RUNNING)
    with Client(run(scripted).endpoint()) as client:
        assert [one.sequence for one in client.watch("jobs/x")] == list(range(1, 10))


def test_watching_an_ended_job_from_its_last_event_ends_at_once(scripted, run) -> None:
    scripted.watch = lambda request, context: iter(())
    scripted.job = lambda name, context: job_pb2.Job(name=name, state=SUCCEEDED)
    with Client(run(scripted).endpoint()) as client:
        assert list(client.watch("jobs/x", after_sequence=9)) == []


def test_heartbeats_are_not_given(scripted, run) -> None:
    beat = job_pb2.JobEvent(heartbeat=job_pb2.Heartbeat())
    scripted.watch = lambda request, context: iter([beat, EVENTS[0], beat, event(2, SUCCEEDED)])
    with Client(run(scripted).endpoint()) as client:
        assert [one.sequence for one in client.watch("jobs/x")] == [1, 2]


def test_an_error_that_waiting_does_not_mend_is_raised_at_once(scripted, run) -> None:
    def watch(request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        yield

    scripted.watch = watch
    with Client(run(scripted).endpoint()) as client, pytest.raises(NotFound):
        list(client.watch("jobs/x"))
    assert len(scripted.asked) == 1


def test_a_server_that_stays_silent_is_asked_again(scripted, run, monkeypatch) -> None:
    monkeypatch.setattr(connection, "SILENCE_S", 0.4)
    hung = threading.Event()

    def watch(request, context):
        yield from EVENTS[request.after_sequence :][:4]
        if request.after_sequence == 0:
            hung.wait(10)
        else:
            yield from EVENTS[8:]

    scripted.watch = watch
    with Client(run(scripted).endpoint()) as client:
        assert [one.sequence for one in client.watch("jobs/x")] == list(range(1, 10))
    hung.set()


def test_a_slow_reader_is_not_taken_for_a_silent_server(scripted, run, monkeypatch) -> None:
    late_s = [0.0]
    monkeypatch.setattr(connection, "SILENCE_S", 60.0)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late_s[0])
    monkeypatch.setattr(stream, "time", clock)
    scripted.watch = lambda request, context: iter(EVENTS)
    with Client(run(scripted).endpoint()) as client:
        for one in client.watch("jobs/x"):
            if one.sequence == 2:
                late_s[0] = 100.0
                time.sleep(1.2)  # who looks for silence looks once a second
    assert len(scripted.asked) == 1


def test_after_a_restart_the_new_server_is_found_through_the_endpoint_file(scripted, run, tmp_path) -> None:
    old, new = run(scripted), run(scripted)
    own = os.getpid()
    write_endpoint(old.endpoint(pid=own), tmp_path)

    def watch(request, context):
        yield from EVENTS[request.after_sequence :][:3]
        if request.after_sequence == 0:
            write_endpoint(new.endpoint(pid=own, instance_id="two", token="fresh"), tmp_path)
            threading.Thread(target=old.stop).start()
            context.abort(grpc.StatusCode.UNAVAILABLE, "ending")
        yield from EVENTS[6:]

    scripted.watch = watch
    with Client(folder=tmp_path) as client:
        assert [one.sequence for one in client.watch("jobs/x")] == list(range(1, 10))
        assert client.endpoint.instance_id == "two"
        assert client.info().version == "test"
    assert ("authorization", "Bearer fresh") in [(key, value) for key, value in scripted.asked[-1]]


def test_a_call_finds_the_new_server_too(scripted, run, tmp_path) -> None:
    old, new = run(scripted), run(scripted)
    own = os.getpid()
    write_endpoint(old.endpoint(pid=own), tmp_path)
    with Client(folder=tmp_path) as client:
        assert client.info().version == "test"
        old.stop()
        write_endpoint(new.endpoint(pid=own, instance_id="two"), tmp_path)
        assert client.info().version == "test"


def test_patience_ends_with_server_away(scripted, run) -> None:
    server = run(scripted)
    server.stop()
    with Client(server.endpoint(), patience_s=0.5) as client, pytest.raises(ServerAway):
        next(client.watch("jobs/x"))


def test_a_stream_that_waits_can_be_closed_from_another_thread(scripted, run) -> None:
    hung = threading.Event()

    def watch(request, context):
        yield EVENTS[0]
        hung.wait(PATIENCE_S)

    scripted.watch = watch
    seen: list[int] = []
    with Client(run(scripted).endpoint()) as client:
        events = client.watch("jobs/x")
        reader = threading.Thread(target=lambda: seen.extend(one.sequence for one in events))
        reader.start()
        wait_until(lambda: seen or not reader.is_alive())
        events.close()
        reader.join(PATIENCE_S)
        assert not reader.is_alive()
    hung.set()


def test_closing_the_client_ends_a_waiting_stream_with_a_reason(scripted, run) -> None:
    hung = threading.Event()

    def watch(request, context):
        yield EVENTS[0]
        hung.wait(PATIENCE_S)

    scripted.watch = watch
    client = Client(run(scripted).endpoint())
    events = client.watch("jobs/x")
    assert next(events).sequence == 1
    threading.Timer(0.2, client.close).start()
    with pytest.raises(ServerAway) as caught:
        next(events)
    assert caught.value.reason == "CLOSED"
    with pytest.raises(ServerAway, match="Connect again"):
        client.info()
    hung.set()


def test_wait_returns_the_job_or_raises_why_not(scripted, run) -> None:
    scripted.watch = lambda request, context: iter(())
    with Client(run(scripted).endpoint()) as client:
        scripted.job = lambda name, context: job_pb2.Job(name=name, state=SUCCEEDED)
        assert client.wait("jobs/x").state == SUCCEEDED
        scripted.job = lambda name, context: job_pb2.Job(name=name, state=job_pb2.JOB_STATE_CANCELLED)
        with pytest.raises(JobCancelled):
            client.wait("jobs/x")
        error = types_pb2.Status(code=13, message="It broke.")
        scripted.job = lambda name, context: job_pb2.Job(
            name=name, state=job_pb2.JOB_STATE_FAILED, error=error
        )
        with pytest.raises(JobFailed, match=r"It broke\."):
            client.wait("jobs/x")


# ---- Frames ----------------------------------------------------------------------------------------------


def chunks(index: int) -> list[result_pb2.StreamFramesResponse]:
    """A frame of three chunks whose bytes tell which frame it is."""
    header = result_pb2.FrameHeader(size_bytes=6, channels=3, bits=8)
    data = bytes([index] * 2)
    return [
        result_pb2.StreamFramesResponse(frame=index, header=header, data=data),
        result_pb2.StreamFramesResponse(frame=index, data=data),
        result_pb2.StreamFramesResponse(frame=index, data=data, last_chunk=True),
    ]


def breaking_frames(total: int, chunk_count: int):
    """A StreamFrames of *total* frames that breaks after *chunk_count* chunks each time."""

    def frames(request, context):
        end = request.range.end or total
        all_chunks = [chunk for index in range(request.range.start, end) for chunk in chunks(index)]
        yield from all_chunks[:chunk_count]
        if all_chunks[chunk_count:]:
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    return frames


@pytest.mark.parametrize("asked", [None, (0, 7), (2, 6)])
def test_frames_go_on_at_the_next_frame_and_none_is_torn(scripted, run, asked) -> None:
    scripted.frames = breaking_frames(total=7, chunk_count=8)  # in the middle of the third frame
    plan = job_pb2.JobPlan(range=types_pb2.FrameRange(start=100, end=107))
    scripted.job = lambda name, context: job_pb2.Job(name=name, plan=plan)
    with Client(run(scripted).endpoint()) as client:
        got = list(client.frames("jobs/x", range=asked))
    assert [frame.index for frame in got] == list(range(*(asked or (0, 7))))
    assert all(frame.data == bytes([frame.index] * 6) for frame in got)
    assert all(frame.header.size_bytes == 6 for frame in got)


def test_a_break_behind_the_last_frame_is_the_end(scripted, run) -> None:
    def frames(request, context):
        assert not request.range.start, "asked again although nothing was left"
        for index in range(3):
            yield from chunks(index)
        context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    scripted.frames = frames
    with Client(run(scripted).endpoint()) as client:
        assert [frame.index for frame in client.frames("jobs/x", range=(0, 3))] == [0, 1, 2]
