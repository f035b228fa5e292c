"""Strangers' packets are decoded in short-lived processes with limits, never in the engine's or the API's."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import pytest

from tests.engine.media.clips import counting_sound
from tests.engine.media.clips import make_clip as numbered_clip
from tests.server.conftest import animate_spec
from tests.server.support import paint
from tests.server.support.fault import Reached
from tests.server.support.process import Api, Server, from_status
from tests.support.waiting import wait_until
from understudy_api.v1 import job_pb2, result_pb2, types_pb2
from understudy_engine.media.deliver import DeliveryCodec, deliver
from understudy_engine.media.isolated import isolated
from understudy_engine.media.read import probe
from understudy_engine.media.rgb import read_picture
from understudy_server.engine_process.messages import Assignment, Finished
from understudy_server.engine_process.render import render
from understudy_server.storage import JobFolder

PRORES = job_pb2.DELIVERY_CODEC_PRORES_422_HQ
FRAMES = 11
only_linux = pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")


@pytest.fixture(scope="module")
def noisy(footage: Path) -> Path:
    """A clip whose sound ProRes' container does not take: the delivery has to decode it."""
    sound = counting_sound(22_000)
    return numbered_clip(footage / "noisy.mkv", FRAMES, codec="ffv1", sound=sound, sound_codec="flac")


class Engine(paint.PaintEngine):
    """The paint engine with decoders of its own, as the real one has."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(Reached())
        opener = isolated()
        monkeypatch.setattr(paint, "open_clip", opener)
        monkeypatch.setattr(paint, "probe", lambda path: probe(path, opener))
        monkeypatch.setattr(paint, "read_picture", lambda path: read_picture(path, opener))


@pytest.fixture
def opened_here(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every file that this process opens to decode it, and how many sound tracks it has."""
    seen: list[tuple[str, int]] = []
    real: Callable[..., Any] = av.open

    def noted(file: Any, mode: str = "r", **options: Any) -> Any:
        container = real(file, mode, **options)
        if mode == "r":
            seen.append((Path(file.read.__self__.name).name, len(container.streams.audio)))
        return container

    monkeypatch.setattr(av, "open", noted)
    return seen


def test_the_engine_process_opens_nothing_of_a_stranger_from_plan_to_delivery(
    tmp_path: Path,
    footage: Path,
    noisy: Path,
    opened_here: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = job_pb2.JobSpec(animate=job_pb2.AnimateSpec(clip="media/clip", character="media/hero"))
    spec.animate.delivery.codec = PRORES
    assignment = Assignment(
        job="jobs/1",
        attempt=1,
        spec=spec.SerializeToString(),
        files={"media/clip": str(noisy), "media/hero": str(footage / "hero.png")},
        shown_as={"media/clip": "noisy.mkv", "media/hero": "hero.png"},
        delivery=str(tmp_path / "out.mov"),
    )
    folder = JobFolder(tmp_path / "jobs" / "1")
    folder.path.mkdir(parents=True)
    messages = list(render(Engine(monkeypatch), assignment, folder, lambda: None))
    assert isinstance(messages[-1], Finished)
    assert opened_here == []
    assert len(probe(tmp_path / "out.mov").audio_streams) == 1
    deliver(folder.master, tmp_path / "here.mov", DeliveryCodec.PRORES_422_HQ)
    assert ("master.mkv", 1) in opened_here  # so that it would have been seen


def delivering(api: Api, name: str, clip: str) -> job_pb2.JobSpec:
    spec = animate_spec(api)
    spec.animate.clip = api.link(clip).name
    spec.animate.delivery.path.CopyFrom(types_pb2.RootedPath(root_id="footage", relative_path=name))
    spec.animate.delivery.codec = PRORES
    return spec


def children_of(pid: int, module: str) -> Iterator[int]:
    """Those of them that run *module*."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if f"{module}\0".encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                yield int(child)
        except OSError:  # it has ended
            continue


@only_linux
def test_a_delivery_whose_process_dies_fails_in_words_and_the_engine_lives_on(
    api: Api, server: Server, footage: Path, noisy: Path
) -> None:
    engine = server.engine_pid()
    server.fault.wish("within deliver_isolated", "writer")
    job = api.finish(api.create(delivering(api, "killed.mov", noisy.name)).name)
    error = from_status(job.error)
    assert (job.state, error.reason) == (job_pb2.JOB_STATE_FAILED, "CORRUPT_MEDIA")
    assert error.message.startswith("killed.mov could not be written: ")
    assert not list(footage.glob("*killed*"))
    assert server.engine_pid() == engine
    retried = api.call(api.jobs.RetryJob, job_pb2.RetryJobRequest(name=job.name)).job
    assert api.finish(retried.name).state == job_pb2.JOB_STATE_SUCCEEDED
    assert probe(footage / "killed.mov").frame_count == FRAMES


@only_linux
def test_a_delivery_that_stands_still_ends_with_its_job(
    api: Api, server: Server, footage: Path, noisy: Path
) -> None:
    server.fault.wish("within deliver_isolated", "writer", blow=signal.SIGSTOP)
    name = api.create(delivering(api, "cancelled.mov", noisy.name)).name
    wait_until(lambda: server.fault.deaths)
    [writer] = children_of(server.engine_pid(), "understudy_engine.media.deliver_child")
    api.cancel(name)
    assert api.finish(name).state == job_pb2.JOB_STATE_CANCELLED
    assert not Path(f"/proc/{writer}").exists()
    assert not list(footage.glob("*cancelled*"))
    assert not list(footage.glob(".understudy-*"))


@only_linux
def test_an_export_runs_within_limits(api: Api, server: Server, footage: Path, noisy: Path) -> None:
    spec = animate_spec(api)
    spec.animate.clip = api.link(noisy.name).name
    job = api.finish(api.create(spec).name)
    path = types_pb2.RootedPath(root_id="footage", relative_path="limited")
    delivery = job_pb2.Delivery(path=path, codec=job_pb2.DELIVERY_CODEC_EXR_SEQUENCE)
    export = result_pb2.ExportResultRequest(job=job.name, delivery=delivery)
    export.delivery.overwrite = True
    seen = False
    for _ in range(20):  # one may be over before anybody has looked
        with ThreadPoolExecutor(1) as pool:
            exporting = pool.submit(list, api.stream(api.results.ExportResult, export))
            while not (seen or exporting.done()):
                pids = server.children("understudy_server.export")
                seen = any({"Max address space", "Max cpu time"} <= limited(pid) for pid in pids)
                time.sleep(0.002)
            exporting.result()
        if seen:
            return
    raise AssertionError("no export had limits")


def limited(pid: int) -> set[str]:
    """What a process may not have without end."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    except OSError:  # it has ended
        return set()
    return {line[:26].strip() for line in lines[1:] if line[26:].split()[0] != "unlimited"}
