"""What the client of API v1.0 (the first slice) promised, tried on a server of today.

    python -W error journey.py DATA_FOLDER SHOT

SHOT holds plate.mkv, matte.mkv, points.json, hero.png and words.mov, which is no movie. Never changed again: what this
asks for is what a plugin of that age asks for.
"""

from __future__ import annotations

import dataclasses
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from first_slice.client import Client
from first_slice.endpoint import read_endpoint
from first_slice.errors import (
    AlreadyExists,
    InvalidRequest,
    JobCancelled,
    MediaRefused,
    NotFound,
    PathRefused,
    TokenRefused,
    UnderstudyError,
)
from first_slice.v1 import job_pb2, result_pb2

FRAMES = 20
SUCCEEDED, CANCELLED = job_pb2.JOB_STATE_SUCCEEDED, job_pb2.JOB_STATE_CANCELLED


def main(data_folder: Path, shot: Path) -> None:
    with Client.connect(read_endpoint(data_folder)) as client:
        the_server_tells_what_it_can(client)
        spec = links_give_a_spec(client, shot)
        job = a_job_is_made_once(client, spec)
        its_events_have_no_gaps(client, job.name)
        its_frames_come_whole(client, job.name)
        it_is_found_again(client, job.name, shot)
        a_cancelled_job_says_so(client, spec)
        refusals_have_their_kinds(client, spec, shot)


def the_server_tells_what_it_can(client: Any) -> None:
    info = client.info()
    assert {"animate", "replace", "link_media", "watch_job", "stream_frames"} <= set(info.features)
    assert info.limits.max_chunk_bytes > 0
    assert info.free_disk_bytes > 0
    assert [model.name for model in client.models() if model.is_default] == ["nano"]


def links_give_a_spec(client: Any, shot: Path) -> Any:
    clip, again = client.link(shot / "plate.mkv"), client.link(shot / "plate.mkv")
    assert clip.name == again.name
    assert clip.probe.frame_count == FRAMES
    assert (clip.probe.rate.num, clip.probe.rate.den) == (24000, 1001)
    work = job_pb2.ReplaceSpec(clip=clip.name, character=client.link(shot / "hero.png").name)
    work.passes.keypoints = client.link(shot / "points.json").name
    work.passes.matte = client.link(shot / "matte.mkv").name
    work.sampling.steps, work.sampling.seed, work.sampling.work_area_px = 2, 3, 4096
    return job_pb2.JobSpec(replace=work)


def a_job_is_made_once(client: Any, spec: Any) -> Any:
    request_id = str(uuid.uuid4())
    job = client.create_job(spec, "an old plugin's job", request_id)
    assert client.create_job(spec, "an old plugin's job", request_id).name == job.name
    refused(AlreadyExists, "REQUEST_ID_REUSED", lambda: client.create_job(spec, "another", request_id))
    return job


def its_events_have_no_gaps(client: Any, name: str) -> None:
    events = list(client.watch(name, previews=True))
    kept = [event for event in events if event.sequence]
    assert [event.sequence for event in kept] == list(range(1, len(kept) + 1))
    assert kept[0].state_changed.state == job_pb2.JOB_STATE_QUEUED
    assert kept[-1].state_changed.state == SUCCEEDED, kept[-1]
    stored = [event.segment_stored.index for event in kept if event.HasField("segment_stored")]
    assert stored == list(range(len(stored))) != []
    fractions = [event.progress.fraction for event in kept if event.HasField("progress")]
    assert fractions == sorted(fractions)
    assert [event.sequence for event in client.watch(name, after_sequence=3)] == list(range(4, len(kept) + 1))


def its_frames_come_whole(client: Any, name: str) -> None:
    raw = list(client.frames(name, encoding=result_pb2.FRAME_ENCODING_RAW))
    assert [frame.index for frame in raw] == list(range(FRAMES))
    assert all(len(frame.data) == frame.header.size_bytes for frame in raw)
    some = list(client.frames(name, layer=result_pb2.LAYER_MATTE, range=(3, 7)))
    assert [frame.index for frame in some] == [3, 4, 5, 6]
    assert all(frame.data.startswith(b"\x89PNG") for frame in some)
    segments = client.segments(name)
    assert all(segment.state == result_pb2.SEGMENT_STATE_STORED for segment in segments)
    assert segments[-1].frames.end == FRAMES


def it_is_found_again(client: Any, name: str, shot: Path) -> None:
    job = client.wait(name)
    assert job.state == SUCCEEDED
    assert job.plan.seed == 3
    assert (job.progress.frames_done, job.progress.fraction) == (FRAMES, 1.0)
    assert name in [one.name for one in client.jobs([SUCCEEDED])]
    [master] = [file for file in job.outputs if file.kind == job_pb2.OutputFile.KIND_MASTER]
    path = client.local_path(master.path)
    assert path is not None
    assert path.stat().st_size == master.size_bytes


def a_cancelled_job_says_so(client: Any, spec: Any) -> None:
    spec.replace.sampling.steps = 100
    name = client.create_job(spec).name
    client.cancel(name)
    refused(JobCancelled, "", lambda: client.wait(name))
    assert client.cancel(name).state == CANCELLED


def refusals_have_their_kinds(client: Any, spec: Any, shot: Path) -> None:
    refused(NotFound, "JOB_NOT_FOUND", lambda: client.job("jobs/" + "0" * 20))
    refused(NotFound, "MEDIA_NOT_FOUND", lambda: client.link(shot / "nowhere.mov"))
    refused(PathRefused, "", lambda: client.link(Path(sys.executable)))
    refused(MediaRefused, "", lambda: client.link(shot / "words.mov"))
    spec.replace.sampling.steps = 101
    refused(InvalidRequest, "INVALID_FIELD", lambda: client.create_job(spec))
    endpoint = client.endpoint
    stranger = dataclasses.replace(endpoint, token="wrong")
    refused(TokenRefused, "TOKEN_BAD", lambda: Client.connect(stranger))


def refused(kind: type[UnderstudyError], reason: str, call: Callable[[], object]) -> None:
    """*reason* may be empty: then any will do."""
    try:
        call()
    except kind as error:
        assert not reason or error.reason == reason, (reason, error.reason)
        assert " " in str(error), f"no words: {error}"
    else:
        raise AssertionError(f"not refused with {kind.__name__}: {reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
