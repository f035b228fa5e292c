"""Jobs that are paused, resumed, tried again, put first, labelled and deleted, through a real server."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from tests.server.conftest import animate_spec
from tests.server.support.fault import Fault
from tests.server.support.footage import segment_digests
from tests.server.support.process import Api, Server, Told, from_status, running, told
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2
from understudy_server import jobs
from understudy_server.service.job_feed import PAUSE_S
from understudy_server.settings import Reliability

PAUSED, QUEUED = job_pb2.JOB_STATE_PAUSED, job_pb2.JOB_STATE_QUEUED
SUCCEEDED, CANCELLED = job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_CANCELLED
BEAT_S = 1.0
NOBODY = "jobs/" + "0" * 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    """Its silent streams beat once a second."""
    home = tmp_path_factory.mktemp("lasting") / "home"
    with running(home, footage, reliability={"heartbeat_seconds": BEAT_S}) as server:
        yield server


@pytest.fixture
def fault(server: Server) -> Iterator[Fault]:
    yield server.fault
    server.fault.go_on()


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    with Api(read_endpoint(server.home)) as api:
        yield api


def pause(api: Api, name: str) -> job_pb2.Job:
    return api.call(api.jobs.PauseJob, job_pb2.PauseJobRequest(name=name)).job


def resume(api: Api, name: str) -> job_pb2.Job:
    return api.call(api.jobs.ResumeJob, job_pb2.ResumeJobRequest(name=name)).job


def retry(api: Api, name: str) -> job_pb2.Job:
    return api.call(api.jobs.RetryJob, job_pb2.RetryJobRequest(name=name)).job


def delete(api: Api, name: str) -> None:
    api.call(api.jobs.DeleteJob, job_pb2.DeleteJobRequest(name=name))


def update(api: Api, name: str, *paths: str, **fields: Any) -> job_pb2.Job:
    mask = FieldMask(paths=paths)
    return api.call(api.jobs.UpdateJob, job_pb2.UpdateJobRequest(name=name, update_mask=mask, **fields)).job


def create(api: Api, spec: job_pb2.JobSpec | None = None, **fields: Any) -> job_pb2.Job:
    request = job_pb2.CreateJobRequest(request_id=str(uuid.uuid4()), spec=spec or animate_spec(api), **fields)
    return api.call(api.jobs.CreateJob, request).job


def listed(api: Api, **asked: Any) -> list[str]:
    return [job.name for job in api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest(**asked)).jobs]


def refused(call: Callable[..., Any], *arguments: Any, **fields: Any) -> Told:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **fields)
    return told(caught.value)


def until_state(api: Api, name: str, state: int) -> job_pb2.Job:
    wait_until(lambda: api.job(name).state == state)
    return api.job(name)


def halted(api: Api, fault: Fault, segments_done: int = 0, *, deaf: bool = False) -> job_pb2.Job:
    """A new job that has made a step, and makes no other: the first of the queue."""
    wait_until(lambda: not listed(api, states=[QUEUED, *jobs.ACTIVE]))
    fault.halt(f"step {segments_done} 2", deaf=deaf)
    job = create(api)
    for event in api.watch(job.name):
        if event.progress.segments_done == segments_done and event.progress.step:
            return job
    raise AssertionError(api.job(job.name))


def test_a_paused_job_stands_still_and_goes_on_with_the_same_pixels(
    api: Api, server: Server, fault: Fault
) -> None:
    undisturbed = api.finish(create(api).name)
    job = halted(api, fault, segments_done=1)
    assert pause(api, job.name).state == job_pb2.JOB_STATE_PAUSING
    paused = until_state(api, job.name, PAUSED)  # in the middle of a step
    fault.go_on()
    assert (paused.pause_reason, paused.progress.segments_done) == ("ASKED", 1)
    assert pause(api, job.name).last_sequence == paused.last_sequence  # again: nothing changes
    time.sleep(0.3)
    assert api.job(job.name) == paused
    assert resume(api, job.name).state == QUEUED
    done = api.finish(job.name)
    assert (done.state, done.attempt, done.pause_reason) == (SUCCEEDED, 2, "")
    assert segment_digests(server.home, done) == segment_digests(server.home, undisturbed)


def test_a_waiting_job_is_paused_at_once_and_the_queue_goes_past_it(api: Api, fault: Fault) -> None:
    first, second, third = halted(api, fault), create(api), create(api)
    assert pause(api, second.name).state == PAUSED
    fault.go_on()
    assert api.finish(third.name).state == SUCCEEDED
    assert api.job(second.name).attempt == 0
    assert resume(api, second.name).state in (QUEUED, job_pb2.JOB_STATE_PREPARING)
    assert api.finish(second.name).state == SUCCEEDED
    assert api.job(first.name).state == SUCCEEDED


def test_a_job_resumed_before_it_stood_still_goes_on(api: Api, fault: Fault) -> None:
    job = halted(api, fault, deaf=True)
    assert pause(api, job.name).state == job_pb2.JOB_STATE_PAUSING
    assert resume(api, job.name).state == job_pb2.JOB_STATE_RUNNING
    fault.go_on()
    assert api.finish(job.name).state == SUCCEEDED


def test_a_paused_job_can_be_cancelled(api: Api, fault: Fault) -> None:
    first, waiting = halted(api, fault), create(api)
    assert pause(api, waiting.name).state == PAUSED
    assert api.cancel(waiting.name).state == CANCELLED
    pause(api, first.name)
    api.cancel(first.name)
    assert until_state(api, first.name, CANCELLED).pause_reason == ""


def test_a_cancelled_job_tried_again_makes_only_what_is_missing(
    api: Api, server: Server, fault: Fault
) -> None:
    job = halted(api, fault, segments_done=1)
    api.cancel(job.name)
    until_state(api, job.name, CANCELLED)
    fault.go_on()
    stored = server.home / job.name / "segments" / "00000" / "result.mkv"
    written = stored.stat().st_mtime_ns
    again = retry(api, job.name)
    assert (again.state, again.HasField("end_time")) == (QUEUED, False)
    done = api.finish(job.name)
    assert (done.state, done.attempt) == (SUCCEEDED, 2)
    assert stored.stat().st_mtime_ns == written


def test_a_failed_job_tried_again_has_no_error_until_it_fails_again(api: Api) -> None:
    job = api.finish(create(api, animate_spec(api, seed=13)).name)
    assert from_status(job.error).reason == "ENGINE_NAN"
    assert not retry(api, job.name).HasField("error")
    job = api.finish(job.name)
    assert (from_status(job.error).reason, job.attempt) == ("ENGINE_NAN", 2)


def test_only_what_failed_or_was_cancelled_is_tried_again(api: Api, fault: Fault) -> None:
    job = halted(api, fault)
    error = refused(retry, api, job.name)
    fault.go_on()
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_TERMINAL")
    assert f"{job.name} has not ended" in error.message
    api.finish(job.name)
    error = refused(retry, api, job.name)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED")
    assert "has succeeded; there is nothing to try again" in error.message


def test_an_ended_job_is_neither_paused_nor_resumed(api: Api) -> None:
    job = api.finish(create(api).name)
    for call, word in ((pause, "paused"), (resume, "resumed")):
        error = refused(call, api, job.name)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_ENDED")
        assert f"is SUCCEEDED and cannot be {word}" in error.message


def test_higher_priorities_come_first_and_equal_ones_in_their_order(api: Api, fault: Fault) -> None:
    halted(api, fault)
    low, first, second, high = (create(api, priority=priority) for priority in (-5, 0, 0, 7))
    raised = create(api, priority=-100)
    assert update(api, raised.name, "priority", priority=100).priority == 100
    fault.go_on()
    expected = [raised, high, first, second, low]
    started = [api.finish(job.name).start_time.ToNanoseconds() for job in expected]
    assert started == sorted(started)


def test_jobs_are_listed_by_label_and_by_shot(api: Api) -> None:
    labels = {"show": "heist", "artist": "Zoë"}
    first, second = create(api, labels=labels), create(api, labels={"show": "heist"})
    assert dict(first.labels) == labels
    assert listed(api, labels={"show": "heist"}) == [second.name, first.name]
    assert listed(api, labels=labels) == [first.name]
    assert listed(api, labels={"show": "none"}) == []
    assert set(listed(api, shot=first.shot)) >= {first.name, second.name}
    assert listed(api, shot="shots/" + "0" * 20) == []
    update(api, second.name, "labels", labels={"show": "dawn"})
    assert listed(api, labels={"show": "heist"}) == [first.name]
    assert listed(api, labels={"show": "dawn"}) == [second.name]
    for job in (first, second):
        api.cancel(job.name)


def test_an_update_changes_what_its_mask_names_and_nothing_else(api: Api) -> None:
    job = create(api, display_name="before", labels={"a": "1"}, priority=3)
    changed = update(api, job.name, "display_name", display_name="after", priority=9, labels={"b": "2"})
    assert (changed.display_name, changed.priority, dict(changed.labels)) == ("after", 3, {"a": "1"})
    changed = update(api, job.name, "labels", "priority")
    assert (changed.display_name, changed.priority, dict(changed.labels)) == ("after", 0, {})
    error = refused(update, api, job.name, "state")
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert (
        "update_mask.paths.0 is 'state'; it must be 'priority', 'labels' or 'display_name'" in error.message
    )
    assert (
        "update_mask is missing"
        in refused(lambda: api.call(api.jobs.UpdateJob, job_pb2.UpdateJobRequest(name=job.name))).message
    )
    assert "priority is 101" in refused(update, api, job.name, "priority", priority=101).message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"priority": -101}, "priority is -101; it must be greater than or equal to -100"),
        ({"labels": {"a b": "1"}}, "labels.a b"),
        ({"labels": {"a": "x" * 201}}, "labels.a"),
        ({"labels": {str(n): "" for n in range(17)}}, "labels"),
        ({"keep": 99}, "keep has the unknown value 99"),
        ({"shot": "shots/nonsense"}, "shot is not a shot's name"),
    ],
)
def test_fields_of_a_new_job_out_of_their_ranges_are_refused_by_name(
    api: Api, fields: dict[str, Any], words: str
) -> None:
    error = refused(create, api, **fields)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert error.message.startswith(words)


def test_a_deleted_job_is_gone_with_all_that_was_kept_of_it(api: Api, server: Server, fault: Fault) -> None:
    halted(api, fault)
    job = create(api, labels={"gone": "yes"})
    error = refused(delete, api, job.name)
    fault.go_on()
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_TERMINAL")
    assert "Cancel it first" in error.message
    api.finish(job.name)
    assert (server.home / job.name).is_dir()
    delete(api, job.name)
    assert not (server.home / job.name).exists()
    assert refused(api.job, job.name).reason == "JOB_NOT_FOUND"
    assert listed(api, labels={"gone": "yes"}) == []
    assert refused(delete, api, job.name).reason == "JOB_NOT_FOUND"


@pytest.mark.parametrize(
    "call", [pause, resume, retry, delete, lambda api, name: update(api, name, "priority")]
)
def test_every_wish_for_a_job_that_is_not_there_says_so(api: Api, call: Callable[..., Any]) -> None:
    error = refused(call, api, NOBODY)
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert NOBODY in error.message
    assert refused(call, api, "../etc").reason == "INVALID_FIELD"


def test_a_job_without_a_clip_and_without_a_pose_is_refused_before_it_waits(api: Api) -> None:
    spec = animate_spec(api)
    spec.animate.ClearField("passes")
    spec.animate.ClearField("clip")
    error = refused(create, api, spec)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "needs a clip, or a drawn skeleton" in error.message


# ---- All jobs in one stream --------------------------------------------------------------------------------


def watch_jobs(api: Api, **asked: Any) -> Any:
    return api.stream(api.jobs.WatchJobs, job_pb2.WatchJobsRequest(**asked))


def test_all_jobs_are_told_in_one_stream_from_those_that_have_not_ended_on(api: Api, fault: Fault) -> None:
    here = {"watched": "here"}
    ended = api.finish(create(api, labels=here).name)
    halted(api, fault)
    waiting, other = create(api, labels=here), create(api, labels={"watched": "elsewhere"})
    begun = time.monotonic()
    stream = watch_jobs(api, labels=here)
    first = next(stream)
    assert (first.job.name, dict(first.job.labels)) == (waiting.name, here)
    later = create(api, labels=here, display_name="later")
    fault.go_on()
    states: dict[str, list[int]] = {waiting.name: [], later.name: []}
    while any(told_now[-1:] != [SUCCEEDED] for told_now in states.values()):
        told_job = next(told_now.job for told_now in stream if told_now.HasField("job"))
        assert told_job.name in states, f"neither {other.name} nor {ended.name}"
        states[told_job.name].append(told_job.state)
    most = 2 + (time.monotonic() - begun) / PAUSE_S
    assert all(len(told_now) <= most for told_now in states.values())  # not every event
    delete(api, later.name)
    assert next(told_now.deleted for told_now in stream if told_now.deleted) == later.name
    stream.cancel()
    assert "labels.x y" in refused(lambda: next(watch_jobs(api, labels={"x y": ""}))).message


def test_a_stream_of_jobs_without_news_beats(api: Api) -> None:
    assert Reliability().heartbeat_seconds == 5  # a client takes a server for dead after 15
    begun = time.monotonic()
    stream = watch_jobs(api, labels={"nobody": "has this"})
    assert [next(stream).HasField("heartbeat") for _ in range(2)] == [True, True]
    assert time.monotonic() - begun > 1.5 * BEAT_S
    stream.cancel()


# ---- The end of a job --------------------------------------------------------------------------------------


def test_a_job_that_writes_its_result_can_be_paused_and_cancelled_too(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("within deliver_isolated")
        spec = animate_spec(api)
        spec.animate.delivery.codec = job_pb2.DELIVERY_CODEC_EXR_SEQUENCE
        spec.animate.delivery.path.root_id, spec.animate.delivery.path.relative_path = "footage", "large"
        name = create(api, spec).name
        for wish, state in ((pause, PAUSED), (Api.cancel, CANCELLED)):
            if wish is Api.cancel:
                resume(api, name)
            wait_until(lambda: list(footage.glob(".understudy-*")))
            wait_until(lambda: api.job(name).progress.stage == "writing the result")
            wish(api, name)
            until_state(api, name, state)
            assert not (footage / "large").exists()
            assert not list(footage.glob(".understudy-*"))
            assert not list((server.home / "jobs").rglob(".*"))
