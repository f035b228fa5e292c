"""Uploads: each content once, checked by chunk and as a whole, gone on with after every break."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import make_clip, plane_digest
from tests.server.support.process import Api, Server, Told, running, told
from tests.server.support.uploads import (
    CHUNK_BYTES,
    State,
    chunk,
    content_of,
    header,
    requests,
    send,
    settled,
    state,
    stored,
    upload,
)
from tests.support.waiting import PATIENCE_S, wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, media_pb2, result_pb2
from understudy_engine.errors import DiskFull
from understudy_server.errors import UploadIncomplete
from understudy_server.manifest import read_manifest
from understudy_server.media import Prober, Uploads, uploads
from understudy_server.settings import Limits
from understudy_server.storage import DataFolder
from understudy_server.store import Database, MediaStore

SIZE = 200  # of clips: noise of a few hundred kB, some dozen chunks


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads") / "home"


@pytest.fixture(scope="module")
def server(home: Path, footage: Path) -> Iterator[Server]:
    with running(home, footage, limits={"max_upload_bytes": 4 << 20, "keep_free_bytes": 0}) as server:
        yield server


def clip_bytes(tmp_path: Path, seed: int) -> bytes:
    make_clip(tmp_path / "sent.mkv", frames=4, seed=seed, size=SIZE)
    return (tmp_path / "sent.mkv").read_bytes()


def refused(api: Api, messages: Iterator[Any] | list[Any]) -> Told:
    with pytest.raises(grpc.RpcError) as caught:
        send(api, messages)
    return told(caught.value)


# ---- Whole -----------------------------------------------------------------------------------------------


def test_an_upload_becomes_an_asset_that_was_looked_into(api: Api, home: Path, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 1)
    assert state(api, data).state == State.STATE_MISSING
    asset = upload(api, data, display_name="Shot 10 – plate.mkv")
    assert (asset.kind, asset.display_name) == (media_pb2.MEDIA_KIND_VIDEO, "Shot 10 – plate.mkv")
    assert (asset.sha256, asset.size_bytes) == (content_of(data).sha256, len(data))
    assert asset.probe.frame_count == 4
    known = state(api, data)
    assert (known.state, known.media, known.offset) == (State.STATE_KNOWN, asset.name, len(data))
    file = home / asset.name
    assert file.read_bytes() == data
    assert file.name.isalnum()
    assert plane_digest(file) == plane_digest(tmp_path / "sent.mkv")


def test_the_same_content_is_stored_once_and_sent_once(api: Api, home: Path, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 2)
    first = upload(api, data, display_name="a.mkv")
    before = stored(home)
    assert send(api, [header(data, display_name="b.mkv")]) == first
    assert stored(home) == before


def test_a_linked_file_whose_content_is_known_need_not_be_uploaded(
    api: Api, footage: Path, tmp_path: Path
) -> None:
    make_clip(footage / "linked.mkv", frames=4, seed=3, size=SIZE)
    data = (footage / "linked.mkv").read_bytes()
    linked = api.link("linked.mkv")
    assert state(api, data).state == State.STATE_MISSING
    request = media_pb2.DownloadMediaRequest(media=linked.name)
    assert next(iter(api.stream(api.media.DownloadMedia, request))).content == content_of(data)
    assert state(api, data).media == linked.name
    assert api.call(api.media.GetMedia, media_pb2.GetMediaRequest(name=linked.name)).media.sha256
    os.utime(footage / "linked.mkv", ns=(1, 1))
    assert state(api, data).state == State.STATE_MISSING


@pytest.mark.parametrize(("name", "kind"), [("hero.png", "IMAGE"), ("points.json", "KEYPOINTS")])
def test_a_picture_and_keypoints_are_told_by_their_content(
    api: Api, footage: Path, name: str, kind: str
) -> None:
    asset = upload(api, (footage / name).read_bytes(), display_name="no suffix")
    assert asset.kind == media_pb2.MediaKind.Value(f"MEDIA_KIND_{kind}")


def test_a_job_renders_uploaded_media_and_calls_it_as_its_client_does(api: Api, footage: Path) -> None:
    spec = animate_spec(api)
    names = "shot 12 \u2013 plate.mkv", "../../etc/hero.png"
    spec.animate.clip = upload(api, (footage / "clip.mkv").read_bytes(), display_name=names[0]).name
    hero = (footage / "hero.png").read_bytes() + b"not sent before"
    spec.animate.character = upload(api, hero, display_name=names[1]).name
    job = api.finish(api.create(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    made = api.call(api.results.GetManifest, result_pb2.GetManifestRequest(job=job.name)).json
    assert [one.name for one in read_manifest(made, "").inputs] == [*names, "points.json"]
    linked = api.finish(api.create(animate_spec(api)).name)
    assert [output.sha256 for output in job.outputs if output.kind == output.KIND_MASTER] == [
        output.sha256 for output in linked.outputs if output.kind == output.KIND_MASTER
    ]


# ---- Broken ----------------------------------------------------------------------------------------------


def test_an_upload_broken_at_every_chunk_sends_each_byte_once(api: Api, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 4)
    offset = 0
    while offset + CHUNK_BYTES < len(data):
        error = refused(api, [header(data, offset), chunk(data, offset)])
        offset += CHUNK_BYTES
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "UPLOAD_INCOMPLETE")
        assert str(offset) in error.message
        assert error.metadata["offset"] == str(offset)
        held = state(api, data)
        assert (held.state, held.offset) == (State.STATE_PARTIAL, offset)
    assert upload(api, data, offset).sha256 == content_of(data).sha256


def test_a_client_that_vanishes_leaves_what_arrived(server: Server, api: Api, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 5)
    gate = threading.Event()

    def half() -> Iterator[Any]:
        yield from requests(data, end=2 * CHUNK_BYTES)
        gate.wait(PATIENCE_S)

    with Api(read_endpoint(server.home)) as other:
        call = other.media.UploadMedia.future(half(), metadata=other.metadata)
        wait_until(lambda: state(api, data).offset == 2 * CHUNK_BYTES)
        assert state(api, data).state == State.STATE_UPLOADING
        error = refused(api, requests(data))
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "UPLOAD_UNDER_WAY")
        call.cancel()
        gate.set()
    held = settled(api, data)
    assert (held.state, held.offset) == (State.STATE_PARTIAL, 2 * CHUNK_BYTES)
    assert upload(api, data, held.offset).size_bytes == len(data)


def test_a_killed_server_goes_on_where_the_upload_broke(tmp_path: Path, footage: Path) -> None:
    data = clip_bytes(tmp_path, 6)
    with running(tmp_path / "home", footage) as server:
        with Api(read_endpoint(server.home)) as api:
            refused(api, requests(data, end=3 * CHUNK_BYTES))
        server.kill()
        with server.start() as api:
            held = state(api, data)
            assert (held.state, held.offset) == (State.STATE_PARTIAL, 3 * CHUNK_BYTES)
            assert upload(api, data, held.offset).size_bytes == len(data)


def test_beginning_anew_is_allowed_and_going_on_too_far_is_not(api: Api, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 7)
    refused(api, requests(data, end=2 * CHUNK_BYTES))
    error = refused(api, requests(data, 3 * CHUNK_BYTES))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert error.metadata["offset"] == str(2 * CHUNK_BYTES)
    assert upload(api, data).size_bytes == len(data)


def test_a_chunk_damaged_on_its_way_costs_only_itself(api: Api, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 8)
    damaged = chunk(data, CHUNK_BYTES)
    damaged.chunk.crc32 ^= 1
    error = refused(api, [header(data), chunk(data, 0), damaged])
    assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "HASH_MISMATCH")
    assert str(CHUNK_BYTES) in error.message
    assert state(api, data).offset == CHUNK_BYTES


def test_a_file_that_is_not_what_was_announced_is_thrown_away(api: Api, home: Path, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 9)
    other = bytes([data[0] ^ 1]) + data[1:]
    before = stored(home)
    messages = [header(data), *(chunk(other, start) for start in range(0, len(data), CHUNK_BYTES))]
    error = refused(api, messages)
    assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "HASH_MISMATCH")
    assert state(api, data).state == State.STATE_MISSING
    assert stored(home) == before


def test_a_full_disk_is_said_and_what_arrived_stays(server: Server, api: Api, tmp_path: Path) -> None:
    data = clip_bytes(tmp_path, 10)
    assert server.process is not None
    api.info()
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (5 * CHUNK_BYTES // 2, limits[1]))
    try:
        error = refused(api, requests(data))
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "DISK_FULL")
    held = settled(api, data)
    assert (held.state, held.offset) == (State.STATE_PARTIAL, 5 * CHUNK_BYTES // 2)
    assert upload(api, data, held.offset).size_bytes == len(data)


# ---- Refused ---------------------------------------------------------------------------------------------


def test_what_is_no_media_is_refused_by_the_name_it_was_sent_with(api: Api, home: Path) -> None:
    data = b"This is not a movie. " * 99
    before = stored(home)
    error = refused(api, requests(data, display_name="holiday.mov"))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_MEDIA")
    assert "holiday.mov" in error.message
    assert (state(api, data).state, stored(home)) == (State.STATE_MISSING, before)


def test_a_file_of_another_kind_is_refused_when_it_arrives_and_when_it_is_known(
    api: Api, tmp_path: Path
) -> None:
    data = clip_bytes(tmp_path, 11)
    image: dict[str, Any] = {"kind": media_pb2.MEDIA_KIND_IMAGE, "display_name": "hero.png"}
    first = refused(api, requests(data, **image))
    upload(api, data)
    second = refused(api, requests(data, **image))
    assert first.reason == second.reason == "UNSUPPORTED_MEDIA"
    assert first.message == second.message


def test_too_large_a_file_is_refused_before_a_byte_of_it(api: Api) -> None:
    huge = header(b"")
    huge.header.content.size_bytes = (4 << 20) + 1
    error = refused(api, [huge])
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MEDIA_TOO_LARGE")
    assert str(4 << 20) in error.message


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], "header"),
        ([chunk(b"abc", 0)], "header"),
        ([media_pb2.UploadMediaRequest(header=media_pb2.UploadHeader())], "content"),
        ([header(b"")], "content.size_bytes"),
        ([header(b"abc", offset=4)], "offset"),
        ([header(b"abc", offset=-1)], "offset"),
        ([header(b"abc", display_name="a\u202eb")], "display_name"),
        ([header(b"abc", display_name="a" * 201)], "display_name"),
        ([header(b"abc", kind=99)], "kind"),
        ([header(b"abc"), header(b"abc")], "chunk"),
        ([header(b"abc"), chunk(b"xabc", 1)], "chunk.offset"),
        ([header(b"abc"), chunk(b"abcd", 0)], "chunk.data"),
        ([header(b"abc"), chunk(b"", 0)], "chunk.data"),
    ],
)
def test_an_upload_that_breaks_the_rules_is_refused_by_the_field(
    api: Api, messages: list[Any], field: str
) -> None:
    error = refused(api, messages)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert error.metadata["field"] == field
    assert field.rpartition(".")[2] in error.message


def test_an_upload_without_the_token_is_refused(api: Api) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        api.media.UploadMedia(iter([header(b"abc")]), timeout=30)
    assert told(caught.value).reason == "TOKEN_MISSING"


def test_at_most_256_contents_are_asked_for_at_once_and_hashes_must_be_hashes(api: Api) -> None:
    one = content_of(b"abc")
    states = api.call(api.media.CheckMedia, media_pb2.CheckMediaRequest(contents=[one] * 256)).states
    assert [found.content for found in states] == [one] * 256
    upper = media_pb2.ContentId(sha256=one.sha256.upper(), size_bytes=3)
    for contents in ([one] * 257, [upper]):
        with pytest.raises(grpc.RpcError) as caught:
            api.call(api.media.CheckMedia, media_pb2.CheckMediaRequest(contents=contents))
        assert told(caught.value).reason == "INVALID_FIELD"


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "own")
    folder.make()
    return folder


async def receive(data: DataFolder, limits: Limits, first: Any) -> None:
    """An upload that sends *first*, and then nothing."""

    async def hanging() -> AsyncIterator[Any]:
        for message in first:
            yield message
        await asyncio.Event().wait()

    database = Database(data.database)
    try:
        await Uploads(data, MediaStore(database), Prober(limits), limits).receive(hanging())
    finally:
        database.close()


def test_a_client_that_hangs_holds_nobody_up_for_ever(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "CHUNK_PATIENCE_S", 0.05)
    half = [header(b"abcdef"), chunk(b"abcdef", 0, 3)]
    with pytest.raises(UploadIncomplete, match="byte 3 of 6"):
        asyncio.run(receive(data, Limits(keep_free_bytes=0), half))
    [part] = data.uploads.iterdir()
    assert part.read_bytes() == b"abc"


def test_an_upload_that_would_take_the_room_of_results_is_refused_before_a_byte(data: DataFolder) -> None:
    with pytest.raises(DiskFull, match="disk is full"):
        asyncio.run(receive(data, Limits(keep_free_bytes=1 << 60), [header(b"abcdef")]))
    assert list(data.uploads.iterdir()) == []


def test_a_whole_file_outlives_whatever_breaks_before_it_is_an_asset(
    data: DataFolder, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (footage / "hero.png").read_bytes()
    limits = Limits(keep_free_bytes=0)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/nowhere/python")  # no process can be started
        with pytest.raises(FileNotFoundError):
            asyncio.run(receive(data, limits, [header(whole), chunk(whole, 0)]))
    [part] = data.uploads.iterdir()
    assert part.read_bytes() == whole
    assert list(data.media.iterdir()) == []
    asyncio.run(receive(data, limits, [header(whole, offset=len(whole))]))
    assert list(data.uploads.iterdir()) == []
    assert [(file.suffix, file.read_bytes()) for file in data.media.iterdir()] == [(".png", whole)]


# ---- Cleaning up -----------------------------------------------------------------------------------------


def test_parts_go_after_a_day_and_uploads_that_no_job_names_after_fourteen(
    tmp_path: Path, footage: Path
) -> None:
    half, whole = b"x" * 99_999, (footage / "clip.mkv").read_bytes()
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        refused(api, requests(half, end=CHUNK_BYTES))
        unused = upload(api, whole)
        used = upload(api, (footage / "hero.png").read_bytes())
        spec = animate_spec(api)
        spec.animate.character = used.name
        api.finish(api.create(spec).name)
        assert server.stop() == 0
    data = DataFolder(server.home)
    (data.media / "stray").touch()
    assert asyncio.run(clean(data, 3000)) == (0, 0, {unused.name, used.name})
    assert (data.media / "stray").exists()
    assert asyncio.run(clean(data, 25 * 3600)) == (1, 0, {unused.name, used.name})
    assert list(data.uploads.iterdir()) == []
    assert not (data.media / "stray").exists()
    assert asyncio.run(clean(data, 15 * 24 * 3600)) == (0, 1, {used.name})
    assert [f"media/{file.stem}" for file in data.media.iterdir()] == [used.name]


async def clean(data: DataFolder, later_s: float) -> tuple[int, int, set[str]]:
    """What a cleaning up *later_s* from now removes, and the uploads that are left."""
    database = Database(data.database)
    try:
        store = MediaStore(database)
        cleaned = await Uploads(data, store, Prober(Limits()), Limits()).clean(time.time() + later_s)
        left = {f"media/{path.stem}" for path in await store.uploaded()}
        return cleaned.parts, cleaned.uploads, left
    finally:
        database.close()
