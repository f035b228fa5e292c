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

from .assembly import assembled
from .ending import Ending
from .memory import give_back_large_blocks
from .presence import announced, new_token, only_server
from .service.guard import Guard
from .settings import Settings
from .storage import DataFolder
from .store import Database, Reserve

CALLS_PATIENCE_S = 1.0  # for open calls, when the server ends

SERVICES = tuple(
    f"understudy_api.v1.{name}Service"
    for name in ("Server", "Media", "Job", "Result", "Model", "Take", "Analysis")
)

# The guard refuses requests of more than 4 MiB in a sentence of ours; grpc, in its own words, what is beyond this.
REFUSED_UNREAD_BYTES = 32 << 20

# Each of these was measured (research: server_and_users.md, A4).
CHANNEL_OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second server shares the port, and calls are split between the two
    ("grpc.max_receive_message_length", REFUSED_UNREAD_BYTES),
    ("grpc.keepalive_time_ms", 15_000),  # with the timeout: a frozen client is found after 25 s at most
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
    give_back_large_blocks()
    asyncio.run(_serve_until_told(settings, ready))


async def _serve_until_told(settings: Settings, ready: Callable[[str], None] | None) -> None:
    ending = Ending()
    with _signals(ending, settings.reliability.drain_seconds):
        async with running(settings, ending) as address:
            if ready is not None:
                ready(address)
            await ending.wished.wait()


@asynccontextmanager
async def running(settings: Settings, ending: Ending | None = None) -> AsyncIterator[str]:
    """A server that answers at the address given; it ends with the block, and the running job can go on later.

    *ending* says when clients wish it to end, and how patiently it does.
    """
    if api_implementation.Type() == "python":
        raise RuntimeError(
            "protobuf's pure-Python parser is not safe here. Reinstall protobuf with its wheel."
        )
    data = DataFolder(settings.data_folder)
    data.make()
    async with AsyncExitStack() as stack:
        stack.enter_context(only_server(data.server_lock))
        reserve = Reserve(data.reserve, settings.reliability.reserve_bytes)
        database = Database(data.database, reserve)
        stack.callback(database.close)
        yield await stack.enter_async_context(_answering(settings, data, database, ending or Ending()))


@asynccontextmanager
async def _answering(
    settings: Settings, data: DataFolder, database: Database, ending: Ending
) -> AsyncIterator[str]:
    token, instance_id = new_token(), secrets.token_hex(8)
    server = grpc.aio.server(interceptors=[Guard(token)], options=CHANNEL_OPTIONS)
    parts, health_service = (
        assembled(settings, data, database, ending, instance_id),
        health.aio.HealthServicer(),
    )
    parts.register(server)
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    address = _bind(server, settings)
    await parts.recover()
    await server.start()
    await _tell_health(health_service, health_pb2.HealthCheckResponse.SERVING)
    parts.start()
    with announced(data.path, address, token, instance_id):
        try:
            yield address
        finally:
            ending.wish(0.0)
            parts.bulletin.publish_server()
            await _tell_health(health_service, health_pb2.HealthCheckResponse.NOT_SERVING)
            await parts.stop(ending)
            await server.stop(CALLS_PATIENCE_S)
            parts.close()


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
def _signals(ending: Ending, drain_s: float) -> Iterator[None]:
    """SIGTERM lets the running segment end, for at most *drain_s*; SIGINT (Ctrl+C) the running step.

    A second signal means now; a third one ends the process as it always does.
    """
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def handle(number: int, frame: object) -> None:
        if ending.wished.is_set():
            signal.signal(number, before[number])
            loop.call_soon_threadsafe(ending.hurry)
        else:
            loop.call_soon_threadsafe(ending.wish, drain_s if number == signal.SIGTERM else 0.0)

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for told_by, handler in before.items():
            signal.signal(told_by, handler)
