"""One reader at 1 KB/s beside twenty that read as fast as they can."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from scripts.api_bench.load import resident_mib
from scripts.api_bench.wire import Hop
from tests.server.support.footage import make_clip
from tests.server.support.process import Api, Server
from understudy_api.client import Client
from understudy_api.v1 import job_pb2, result_pb2

READERS, SLOW_BYTES_PER_S = 20, 1000
FRAMES, SIZE = 24, 320  # raw: 0.3 MB a frame, 7 MB a reader
RAW = result_pb2.FRAME_ENCODING_RAW


def slow_reader(folder: Path, footage: Path) -> dict[str, float]:
    make_clip(footage / "large.mkv", frames=FRAMES, size=SIZE)
    server = Server(folder / "home", footage)
    try:
        with server.start() as api:
            job = large_job(api)
            before_mib = resident_mib(server)
            read_all(api, job)  # the first round warms caches up and counts for nothing
            alone_s, alone_mib = read_all_measured(server, api, job)
            with reading_slowly(api, job) as arrived:
                beside_s, beside_mib = read_all_measured(server, api, job)
                assert 0 < arrived() < SIZE * SIZE * 3, "the slow reader read nothing, or was not slow"
        return {
            "slow_reader_memory_mib": max(0.0, beside_mib - alone_mib),
            "slow_reader_delay_percent": 100 * (beside_s / alone_s - 1),
            "all_readers_memory_mib": beside_mib - before_mib,
        }
    finally:
        server.kill()


def large_job(api: Api) -> str:
    work = job_pb2.AnimateSpec(clip=api.link("large.mkv").name, character=api.link("hero.png").name)
    work.passes.pose, work.sampling.steps = work.clip, 1
    job = api.finish(api.create(job_pb2.JobSpec(animate=work)).name)
    assert job.state == job_pb2.JOB_STATE_SUCCEEDED, job.error
    return job.name


def read_all_measured(server: Server, api: Api, job: str) -> tuple[float, float]:
    """Seconds that READERS readers take, and the server's largest memory meanwhile, MiB."""
    over, sizes = threading.Event(), [resident_mib(server)]

    def sample() -> None:
        while not over.wait(0.05):
            sizes.append(resident_mib(server))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        return read_all(api, job), max(sizes)
    finally:
        over.set()
        sampler.join()


def read_all(api: Api, job: str) -> float:
    """Seconds that READERS clients take, each with a connection of its own, to read the whole job."""

    def read(_: int) -> int:
        with Client(api.endpoint) as client, client.frames(job, encoding=RAW) as frames:
            return sum(1 for _ in frames)

    began = time.monotonic()
    with ThreadPoolExecutor(READERS) as pool:
        assert list(pool.map(read, range(READERS))) == [FRAMES] * READERS
    return time.monotonic() - began


@contextmanager
def reading_slowly(api: Api, job: str) -> Iterator[Callable[[], int]]:
    with Hop(api.endpoint.address, down_bytes_per_s=SLOW_BYTES_PER_S) as hop:
        client = Client(dataclasses.replace(api.endpoint, address=hop.address))
        frames = client.frames(job, encoding=RAW)
        reader = threading.Thread(target=lambda: list(frames), daemon=True)
        reader.start()
        time.sleep(5)  # the server has sent what the connection takes, and waits
        yield lambda: hop.bytes["down"]
        frames.close()
        reader.join()
        client.close()
