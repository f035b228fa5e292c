"""The whole client against a real server with a model that paints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.support.footage import FRAMES, make_clip, make_footage
from tests.server.support.process import Server, running
from understudy_api.client import Client
from understudy_api.endpoint import read_endpoint
from understudy_api.errors import (
    AlreadyExists,
    Conflict,
    InvalidRequest,
    MediaRefused,
    NotFound,
)
from understudy_api.v1 import job_pb2, media_pb2, result_pb2

MATTE = result_pb2.LAYER_MATTE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    footage = make_footage(tmp_path_factory.mktemp("footage"))
    with running(tmp_path_factory.mktemp("client") / "home", footage) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client.connect(read_endpoint(server.home)) as client:
        yield client


def animate(client: Client, server: Server, seed: int = 0) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(
        animate=job_pb2.AnimateSpec(
            clip=client.link(server.footage / "clip.mkv").name,
            character=client.link(server.footage / "hero.png").name,
            passes=job_pb2.PassInputs(keypoints=client.link(server.footage / "points.json").name),
            sampling=job_pb2.Sampling(seed=seed),
        )
    )


@pytest.fixture(scope="module")
def takes(server: Server) -> tuple[job_pb2.Job, job_pb2.Job]:
    """Two takes of one shot, of different seeds."""
    with Client.connect(read_endpoint(server.home)) as client:
        jobs = [client.create_job(animate(client, server, seed=seed)) for seed in (1, 2)]
        first, second = (client.wait(job.name) for job in jobs)
    return first, second


# ---- Files -----------------------------------------------------------------------------------------------


def test_an_uploaded_file_is_known_from_then_on_and_sent_once(client: Client, tmp_path: Path) -> None:
    make_clip(tmp_path / "elsewhere.mkv", seed=77)
    size = (tmp_path / "elsewhere.mkv").stat().st_size
    told: list[tuple[int, int]] = []
    asset = client.upload(tmp_path / "elsewhere.mkv", progress=lambda *now: told.append(now))
    assert told[-1] == (size, size)
    assert asset.display_name == "elsewhere.mkv"
    assert asset.probe.frame_count == FRAMES
    again: list[tuple[int, int]] = []
    assert client.upload(tmp_path / "elsewhere.mkv", progress=lambda *now: again.append(now)) == asset
    assert again == []
    assert client.media(asset.name) == asset
    assert asset.name in [known.name for known in client.list_media()]
    client.delete_media(asset.name)
    with pytest.raises(NotFound):
        client.media(asset.name)


def test_a_file_is_linked_where_the_server_sees_it_and_sent_where_it_does_not(
    client: Client, server: Server, tmp_path: Path
) -> None:
    linked = client.hand_over(server.footage / "clip.mkv")
    assert linked == client.link(server.footage / "clip.mkv")
    make_clip(tmp_path / "mine.mkv", seed=78)
    sent = client.hand_over(tmp_path / "mine.mkv")
    assert sent.sha256
    spec = animate(client, server)
    spec.animate.clip = sent.name
    job = client.create_job(spec)
    assert client.wait(job.name).plan.range.end == FRAMES


def test_what_cannot_be_sent_is_refused(client: Client, server: Server, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Check the path"):
        client.upload(tmp_path / "nothing.mkv")
    with pytest.raises(InvalidRequest, match="only files can be sent"):
        client.upload(tmp_path)
    with pytest.raises(MediaRefused):
        client.upload(server.footage / "words.mov", media_pb2.MEDIA_KIND_VIDEO)


def test_a_result_is_downloaded_whole_and_goes_on_where_it_was(client: Client, takes, tmp_path: Path) -> None:
    [master] = [out for out in takes[0].outputs if out.kind == job_pb2.OutputFile.KIND_MASTER]
    fetched = client.download(master, tmp_path / "master.mkv")
    assert fetched.stat().st_size == master.size_bytes
    half = fetched.read_bytes()[: master.size_bytes // 2]
    (tmp_path / "again.mkv.part").write_bytes(half)
    told: list[tuple[int, int]] = []
    again = client.download(master, tmp_path / "again.mkv", progress=lambda *now: told.append(now))
    assert again.read_bytes() == fetched.read_bytes()
    assert told[0][0] >= len(half)
    assert told[-1] == (master.size_bytes, master.size_bytes)
    with pytest.raises(AlreadyExists, match="another name"):
        client.download(master, fetched)


def test_a_download_that_does_not_fit_what_was_begun_is_thrown_away(
    client: Client, takes, tmp_path: Path
) -> None:
    (tmp_path / "master.mkv.part").write_bytes(b"of another file")
    [master] = [out for out in takes[0].outputs if out.kind == job_pb2.OutputFile.KIND_MASTER]
    with pytest.raises(MediaRefused, match="Download it again") as caught:
        client.download(master, tmp_path / "master.mkv")
    assert caught.value.reason == "HASH_MISMATCH"
    assert list(tmp_path.iterdir()) == []
    client.download(master, tmp_path / "master.mkv")


# ---- Jobs ------------------------------------------------------------------------------------------------


def test_a_job_carries_what_it_was_handed_in_with_and_what_is_changed_later(
    client: Client, server: Server
) -> None:
    spec = animate(client, server, seed=3)
    job = client.create_job(spec, "first", priority=5, labels={"shot": "12"}, keep=job_pb2.KEEP_POLICY_ALL)
    assert (job.priority, dict(job.labels), job.keep) == (5, {"shot": "12"}, job_pb2.KEEP_POLICY_ALL)
    assert [each.name for each in client.jobs(labels={"shot": "12"})] == [job.name]
    assert job.name in [each.name for each in client.jobs(shot=job.shot)]
    changed = client.update(job.name, priority=0)
    assert (changed.priority, changed.display_name, dict(changed.labels)) == (0, "first", {"shot": "12"})
    changed = client.update(job.name, labels={}, display_name="second")
    assert (changed.display_name, dict(changed.labels)) == ("second", {})
    client.wait(job.name)


def test_a_job_is_paused_resumed_cancelled_tried_again_and_deleted(client: Client, server: Server) -> None:
    server.fault.halt("step 0 2")
    name = client.create_job(animate(client, server)).name
    client.pause(name)
    with client.watch(name) as events:
        states = (event.state_changed.state for event in events if event.HasField("state_changed"))
        assert job_pb2.JOB_STATE_PAUSED in states
    assert client.job(name).pause_reason == "ASKED"
    with pytest.raises(Conflict):
        client.delete(name)
    assert client.resume(name).state != job_pb2.JOB_STATE_PAUSED
    client.cancel(name)
    with pytest.raises(Exception, match="cancelled"):
        client.wait(name)
    server.fault.go_on()
    assert client.retry(name).state != job_pb2.JOB_STATE_CANCELLED
    assert client.wait(name).state == job_pb2.JOB_STATE_SUCCEEDED
    with pytest.raises(Conflict):
        client.resume(name)
    client.delete(name)
    with pytest.raises(NotFound):
        client.job(name)


def test_an_estimate_refuses_what_the_engine_would(client: Client, server: Server) -> None:
    with pytest.raises(InvalidRequest, match=r"points\.json has no frame"):
        client.estimate(animate(client, server))


def test_all_jobs_are_watched_to_their_ends_in_one_stream(client: Client, server: Server) -> None:
    labels = {"batch": "a"}
    server.fault.halt("segment 0")
    with client.watch_all(labels) as changes:
        spec = animate(client, server, seed=4)
        names = {client.create_job(spec, labels=labels).name for _ in range(3)}
        other = client.create_job(spec).name
        first = next(changes).job  # now the stream has begun
        server.fault.go_on()
        seen = {first.name: first.state}
        for change in changes:
            seen[change.job.name] = change.job.state
            if set(seen.values()) == {job_pb2.JOB_STATE_SUCCEEDED} and seen.keys() == names:
                break
    assert other not in seen
    client.wait(other)


def test_the_server_is_watched(client: Client) -> None:
    with client.watch_server() as states:
        first = next(states)
    assert not first.draining
    assert first.free_disk_bytes > 0


# ---- Results ---------------------------------------------------------------------------------------------


def test_one_frame_is_the_frame_of_the_stream(client: Client, takes) -> None:
    with client.frames(takes[0].name, range=(4, 5)) as frames:
        [streamed] = frames
    assert client.frame(takes[0].name, 4) == streamed


def test_a_layer_is_exported_with_progress_to_its_end(client: Client, server: Server, takes) -> None:
    told: list[float] = []
    path = client.rooted(server.footage / "matte.mkv", writable=True)
    output = client.export(
        takes[0].name, path, job_pb2.DELIVERY_CODEC_FFV1, layer=result_pb2.LAYER_RESULT, progress=told.append
    )
    assert told == sorted(told)
    assert told[-1] == 1
    assert output.kind == job_pb2.OutputFile.KIND_EXPORT
    assert (server.footage / "matte.mkv").stat().st_size == output.size_bytes
    with pytest.raises(AlreadyExists):
        client.export(takes[0].name, path, job_pb2.DELIVERY_CODEC_FFV1)


def test_the_manifest_is_json(client: Client, takes) -> None:
    assert json.loads(client.manifest(takes[0].name))


def test_takes_are_listed_compared_and_promoted(client: Client, takes) -> None:
    a, b = takes
    [shot] = client.shots(a.shot)
    assert {a.name, b.name} <= {take.name for take in shot.takes}
    assert shot.name in [each.name for each in client.shots()]
    with client.compare(a.name, a.name) as same:
        assert [(each.frame, each.identical) for each in same] == [(i, True) for i in range(FRAMES)]
    with client.compare(a.name, b.name) as different:
        assert [each.frame for each in different] == list(range(FRAMES))
    assert client.promote(b.name).promoted
    assert not client.job(a.name).promoted
