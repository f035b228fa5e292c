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
from tests.server.support.footage import make_clip, segment_digests
from tests.server.support.process import Api, Server, Told, from_status, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2
from understudy_server.settings import Reliability

PAUSED, QUEUED = job_pb2.JOB_STATE_PAUSED, job_pb2.JOB_STATE_QUEUED
SUCCEEDED, CANCELLED = job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_CANCELLED
BEAT_S = 1.0
NOBODY = "jobs/" + "0" * 20


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    """A server whose jobs take more than half a second each, and whose silent streams beat once a second."""
    home = tmp_path_factory.mktemp("slow") / "home"
    with running(home, footage, {"STEP_S": "0.04"}, reliability={"heartbeat_seconds": BEAT_S}) as server:
        yield server


@pytest.fixture
def api(slow: Server) -> Iterator[Api]:
    with Api(read_endpoint(slow.home)) as api:
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
    deadline = time.monotonic() + 30
    while (job := api.job(name)).state != state:
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def at_step(api: Api, name: str, segments_done: int) -> None:
    for event in api.watch(name):
        if event.progress.segments_done == segments_done and event.progress.step:
            return


def test_a_paused_job_stands_still_and_goes_on_with_the_same_pixels(api: Api, slow: Server) -> None:
    undisturbed = api.finish(create(api).name)
    job = create(api)
    at_step(api, job.name, segments_done=1)
    assert pause(api, job.name).state == job_pb2.JOB_STATE_PAUSING
    asked = time.monotonic()
    paused = until_state(api, job.name, PAUSED)
    assert time.monotonic() - asked < 2.0
    assert (paused.pause_reason, paused.progress.segments_done) == ("ASKED", 1)
    assert pause(api, job.name).last_sequence == paused.last_sequence  # again: nothing changes
    time.sleep(0.3)
    assert api.job(job.name) == paused
    assert resume(api, job.name).state == QUEUED
    done = api.finish(job.name)
    assert (done.state, done.attempt, done.pause_reason) == (SUCCEEDED, 2, "")
    assert segment_digests(slow.home, done) == segment_digests(slow.home, undisturbed)


def test_a_waiting_job_is_paused_at_once_and_the_queue_goes_past_it(api: Api) -> None:
    first, second, third = (create(api) for _ in range(3))
    assert pause(api, second.name).state == PAUSED
    assert api.finish(third.name).state == SUCCEEDED
    assert api.job(second.name).attempt == 0
    assert resume(api, second.name).state in (QUEUED, job_pb2.JOB_STATE_PREPARING)
    assert api.finish(second.name).state == SUCCEEDED
    assert api.job(first.name).state == SUCCEEDED


def test_a_job_resumed_before_it_stood_still_goes_on(api: Api) -> None:
    job = create(api)
    at_step(api, job.name, segments_done=0)
    pause(api, job.name)
    resume(api, job.name)
    assert api.finish(job.name).state == SUCCEEDED


def test_a_paused_job_can_be_cancelled(api: Api) -> None:
    first, waiting = create(api), create(api)
    pause(api, waiting.name)
    assert api.cancel(waiting.name).state == CANCELLED
    at_step(api, first.name, segments_done=0)
    pause(api, first.name)
    api.cancel(first.name)
    assert until_state(api, first.name, CANCELLED).pause_reason == ""


def test_a_cancelled_job_tried_again_makes_only_what_is_missing(api: Api, slow: Server) -> None:
    job = create(api)
    at_step(api, job.name, segments_done=1)
    api.cancel(job.name)
    until_state(api, job.name, CANCELLED)
    stored = slow.home / job.name / "segments" / "00000" / "result.mkv"
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


def test_only_what_failed_or_was_cancelled_is_tried_again(api: Api) -> None:
    job = create(api)
    error = refused(retry, api, job.name)
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


def test_higher_priorities_come_first_and_equal_ones_in_their_order(api: Api) -> None:
    blocker = create(api)
    at_step(api, blocker.name, segments_done=0)
    low, first, second, high = (create(api, priority=priority) for priority in (-5, 0, 0, 7))
    raised = create(api, priority=-100)
    assert update(api, raised.name, "priority", priority=100).priority == 100
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


def test_a_deleted_job_is_gone_with_all_that_was_kept_of_it(api: Api, slow: Server) -> None:
    job = create(api, labels={"gone": "yes"})
    error = refused(delete, api, job.name)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_TERMINAL")
    assert "Cancel it first" in error.message
    api.finish(job.name)
    assert (slow.home / job.name).is_dir()
    delete(api, job.name)
    assert not (slow.home / job.name).exists()
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


def test_all_jobs_are_told_in_one_stream_from_those_that_have_not_ended_on(api: Api) -> None:
    here = {"watched": "here"}
    ended, waiting = api.finish(create(api, labels=here).name), create(api, labels=here)
    other = create(api, labels={"watched": "elsewhere"})
    stream = watch_jobs(api, labels=here)
    first = next(stream)
    assert (first.job.name, dict(first.job.labels)) == (waiting.name, here)
    later = create(api, labels=here, display_name="later")
    states: dict[str, list[int]] = {}
    for told_now in stream:
        states.setdefault(told_now.job.name, []).append(told_now.job.state)
        if states.get(later.name, [0])[-1] == SUCCEEDED:
            break
    assert {other.name, ended.name}.isdisjoint(states)
    assert states[waiting.name][-1] == SUCCEEDED
    assert len(states[later.name]) < 15  # progress is coarse: far fewer than the job has events
    delete(api, later.name)
    assert next(told_now.deleted for told_now in stream if told_now.deleted) == later.name
    stream.cancel()
    assert "labels.x y" in refused(lambda: next(watch_jobs(api, labels={"x y": ""}))).message


def test_a_stream_of_jobs_without_news_beats(api: Api) -> None:
    assert Reliability().heartbeat_seconds == 5  # a client takes a server for dead after 15
    stream = watch_jobs(api, labels={"nobody": "has this"})
    begun = time.monotonic()
    assert [next(stream).HasField("heartbeat") for _ in range(2)] == [True, True]
    assert 1.5 * BEAT_S < time.monotonic() - begun < 5 * BEAT_S
    stream.cancel()


# ---- The end of a job --------------------------------------------------------------------------------------


def test_a_job_that_writes_its_result_can_be_paused_and_cancelled_too(tmp_path: Path, footage: Path) -> None:
    make_clip(footage / "large.mkv", frames=11, size=512)
    with (
        running(tmp_path / "home", footage, {"STEP_S": "0"}) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        spec = animate_spec(api)
        spec.animate.clip = api.link("large.mkv").name
        spec.animate.delivery.codec = job_pb2.DELIVERY_CODEC_EXR_SEQUENCE
        spec.animate.delivery.path.root_id, spec.animate.delivery.path.relative_path = "footage", "large"
        name = create(api, spec).name
        for wish, state in ((pause, PAUSED), (Api.cancel, CANCELLED)):
            if wish is Api.cancel:
                resume(api, name)
            events = api.watch(name, after=api.job(name).last_sequence)
            next(event for event in events if event.progress.stage == "writing the result")
            wish(api, name)
            asked = time.monotonic()
            until_state(api, name, state)
            assert time.monotonic() - asked < 2.0
            assert not (footage / "large").exists()
            assert not list(footage.glob(".understudy-*"))
            assert not list((server.home / "jobs").rglob(".*"))
