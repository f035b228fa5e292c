"""ENTRY: ``serve(settings)`` puts the server together and runs it until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import grpc.aio
from google.protobuf.internal import api_implementation
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from understudy_api.v1 import (
    job_pb2_grpc,
    media_pb2_grpc,
    model_pb2_grpc,
    result_pb2_grpc,
    server_pb2_grpc,
)

from .admission import Admission
from .bulletin import Bulletin
from .dispatcher import Dispatcher
from .media import MediaLinker, Roots
from .presence import announced, new_token, only_server
from .service.guard import Guard
from .service.job import JobService
from .service.media import MediaService
from .service.model import ModelService
from .service.result import ResultService
from .service.server import ServerService
from .settings import Settings
from .storage import DataFolder
from .store import Database, JobStore, MediaStore

STEP_PATIENCE_S = 30.0  # for the running step, when the server ends
CALLS_PATIENCE_S = 1.0  # for open calls, when the server ends

SERVICES = tuple(f"understudy_api.v1.{name}Service" for name in ("Server", "Media", "Job", "Result", "Model"))

# Each of these was measured (research: server_and_users.md, A4).
CHANNEL_OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second server shares the port, and calls are split between the two
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it a frozen client is found after 65 s
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.default_compression_algorithm", 0),
)

log = logging.getLogger(__name__)


def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Runs a server until SIGTERM, SIGINT or Ctrl+C. *ready* is called with the address once it answers.

    Raises:
        AlreadyRunning: another server has the data folder. OSError: the port is taken.
    """
    asyncio.run(_serve_until_told(settings, ready))


async def _serve_until_told(settings: Settings, ready: Callable[[str], None] | None) -> None:
    told = asyncio.Event()
    with _signals(told):
        async with running(settings) as address:
            if ready is not None:
                ready(address)
            await told.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """A server that answers at the address given; it ends with the block, and the running job can go on later."""
    if api_implementation.Type() == "python":
        raise RuntimeError(
            "protobuf's pure-Python parser is not safe here. Reinstall protobuf with its wheel."
        )
    data = DataFolder(settings.data_folder)
    data.make()
    async with AsyncExitStack() as stack:
        stack.enter_context(only_server(data.server_lock))
        database = Database(data.database)
        stack.callback(database.close)
        yield await stack.enter_async_context(_answering(settings, data, database))


@asynccontextmanager
async def _answering(settings: Settings, data: DataFolder, database: Database) -> AsyncIterator[str]:
    store, media, bulletin = JobStore(database), MediaStore(database), Bulletin()
    roots = Roots(settings.roots)
    linker = MediaLinker(roots, media, settings.limits)
    dispatcher = Dispatcher(settings, data, store, linker, roots, bulletin)
    token, instance_id = new_token(), secrets.token_hex(8)

    server = grpc.aio.server(interceptors=[Guard(token)], options=CHANNEL_OPTIONS)
    job_service = JobService(store, Admission(settings, media, roots), dispatcher, bulletin, settings.limits)
    server_service = ServerService(settings, instance_id, store, dispatcher)
    result_service = ResultService(data, store, bulletin, settings.limits.max_chunk_bytes)
    health_service = health.aio.HealthServicer()
    server_pb2_grpc.add_ServerServiceServicer_to_server(server_service, server)
    media_pb2_grpc.add_MediaServiceServicer_to_server(MediaService(linker), server)
    job_pb2_grpc.add_JobServiceServicer_to_server(job_service, server)
    result_pb2_grpc.add_ResultServiceServicer_to_server(result_service, server)
    model_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(settings.default_model), server)
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)

    address = _bind(server, settings)
    await dispatcher.recover()
    await server.start()
    await _tell_health(health_service, health_pb2.HealthCheckResponse.SERVING)
    dispatcher.start()
    with announced(data.path, address, token, instance_id):
        try:
            yield address
        finally:
            job_service.draining = server_service.draining = True
            await _tell_health(health_service, health_pb2.HealthCheckResponse.NOT_SERVING)
            await dispatcher.stop(STEP_PATIENCE_S)
            await server.stop(CALLS_PATIENCE_S)
            result_service.close()


def _bind(server: grpc.aio.Server, settings: Settings) -> str:
    """The address that *server* got."""
    try:
        port = server.add_insecure_port(f"{_in_url(settings.host)}:{settings.port}")
    except RuntimeError:
        port = 0
    if port == 0:
        raise OSError(
            f"Port {settings.port} of {settings.host} is taken by another program. "
            "Choose another, or 0 for any that is free."
        )
    return f"{_in_url(settings.host)}:{port}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def _tell_health(
    service: health.aio.HealthServicer, status: health_pb2.HealthCheckResponse.ServingStatus
) -> None:
    for name in ("", *SERVICES):
        await service.set(name, status)


@contextmanager
def _signals(told: asyncio.Event) -> Iterator[None]:
    """Sets *told* at the first SIGTERM or SIGINT; a second one ends the process as it always does."""
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def handle(number: int, frame: object) -> None:
        signal.signal(number, before[number])
        loop.call_soon_threadsafe(told.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for told_by, handler in before.items():
            signal.signal(told_by, handler)
