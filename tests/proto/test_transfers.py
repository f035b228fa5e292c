"""Uploads and the stream of all jobs, on a server that breaks off."""

from __future__ import annotations

import hashlib
import threading
import zlib
from pathlib import Path

import grpc
import pytest

from tests.support.waiting import PATIENCE_S
from understudy_api import transfer
from understudy_api.client import Client
from understudy_api.errors import MediaRefused, ServerAway
from understudy_api.v1 import job_pb2, media_pb2, server_pb2

State = media_pb2.ContentState
CHUNK = 1000
DATA = bytes(range(256)) * 40  # eleven chunks, the last of them short


class Store:
    """Takes *chunks* of an upload and breaks it off; what it took it keeps."""

    def __init__(self, chunks: int, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self.held = b""
        self.taken = 0  # bytes, those that came twice counted twice
        self._chunks = chunks
        self._code = code

    def check(self, content: media_pb2.ContentId) -> media_pb2.ContentState:
        assert content == media_pb2.ContentId(sha256=hashlib.sha256(DATA).hexdigest(), size_bytes=len(DATA))
        state = State.STATE_PARTIAL if self.held else State.STATE_MISSING
        return State(content=content, state=state, offset=len(self.held))

    def receive(self, parts, context) -> media_pb2.MediaAsset:
        header = next(parts).header
        assert header.offset == len(self.held)
        for number, part in enumerate(parts):
            if number == self._chunks:
                context.abort(self._code, "gone")
            assert part.chunk.offset == len(self.held)
            assert part.chunk.crc32 == zlib.crc32(part.chunk.data)
            self.held += part.chunk.data
            self.taken += len(part.chunk.data)
        return media_pb2.MediaAsset(name="media/x", display_name=header.display_name)


@pytest.fixture
def file(tmp_path: Path, scripted, monkeypatch) -> Path:
    scripted.info = server_pb2.GetServerInfoResponse(limits=server_pb2.Limits(max_chunk_bytes=CHUNK))
    monkeypatch.setattr(transfer, "PAUSE_S", 0.01)
    path = tmp_path / "plate.mov"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("chunks", [1, 3, 10])
def test_an_upload_broken_again_and_again_goes_on_and_sends_nothing_twice(
    scripted, run, file: Path, chunks: int
) -> None:
    store = Store(chunks)
    scripted.check, scripted.receive = store.check, store.receive
    with Client(run(scripted).endpoint()) as client:
        asset = client.upload(file)
    assert asset.display_name == "plate.mov"
    assert store.held == DATA
    assert store.taken == len(DATA)


def test_an_upload_that_is_refused_is_not_tried_again(scripted, run, file: Path) -> None:
    store = Store(2, grpc.StatusCode.DATA_LOSS)
    scripted.check, scripted.receive = store.check, store.receive
    with Client(run(scripted).endpoint()) as client, pytest.raises(MediaRefused):
        client.upload(file)
    assert store.taken == 2 * CHUNK


def test_an_upload_waits_while_another_client_sends_the_same(scripted, run, file: Path) -> None:
    states = [State.STATE_UPLOADING, State.STATE_UPLOADING, State.STATE_KNOWN]
    scripted.check = lambda content: State(content=content, state=states.pop(0), media="media/y")
    scripted.GetMedia = lambda request, context: media_pb2.GetMediaResponse(
        media=media_pb2.MediaAsset(name=request.name)
    )
    with Client(run(scripted).endpoint()) as client:
        assert client.upload(file).name == "media/y"
    assert states == []


def test_an_upload_gives_up_on_a_server_that_stays_away(scripted, run, file: Path) -> None:
    def away(content):
        raise ConnectionError

    scripted.check = away
    running = run(scripted)
    with Client(running.endpoint(), patience_s=0.3) as client:
        client.info()
        running.stop()
        with pytest.raises(ServerAway):
            client.upload(file)


def test_closing_the_client_ends_an_upload_that_waits(scripted, run, file: Path) -> None:
    asked = threading.Event()

    def check(content):
        asked.set()
        return State(content=content, state=State.STATE_UPLOADING)

    scripted.check = check
    client = Client(run(scripted).endpoint())
    ended: list[BaseException] = []

    def upload() -> None:
        try:
            client.upload(file)
        except ServerAway as error:
            ended.append(error)

    thread = threading.Thread(target=upload)
    thread.start()
    assert asked.wait(PATIENCE_S)
    client.close()
    thread.join(PATIENCE_S)
    assert ended


def test_a_job_that_ended_while_the_stream_was_broken_is_told_of(scripted, run) -> None:
    def change(name: str, state: job_pb2.JobState.ValueType) -> job_pb2.WatchJobsResponse:
        return job_pb2.WatchJobsResponse(job=job_pb2.JobSummary(name=name, state=state))

    running, ended = job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_SUCCEEDED
    tries, over = iter([1, 2]), threading.Event()

    def watch_all(request, context):
        if next(tries) == 1:
            yield from (change("jobs/a", running), change("jobs/b", running), change("jobs/c", running))
            context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
        yield change("jobs/b", running)
        yield job_pb2.WatchJobsResponse(heartbeat=job_pb2.Heartbeat())
        context.add_callback(over.set)
        over.wait(PATIENCE_S)

    def job(name, context):
        if name == "jobs/c":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        return job_pb2.Job(name=name, state=ended if name == "jobs/a" else running)

    scripted.watch_all, scripted.job = watch_all, job
    with Client(run(scripted).endpoint()) as client, client.watch_all() as changes:
        told = [next(changes) for _ in range(6)]
    assert [(each.job.name, each.job.state) for each in told[3:5]] == [("jobs/b", running), ("jobs/a", ended)]
    assert told[5].deleted == "jobs/c"
