"""Jobs through a real server: created once, listed, watched from anywhere, cancelled, told when they cannot be."""

from __future__ import annotations

import uuid
from pathlib import Path

import grpc
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import make_clip
from tests.server.support.process import Api, Server, from_status, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, types_pb2

FRAMES = [(0, 5), (5, 9), (9, 11)]


def refused(api: Api, spec: job_pb2.JobSpec, **more: str) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        api.create(spec, **more)
    error = told(caught.value)
    return error.code, error.reason, error.message


def test_a_job_runs_from_queued_to_succeeded_and_says_so_in_order(api: Api, animate: job_pb2.JobSpec) -> None:
    job = api.create(animate, display_name="héro, plan 12")
    assert (job.state, job.display_name, job.spec) == (job_pb2.JOB_STATE_QUEUED, "héro, plan 12", animate)
    events = list(api.watch(job.name))
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert {event.job for event in events} == {job.name}
    states = [event.state_changed.state for event in events if event.HasField("state_changed")]
    assert [job_pb2.JobState.Name(state).removeprefix("JOB_STATE_") for state in states] == [
        "QUEUED",
        "PREPARING",
        "RUNNING",
        "SUCCEEDED",
    ]
    stored = [event.segment_stored.frames for event in events if event.HasField("segment_stored")]
    assert [(frames.start, frames.end) for frames in stored] == FRAMES
    fractions = [event.progress.fraction for event in events if event.HasField("progress")]
    assert fractions == sorted(fractions)
    done = api.job(job.name)
    assert (done.state, done.attempt, done.last_sequence) == (job_pb2.JOB_STATE_SUCCEEDED, 1, len(events))
    assert list(done.warnings) == ["The paint is wet."]
    assert (done.progress.fraction, done.progress.frames_done) == (1, 11)
    assert done.plan.rate == types_pb2.Rational(num=24000, den=1001)


def test_a_watch_can_begin_anywhere_and_gets_the_rest_once(api: Api, animate: job_pb2.JobSpec) -> None:
    name = api.create(animate).name
    everything = list(api.watch(name))
    for after in (0, 1, 7, len(everything) - 1):
        assert list(api.watch(name, after=after)) == everything[after:]
    assert list(api.watch(name, after=len(everything) + 5)) == []


def test_previews_are_sent_to_those_who_ask_and_never_kept(api: Api, animate: job_pb2.JobSpec) -> None:
    name = api.create(animate).name
    previews = [event for event in api.watch(name, previews=True) if event.HasField("preview")]
    assert previews
    assert {event.sequence for event in previews} == {0}
    assert all(event.preview.jpeg.startswith(b"\xff\xd8") for event in previews)
    assert not any(event.HasField("preview") for event in api.watch(name, previews=True))


def test_a_client_that_leaves_does_not_stop_its_job(
    api: Api, server: Server, animate: job_pb2.JobSpec
) -> None:
    with Api(read_endpoint(server.home)) as leaving:
        name = leaving.create(animate).name
        next(leaving.watch(name))
    assert api.finish(name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_the_same_request_makes_one_job_and_another_under_its_id_is_refused(
    api: Api, animate: job_pb2.JobSpec
) -> None:
    request_id = str(uuid.uuid4())
    first = api.create(animate, request_id=request_id)
    assert api.create(animate, request_id=request_id.upper()).name == first.name
    code, reason, message = refused(api, animate, request_id=request_id, display_name="other")
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert first.name in message
    done = api.finish(first.name)
    assert api.create(animate, request_id=request_id) == done


def test_a_repeated_request_is_answered_even_if_its_result_is_there_already(
    api: Api, animate: job_pb2.JobSpec
) -> None:
    animate.animate.delivery.path.CopyFrom(types_pb2.RootedPath(root_id="footage", relative_path="again.mp4"))
    request_id = str(uuid.uuid4())
    name = api.create(animate, request_id=request_id).name
    api.finish(name)
    assert api.create(animate, request_id=request_id).name == name


def test_jobs_are_listed_newest_first_by_pages_and_by_state(api: Api, animate: job_pb2.JobSpec) -> None:
    names = [api.create(animate).name for _ in range(3)]
    for name in names:
        api.finish(name)
    seen: list[str] = []
    token = ""
    while True:
        page = api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest(page_size=2, page_token=token))
        seen += [job.name for job in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert seen[:3] == names[::-1]
    assert len(seen) == len(set(seen))
    failed = job_pb2.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED])
    assert list(api.call(api.jobs.ListJobs, failed).jobs) == []


@pytest.mark.parametrize(
    ("seed", "reason", "words"),
    [
        (13, "ENGINE_NAN", "Try another seed."),
        (14, "MATTE_EMPTY", "Paint the person white."),
        (15, "INTERNAL", "did not expect"),
    ],
)
def test_a_job_that_fails_says_why_and_the_queue_goes_on(
    api: Api, seed: int, reason: str, words: str
) -> None:
    job = api.finish(api.create(animate_spec(api, seed=seed)).name)
    assert job.state == job_pb2.JOB_STATE_FAILED
    error = from_status(job.error)
    assert error.reason == reason
    assert words in error.message
    assert "secret" not in error.message
    last = list(api.watch(job.name))[-1]
    assert last.state_changed.error == job.error
    assert api.finish(api.create(animate_spec(api)).name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_a_spec_out_of_its_ranges_is_refused_by_the_fields_name(api: Api, animate: job_pb2.JobSpec) -> None:
    work = animate.animate
    work.sampling.steps = 101
    code, reason, message = refused(api, animate)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert message.startswith("spec.animate.sampling.steps is 101; it must be less than or equal to 100")
    work.sampling.steps = 3
    work.sampling.solver = 99  # type: ignore[assignment]  # an enum value of a newer API
    assert "solver has the unknown value 99" in refused(api, animate)[2]
    work.sampling.ClearField("solver")
    work.sampling.guidance_frames = 3
    assert "must be 1 or 5" in refused(api, animate)[2]
    work.sampling.guidance_frames = 1
    work.range.start, work.range.end = 6, 6
    assert "is empty: start 6, end 6" in refused(api, animate)[2]


@pytest.mark.parametrize("name", ["evil\u202etxt.exe", "bell\a", "x" * 201])
def test_a_name_that_could_deceive_a_reader_is_refused(api: Api, animate: job_pb2.JobSpec, name: str) -> None:
    assert refused(api, animate, display_name=name)[1] == "INVALID_FIELD"


def test_a_spec_that_the_media_cannot_fulfil_is_refused_before_it_waits(
    api: Api, animate: job_pb2.JobSpec
) -> None:
    work = animate.animate
    clip = work.clip
    work.range.start, work.range.end = 0, 12
    code, reason, message = refused(api, animate)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FRAME_RANGE_OUTSIDE")
    assert "'clip.mkv' has frames 0 to 10" in message
    work.ClearField("range")
    work.character = clip
    assert refused(api, animate)[2] == "The character must be a picture; 'clip.mkv' is a movie."
    work.character = "media/" + "0" * 20
    assert refused(api, animate)[:2] == (grpc.StatusCode.NOT_FOUND, "MEDIA_NOT_FOUND")
    work.character = "../../etc/passwd"
    assert refused(api, animate)[1] == "INVALID_FIELD"


def test_a_model_that_is_not_here_is_refused_with_the_one_that_is(api: Api, animate: job_pb2.JobSpec) -> None:
    animate.animate.model = "wan2.2-animate-14b"
    code, reason, message = refused(api, animate)
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_INSTALLED")
    assert "Choose 'nano'" in message


@pytest.mark.parametrize(
    "name", ["", "jobs/", "jobs/../../etc", "jobs/" + "0" * 19 + "G", "media/" + "0" * 20]
)
def test_a_name_that_is_no_jobs_name_is_refused_everywhere(api: Api, name: str) -> None:
    for call in (
        api.job,
        api.cancel,
        api.segments,
        lambda n: next(api.watch(n)),
        lambda n: next(api.frames(n)),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(name)
        assert told(caught.value).reason == "INVALID_FIELD"


def test_an_unknown_job_is_not_found(api: Api) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.job("jobs/" + "0" * 20)
    assert told(caught.value).reason == "JOB_NOT_FOUND"


def test_a_running_job_is_cancelled_in_the_middle_of_a_step_and_keeps_its_segments(
    tmp_path: Path, footage: Path
) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("step 1 2")
        spec = animate_spec(api)
        spec.animate.delivery.path.CopyFrom(
            types_pb2.RootedPath(root_id="footage", relative_path="never.mp4")
        )
        running_job, waiting_job = api.create(spec), api.create(animate_spec(api))
        events = api.watch(running_job.name)
        while not (progress := next(events).progress).step or not progress.segments_done:
            pass
        assert api.cancel(running_job.name).state == job_pb2.JOB_STATE_CANCELLING
        assert list(events)[-1].state_changed.state == job_pb2.JOB_STATE_CANCELLED
        server.fault.go_on()  # what was cancelled never came to the step's end
        assert api.segments(running_job.name)[0].state == result_pb2.SEGMENT_STATE_STORED
        assert not (footage / "never.mp4").exists()
        assert not list((server.home / "jobs").rglob(".*"))
        assert api.cancel(running_job.name).state == job_pb2.JOB_STATE_CANCELLED  # again: nothing changes
        assert api.finish(waiting_job.name).state == job_pb2.JOB_STATE_SUCCEEDED


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("segment 0")
        first, second = api.create(animate_spec(api)), api.create(animate_spec(api))
        assert api.cancel(second.name).state == job_pb2.JOB_STATE_CANCELLED
        server.fault.go_on()
        assert api.finish(first.name).state == job_pb2.JOB_STATE_SUCCEEDED
        assert api.job(second.name).attempt == 0


def test_media_that_changed_since_they_were_linked_stop_the_job(api: Api, footage: Path) -> None:
    make_clip(footage / "changing.mkv", seed=1)
    spec = animate_spec(api)
    spec.animate.clip = api.link("changing.mkv").name
    make_clip(footage / "changing.mkv", seed=2)
    job = api.finish(api.create(spec).name)
    error = from_status(job.error)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEDIA_CHANGED")
    assert "'changing.mkv' has changed since it was linked" in error.message
    assert job.attempt == 1
