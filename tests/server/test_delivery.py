"""Where results go: into writable roots, as a whole, over nothing that was not to be replaced."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.server.conftest import animate_spec
from tests.server.support.footage import FRAMES, make_clip, plane_digest
from tests.server.support.process import Api, Server, from_status, running, told
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.media.read import probe

STORED = result_pb2.SEGMENT_STATE_STORED
LEFT_ALONE = {
    "disk_check_seconds": 3600
}  # a job that waits for room is not tried again while a test looks at it


def delivering(api: Api, name: str, root: str = "footage", **delivery: Any) -> job_pb2.JobSpec:
    spec = animate_spec(api)
    path = types_pb2.RootedPath(root_id=root, relative_path=name)
    spec.animate.delivery.CopyFrom(job_pb2.Delivery(path=path, **delivery))
    return spec


def refused(api: Api, spec: job_pb2.JobSpec) -> tuple[grpc.StatusCode, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        api.create(spec)
    error = told(caught.value)
    return error.code, error.reason, error.message


@pytest.mark.parametrize(
    ("codec", "name", "video"),
    [
        (job_pb2.DELIVERY_CODEC_UNSPECIFIED, "default.mp4", "h264"),
        (job_pb2.DELIVERY_CODEC_FFV1, "lossless.mkv", "ffv1"),
        (job_pb2.DELIVERY_CODEC_PRORES_422_HQ, "intermediate.mov", "prores"),
    ],
)
def test_the_delivery_is_where_it_was_asked_for_in_the_codec_asked_for(
    api: Api, footage: Path, codec: job_pb2.DeliveryCodec.ValueType, name: str, video: str
) -> None:
    job = api.finish(api.create(delivering(api, name, codec=codec)).name)
    master, delivery, manifest = job.outputs
    assert [file.kind for file in (master, delivery, manifest)] == [
        job_pb2.OutputFile.KIND_MASTER,
        job_pb2.OutputFile.KIND_DELIVERY,
        job_pb2.OutputFile.KIND_MANIFEST,
    ]
    assert delivery.path == job.spec.animate.delivery.path
    content = (footage / name).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (delivery.size_bytes, delivery.sha256)
    info = probe(footage / name)
    assert (info.codec, info.frame_count, info.rate) == (video, FRAMES, probe(footage / "clip.mkv").rate)


def test_the_master_can_be_read_where_the_results_root_says(api: Api, server: Server) -> None:
    job = api.finish(api.create(animate_spec(api)).name)
    master = job.outputs[0]
    [root] = [root for root in api.info().roots if root.id == master.path.root_id]
    file = Path(root.path, master.path.relative_path)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == master.sha256
    assert probe(file).frame_count == FRAMES


def test_a_sequence_is_delivered_as_a_folder_of_pictures(api: Api, footage: Path) -> None:
    codec = job_pb2.DELIVERY_CODEC_PNG_SEQUENCE
    job = api.finish(api.create(delivering(api, "pictures", codec=codec)).name)
    files = sorted((footage / "pictures").glob("*.png"))
    assert len(files) == FRAMES
    assert files[0].name.startswith("pictures.")
    assert job.outputs[1].size_bytes == sum(file.stat().st_size for file in (footage / "pictures").iterdir())


def test_what_is_there_is_not_replaced_unless_that_was_allowed(api: Api, footage: Path) -> None:
    (footage / "taken.mkv").write_bytes(b"the artist's own")
    spec = delivering(api, "taken.mkv", codec=job_pb2.DELIVERY_CODEC_FFV1)
    code, reason, message = refused(api, spec)
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "OUTPUT_EXISTS")
    assert "'taken.mkv' is there already" in message
    assert (footage / "taken.mkv").read_bytes() == b"the artist's own"
    spec.animate.delivery.overwrite = True
    assert api.finish(api.create(spec).name).state == job_pb2.JOB_STATE_SUCCEEDED
    assert probe(footage / "taken.mkv").frame_count == FRAMES


def test_a_file_that_appears_while_the_job_runs_is_not_replaced_either(tmp_path: Path, footage: Path) -> None:
    with running(tmp_path / "home", footage) as server, Api(read_endpoint(server.home)) as api:
        server.fault.halt("segment 0")
        name = api.create(delivering(api, "late.mp4")).name
        (footage / "late.mp4").write_bytes(b"quicker")
        server.fault.go_on()
        job = api.finish(name)
        assert from_status(job.error).reason == "OUTPUT_EXISTS"
        assert (footage / "late.mp4").read_bytes() == b"quicker"
        assert len(list(api.frames(name))) == FRAMES  # nothing that was made is lost


@pytest.mark.parametrize("name", ["../out.mp4", "/out.mp4", "no/such/folder/out.mp4", "a\\out.mp4", ".."])
def test_a_delivery_cannot_leave_its_root(api: Api, name: str) -> None:
    assert refused(api, delivering(api, name))[1] in ("PATH_OUTSIDE_ROOT", "MEDIA_NOT_FOUND")


def test_a_delivery_does_not_follow_a_link_out_of_its_root(api: Api, footage: Path) -> None:
    outside = footage.parent / "elsewhere"
    outside.mkdir(exist_ok=True)
    (footage / "way-out").symlink_to(outside)
    (footage / "link.mp4").symlink_to(outside / "target.mp4")
    assert refused(api, delivering(api, "way-out/out.mp4"))[1] == "PATH_OUTSIDE_ROOT"
    assert refused(api, delivering(api, "link.mp4", overwrite=True))[1] == "OUTPUT_EXISTS"
    assert list(outside.iterdir()) == []


def test_a_read_only_root_takes_no_delivery(api: Api) -> None:
    code, reason, message = refused(api, delivering(api, "out.mp4", root="results"))
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PATH_OUTSIDE_ROOT")
    assert "footage" in message


def test_a_full_disk_pauses_the_job_in_words_and_keeps_its_segments(tmp_path: Path, footage: Path) -> None:
    make_clip(footage / "heavy.mkv", frames=9, size=384)
    server = Server(tmp_path / "home", footage, reliability=LEFT_ALONE)
    with small_files(server, limit_bytes=3_200_000) as api:
        spec = delivering(api, "full.mp4")
        spec.animate.clip = api.link("heavy.mkv").name
        job = until_paused(api, api.create(spec).name)
        assert (job.pause_reason, job.HasField("error")) == ("DISK_FULL", False)
        assert "disk is full" in job.warnings[-1]
        assert [segment.state for segment in api.segments(job.name)] == [STORED] * 2
        assert len(list(api.frames(job.name))) == 9
        assert not (footage / "full.mp4").exists()
        assert not (server.home / job.name / "master.mkv").exists()
        assert not list((server.home / "jobs").rglob(".*"))
        assert api.finish(api.create(animate_spec(api)).name).state == job_pb2.JOB_STATE_SUCCEEDED


@contextmanager
def small_files(server: Server, limit_bytes: int) -> Iterator[Api]:
    """Its files cannot grow larger, as if the disk were full then: segments and the state fit, the master does not."""
    limits = (limit_bytes, limit_bytes)
    try:
        with server.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)) as api:
            yield api
    finally:
        server.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def until_paused(api: Api, name: str) -> job_pb2.Job:
    paused = job_pb2.JOB_STATE_PAUSED
    next(event for event in api.watch(name) if event.state_changed.state == paused)
    return api.job(name)


def test_a_full_target_disk_leaves_nothing_there_until_there_is_room(
    tmp_path: Path, footage: Path, small_disk: Path
) -> None:
    make_clip(footage / "heavy.mkv", frames=9, size=320)
    roots = {
        "footage": {"path": str(footage), "writable": True},
        "small": {"path": str(small_disk), "writable": True},
    }
    with (
        running(tmp_path / "home", footage, roots=roots, reliability=LEFT_ALONE) as server,
        Api(read_endpoint(server.home)) as api,
    ):
        spec = delivering(api, "out.mkv", root="small", codec=job_pb2.DELIVERY_CODEC_FFV1)
        spec.animate.clip = api.link("heavy.mkv").name
        job = until_paused(api, api.create(spec).name)
        assert job.pause_reason == "DISK_FULL"
        assert list(small_disk.iterdir()) == []
        assert plane_digest(server.home / job.name / "master.mkv")
        subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
        api.call(api.jobs.ResumeJob, job_pb2.ResumeJobRequest(name=job.name))
        assert api.finish(job.name).state == job_pb2.JOB_STATE_SUCCEEDED
        assert (small_disk / "out.mkv").exists()
