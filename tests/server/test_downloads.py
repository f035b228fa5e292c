"""Assets listed, told about, fetched and forgotten; outputs of jobs fetched, and nothing else."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import make_clip
from tests.server.support.process import Api, Server, Told, running, told
from tests.server.support.uploads import upload
from tests.support.waiting import wait_until
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, media_pb2, types_pb2

UNKNOWN = "media/" + "0" * 20


def fetch(api: Api, **asked: Any) -> tuple[media_pb2.ContentId, bytes]:
    responses = list(api.stream(api.media.DownloadMedia, media_pb2.DownloadMediaRequest(**asked)))
    assert not any(response.HasField("content") for response in responses[1:])
    return responses[0].content, b"".join(response.data for response in responses)


def refused(method: Any, request: Any, api: Api) -> Told:
    def call() -> None:
        answer = api.call(method, request)
        if isinstance(request, media_pb2.DownloadMediaRequest):
            list(answer)

    with pytest.raises(grpc.RpcError) as caught:
        call()
    return told(caught.value)


def rooted(root: str, path: str) -> types_pb2.RootedPath:
    return types_pb2.RootedPath(root_id=root, relative_path=path)


# ---- Assets ----------------------------------------------------------------------------------------------


def test_an_asset_is_told_about_by_its_name(api: Api) -> None:
    linked = api.link("clip.mkv")
    found = api.call(api.media.GetMedia, media_pb2.GetMediaRequest(name=linked.name)).media
    found.ClearField("sha256")  # once a job has used the file
    linked.ClearField("sha256")
    assert found == linked
    assert found.probe.frame_count == 11


def test_pages_hold_every_asset_once_newest_first(api: Api, footage: Path) -> None:
    names = []
    for number in range(5):
        (footage / f"points{number}.json").write_text("[]")
        names.append(api.link(f"points{number}.json").name)
    listed, token, sizes = list[str](), "", list[int]()
    while not sizes or token:
        request = media_pb2.ListMediaRequest(page_size=2, page_token=token)
        page = api.call(api.media.ListMedia, request)
        listed += [asset.name for asset in page.media]
        token = page.next_page_token
        sizes.append(len(page.media))
    assert listed[:5] == names[::-1]
    assert len(set(listed)) == len(listed)
    assert set(sizes[:-1]) == {2}


@pytest.mark.parametrize("token", ["x", "12-abc", "9" * 19 + "-" + "0" * 20, "1" * 30])
def test_a_page_token_that_was_never_given_is_refused(api: Api, token: str) -> None:
    error = refused(api.media.ListMedia, media_pb2.ListMediaRequest(page_token=token), api)
    assert (error.code, error.metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "page_token")


@pytest.mark.parametrize("call", ["GetMedia", "DeleteMedia", "DownloadMedia"])
@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        (UNKNOWN, grpc.StatusCode.NOT_FOUND, "MEDIA_NOT_FOUND"),
        ("media/../jobs", grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
def test_names_that_are_no_assets_are_refused(
    api: Api, call: str, name: str, code: grpc.StatusCode, reason: str
) -> None:
    request = {
        "GetMedia": media_pb2.GetMediaRequest(name=name),
        "DeleteMedia": media_pb2.DeleteMediaRequest(name=name),
        "DownloadMedia": media_pb2.DownloadMediaRequest(media=name),
    }[call]
    error = refused(getattr(api.media, call), request, api)
    assert (error.code, error.reason) == (code, reason)
    assert "media asset" in error.message


def test_deleting_forgets_an_asset_and_takes_an_uploads_file_but_not_a_linked_one(
    server: Server, api: Api, footage: Path
) -> None:
    make_clip(footage / "mine.mkv", seed=21)
    linked = api.link("mine.mkv")
    uploaded = upload(api, (footage / "mine.mkv").read_bytes())
    assert (server.home / uploaded.name).exists()
    for asset in (linked, uploaded):
        api.call(api.media.DeleteMedia, media_pb2.DeleteMediaRequest(name=asset.name))
        error = refused(api.media.GetMedia, media_pb2.GetMediaRequest(name=asset.name), api)
        assert error.reason == "MEDIA_NOT_FOUND"
    assert not (server.home / uploaded.name).exists()
    assert (footage / "mine.mkv").exists()


def test_media_of_a_job_that_has_not_ended_stay(tmp_path: Path, footage: Path) -> None:
    with (
        running(tmp_path / "home", footage, {"STEP_S": "600"}) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        spec = animate_spec(api)
        job = api.create(spec)
        request = media_pb2.DeleteMediaRequest(name=spec.animate.character)
        error = refused(api.media.DeleteMedia, request, api)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEDIA_IN_USE")
        assert job.name in error.message
        api.cancel(job.name)
        api.finish(job.name)
        api.call(api.media.DeleteMedia, request)


# ---- Bytes -----------------------------------------------------------------------------------------------


def test_an_asset_comes_back_byte_for_byte_from_any_offset(api: Api, footage: Path) -> None:
    make_clip(footage / "large.mkv", frames=4, seed=22, size=800)
    data = (footage / "large.mkv").read_bytes()
    name = api.link("large.mkv").name
    assert len(data) > 2 << 20  # several chunks
    for offset in (0, 1, 1 << 20, len(data) - 1, len(data)):
        content, found = fetch(api, media=name, offset=offset)
        assert found == data[offset:]
        assert (content.size_bytes, content.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    request = media_pb2.DownloadMediaRequest(media=name, offset=len(data) + 1)
    error = refused(api.media.DownloadMedia, request, api)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "offset")
    assert str(len(data)) in error.message


def test_the_hash_of_a_linked_file_is_told_once_it_is_known(api: Api, footage: Path) -> None:
    make_clip(footage / "hashed.mkv", seed=23)
    name = api.link("hashed.mkv").name
    content, _ = fetch(api, media=name)
    assert api.call(api.media.GetMedia, media_pb2.GetMediaRequest(name=name)).media.sha256 == content.sha256
    assert api.link("hashed.mkv").sha256 == content.sha256


def test_a_linked_file_has_its_hash_once_a_job_has_used_it(api: Api, footage: Path) -> None:
    make_clip(footage / "used.mkv", seed=26)
    spec = animate_spec(api)
    spec.animate.clip = api.link("used.mkv").name
    api.finish(api.create(spec).name)
    wait_until(lambda: api.link("used.mkv").sha256)  # noted down just behind the job's end
    assert api.link("used.mkv").sha256 == hashlib.sha256((footage / "used.mkv").read_bytes()).hexdigest()


def test_an_asset_that_changed_since_is_refused(api: Api, footage: Path) -> None:
    make_clip(footage / "changing.mkv", seed=24)
    name = api.link("changing.mkv").name
    make_clip(footage / "changing.mkv", seed=25)
    error = refused(api.media.DownloadMedia, media_pb2.DownloadMediaRequest(media=name), api)
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MEDIA_CHANGED")
    assert "changing.mkv has changed" in error.message.replace("'", "")


def test_a_jobs_outputs_come_whole_and_other_files_of_a_root_do_not(api: Api, footage: Path) -> None:
    spec = animate_spec(api)
    spec.animate.delivery.path.CopyFrom(rooted("footage", f"{uuid.uuid4().hex}.mov"))
    spec.animate.delivery.codec = job_pb2.DELIVERY_CODEC_PRORES_422_HQ
    job = api.finish(api.create(spec).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED
    files = [output for output in job.outputs if output.kind != output.KIND_MANIFEST]
    assert {output.kind for output in files} == {
        job_pb2.OutputFile.KIND_MASTER,
        job_pb2.OutputFile.KIND_DELIVERY,
    }
    for output in files:
        content, data = fetch(api, output=output.path)
        assert content == media_pb2.ContentId(sha256=output.sha256, size_bytes=output.size_bytes)
        assert hashlib.sha256(data).hexdigest() == output.sha256
    request = media_pb2.DownloadMediaRequest(output=rooted("footage", "clip.mkv"))
    error = refused(api.media.DownloadMedia, request, api)
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT")
    assert "clip.mkv" in error.message


def test_pictures_of_a_delivered_sequence_are_fetched_one_by_one(api: Api, footage: Path) -> None:
    spec = animate_spec(api)
    name = uuid.uuid4().hex
    spec.animate.delivery.path.CopyFrom(rooted("footage", name))
    spec.animate.delivery.codec = job_pb2.DELIVERY_CODEC_PNG_SEQUENCE
    assert api.finish(api.create(spec).name).state == job_pb2.JOB_STATE_SUCCEEDED
    pictures = sorted((footage / name).iterdir())
    assert len(pictures) == 11
    _, data = fetch(api, output=rooted("footage", f"{name}/{pictures[3].name}"))
    assert data == pictures[3].read_bytes()
    request = media_pb2.DownloadMediaRequest(output=rooted("footage", name))
    assert "not a single file" in refused(api.media.DownloadMedia, request, api).message


@pytest.mark.parametrize("root", ["results", "footage"])
@pytest.mark.parametrize("path", ["../jobs.db", "/etc/passwd", "a/../../jobs.db", "out/jobs.db"])
def test_no_path_leads_out_of_a_root(server: Server, api: Api, footage: Path, root: str, path: str) -> None:
    folder = footage if root == "footage" else server.home / "jobs"
    if not (folder / "out").is_symlink():
        (folder / "out").symlink_to(server.home)
    try:
        request = media_pb2.DownloadMediaRequest(output=rooted(root, path))
        error = refused(api.media.DownloadMedia, request, api)
    finally:
        (folder / "out").unlink()
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT")
    assert str(server.home) not in error.message


def test_a_pipe_is_neither_waited_for_nor_linked(server: Server, api: Api, footage: Path) -> None:
    os.mkfifo(footage / "endless.mov")
    os.mkfifo(server.home / "jobs" / "endless.mov")
    try:
        request = media_pb2.DownloadMediaRequest(output=rooted("results", "endless.mov"))
        assert refused(api.media.DownloadMedia, request, api).reason == "INVALID_FIELD"
        with pytest.raises(grpc.RpcError) as caught:
            api.link("endless.mov")
        assert "neither a file nor a folder" in told(caught.value).message
    finally:
        (footage / "endless.mov").unlink()
        (server.home / "jobs" / "endless.mov").unlink()


def test_a_download_names_one_source(api: Api) -> None:
    error = refused(api.media.DownloadMedia, media_pb2.DownloadMediaRequest(), api)
    assert error.reason == "INVALID_FIELD"
    assert "media or output" in error.message
