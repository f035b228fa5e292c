"""Ten thousand jobs in the queue: handing them in, paging through them, a restart, cancelling them all."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.conftest import animate_spec
from tests.server.support.process import Api, Server
from understudy_api.endpoint import Endpoint, read_endpoint
from understudy_api.errors import ServerAway
from understudy_api.v1 import job_pb2, job_pb2_grpc

JOBS, IN_FLIGHT, PAGE, ONE_BY_ONE = 10_000, 64, 100, 300


def p(hundredths: int, seconds: list[float]) -> float:
    """Milliseconds."""
    return 1000 * statistics.quantiles(seconds, n=100)[hundredths - 1]


def full_queue(folder: Path, footage: Path) -> dict[str, float]:
    # The engine takes one job and paints at it for as long as all this lasts.
    server = Server(folder / "home", footage, {"STEP_S": "600"})
    try:
        with server.start() as api:
            figures, names = fill(api)
            figures |= pages(api)
        figures["queue_rss_mib"] = resident_mib(server)
        figures["restart_to_serving_s"] = restart(server)
        with Api(read_endpoint(server.home)) as api:
            assert api.info().queued_jobs == JOBS
            began = time.perf_counter()
            asyncio.run(call_all(api.endpoint, "CancelJob", cancels(names), IN_FLIGHT))
            return {**figures, "cancel_all_s": time.perf_counter() - began}
    finally:
        server.kill()


def fill(api: Api) -> tuple[dict[str, float], list[str]]:
    spec = animate_spec(api)
    requests = [job_pb2.CreateJobRequest(request_id=str(uuid.uuid4()), spec=spec) for _ in range(JOBS)]
    began = time.perf_counter()
    calls = asyncio.run(call_all(api.endpoint, "CreateJob", requests, IN_FLIGHT))
    seconds = [took for took, _ in calls]
    figures = {
        "submit_p50_ms": p(50, seconds),
        "submit_p99_ms": p(99, seconds),
        "submit_all_s": time.perf_counter() - began,
    }
    return figures, [response.job.name for _, response in calls]


def cancels(names: list[str]) -> Iterable[job_pb2.CancelJobRequest]:
    return [job_pb2.CancelJobRequest(name=name) for name in names]


async def call_all(
    endpoint: Endpoint, method: str, requests: Iterable[Any], in_flight: int
) -> list[tuple[float, Any]]:
    """Seconds and response of each call; *in_flight* of them at any time."""
    waiting, done = iter(requests), []
    metadata = (("authorization", f"Bearer {endpoint.token}"),)
    async with grpc.aio.insecure_channel(endpoint.address) as channel:
        call: Callable[..., Awaitable[Any]] = getattr(job_pb2_grpc.JobServiceStub(channel), method)

        async def work() -> None:
            for request in waiting:
                began = time.perf_counter()
                response = await call(request, metadata=metadata, timeout=60)
                done.append((time.perf_counter() - began, response))

        await asyncio.gather(*(work() for _ in range(in_flight)))
    return done


def pages(api: Api) -> dict[str, float]:
    seconds, seen, token = [], 0, ""
    while token or not seen:
        began = time.perf_counter()
        page = api.call(api.jobs.ListJobs, job_pb2.ListJobsRequest(page_size=PAGE, page_token=token))
        seconds.append(time.perf_counter() - began)
        seen, token = seen + len(page.jobs), page.next_page_token
    assert seen == JOBS
    return {"page_p50_ms": p(50, seconds), "page_p99_ms": p(99, seconds)}


def resident_mib(server: Server) -> float:
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def restart(server: Server) -> float:
    """Seconds from the start of a new process, after a kill, to SERVING."""
    server.kill()
    began = time.monotonic()
    server.spawn()
    assert server.process is not None
    while True:
        with contextlib.suppress(ServerAway, grpc.RpcError):
            endpoint = read_endpoint(server.home)
            if endpoint.pid == server.process.pid and is_serving(endpoint):
                return time.monotonic() - began
        time.sleep(0.02)


def is_serving(endpoint: Endpoint) -> bool:
    with Api(endpoint) as api:
        health = health_pb2_grpc.HealthStub(api.channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), metadata=api.metadata, timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def create_one_by_one(folder: Path, footage: Path) -> dict[str, float]:
    """While the engine works."""
    server = Server(folder / "home", footage, {"STEP_S": "0.02"})
    try:
        with server.start() as api:
            spec, seconds = animate_spec(api), []
            for _ in range(ONE_BY_ONE):
                began = time.perf_counter()
                api.create(spec)
                seconds.append(time.perf_counter() - began)
            return {"create_p50_ms": p(50, seconds), "create_p99_ms": p(99, seconds)}
    finally:
        server.kill()
