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
    analysis_pb2_grpc,
    job_pb2_grpc,
    media_pb2_grpc,
    model_pb2_grpc,
    result_pb2_grpc,
    server_pb2_grpc,
    take_pb2_grpc,
)

from .admission import Admission
from .analysis.queue import AnalysisQueue
from .bulletin import Bulletin
from .dispatcher import Dispatcher
from .ending import Ending
from .estimate import Estimator
from .exporter import Exporter
from .housekeeping import Housekeeper
from .media import Downloads, MediaLinker, Prober, Roots, Uploads
from .memory import give_back_large_blocks
from .presence import announced, new_token, only_server
from .service.analysis import AnalysisService
from .service.guard import Guard
from .service.job import JobService
from .service.media import MediaService
from .service.model import ModelService
from .service.result import ResultService
from .service.server import ServerService
from .service.take import TakeService
from .settings import RESULTS_ROOT, Root, Settings
from .storage import DataFolder
from .store import AnalysisStore, Database, JobStore, MediaStore, Reserve, TakeStore
from .store.lessons import LessonStore

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
    store, media, bulletin = JobStore(database), MediaStore(database), Bulletin()
    roots, prober = Roots({RESULTS_ROOT: Root(path=data.jobs), **settings.roots}), Prober(settings.limits)
    linker = MediaLinker(roots, media, prober)
    uploads = Uploads(data, media, prober, settings.limits)
    downloads = Downloads(roots, linker, media, settings.limits.max_chunk_bytes)
    dispatcher = Dispatcher(settings, data, store, linker, roots, bulletin)
    housekeeper = Housekeeper(settings.reliability, data, database, store, dispatcher, bulletin, uploads)
    token, instance_id = new_token(), secrets.token_hex(8)

    server = grpc.aio.server(interceptors=[Guard(token)], options=CHANNEL_OPTIONS)
    admission = Admission(settings, media, roots)
    lessons = LessonStore(database)
    estimator = Estimator(settings, store, media, lessons, admission, dispatcher, linker.unchanged)
    job_service = JobService(store, admission, estimator, dispatcher, bulletin, housekeeper, ending, settings)
    media_service = MediaService(linker, uploads, downloads, media)
    server_service = ServerService(settings, instance_id, store, dispatcher, bulletin, ending)
    result_service = ResultService(
        data, store, bulletin, Exporter(data, roots), settings.limits.max_chunk_bytes
    )
    analyses, analysis_news = AnalysisStore(database), Bulletin()
    analysis_queue = AnalysisQueue(settings, data, analyses, linker, analysis_news)
    analysis_service = AnalysisService(
        settings, data, analyses, linker, analysis_queue, analysis_news, ending
    )
    take_service = TakeService(data, store, TakeStore(database))
    health_service = health.aio.HealthServicer()
    server_pb2_grpc.add_ServerServiceServicer_to_server(server_service, server)
    media_pb2_grpc.add_MediaServiceServicer_to_server(media_service, server)
    job_pb2_grpc.add_JobServiceServicer_to_server(job_service, server)
    result_pb2_grpc.add_ResultServiceServicer_to_server(result_service, server)
    take_pb2_grpc.add_TakeServiceServicer_to_server(take_service, server)
    model_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(settings), server)
    analysis_pb2_grpc.add_AnalysisServiceServicer_to_server(analysis_service, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)

    address = _bind(server, settings)
    await dispatcher.recover()
    await analysis_queue.recover()
    await server.start()
    await _tell_health(health_service, health_pb2.HealthCheckResponse.SERVING)
    dispatcher.start()
    analysis_queue.start()
    housekeeper.start()
    with announced(data.path, address, token, instance_id):
        try:
            yield address
        finally:
            ending.wish(0.0)
            bulletin.publish_server()
            await _tell_health(health_service, health_pb2.HealthCheckResponse.NOT_SERVING)
            await housekeeper.stop()
            await analysis_queue.stop()
            await dispatcher.stop(ending)
            await server.stop(CALLS_PATIENCE_S)
            result_service.close()
            take_service.close()
            analysis_service.close()


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
