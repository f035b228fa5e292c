"""What a server is made of: queues that work by themselves, and the services that clients ask."""

from __future__ import annotations

from dataclasses import dataclass

import grpc.aio

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
from .service.analysis import AnalysisService
from .service.job import JobService
from .service.media import MediaService
from .service.model import ModelService
from .service.result import ResultService
from .service.server import ServerService
from .service.take import TakeService
from .settings import RESULTS_ROOT, Root, Settings
from .storage import DataFolder
from .store import AnalysisStore, Database, JobStore, MediaStore, TakeStore
from .store.lessons import LessonStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerParts:
    """What works in a server by itself, and the services that clients ask."""

    bulletin: Bulletin
    dispatcher: Dispatcher
    analysis_queue: AnalysisQueue
    housekeeper: Housekeeper
    servers: ServerService
    media: MediaService
    jobs: JobService
    results: ResultService
    takes: TakeService
    models: ModelService
    analyses: AnalysisService

    def register(self, server: grpc.aio.Server) -> None:
        server_pb2_grpc.add_ServerServiceServicer_to_server(self.servers, server)
        media_pb2_grpc.add_MediaServiceServicer_to_server(self.media, server)
        job_pb2_grpc.add_JobServiceServicer_to_server(self.jobs, server)
        result_pb2_grpc.add_ResultServiceServicer_to_server(self.results, server)
        take_pb2_grpc.add_TakeServiceServicer_to_server(self.takes, server)
        model_pb2_grpc.add_ModelServiceServicer_to_server(self.models, server)
        analysis_pb2_grpc.add_AnalysisServiceServicer_to_server(self.analyses, server)

    async def recover(self) -> None:
        """Before anybody is answered: what a killed server left in the middle is queued again."""
        await self.dispatcher.recover()
        await self.analysis_queue.recover()

    def start(self) -> None:
        self.dispatcher.start()
        self.analysis_queue.start()
        self.housekeeper.start()

    async def stop(self, ending: Ending) -> None:
        await self.housekeeper.stop()
        await self.analysis_queue.stop()
        await self.dispatcher.stop(ending)

    def close(self) -> None:
        """Once no call is open."""
        self.results.close()
        self.takes.close()
        self.analyses.close()


def assembled(
    settings: Settings, data: DataFolder, database: Database, ending: Ending, instance_id: str
) -> ServerParts:
    """All of them, made for each other; nothing runs yet."""
    store, media, analyses = JobStore(database), MediaStore(database), AnalysisStore(database)
    lessons, bulletin, analysis_news = LessonStore(database), Bulletin(), Bulletin()
    roots, prober = Roots({RESULTS_ROOT: Root(path=data.jobs), **settings.roots}), Prober(settings.limits)
    linker, uploads = MediaLinker(roots, media, prober), Uploads(data, media, prober, settings.limits)
    downloads = Downloads(roots, linker, media, settings.limits.max_chunk_bytes)
    dispatcher = Dispatcher(settings, data, store, linker, roots, bulletin)
    queue = AnalysisQueue(settings, data, analyses, linker, analysis_news)
    keeper = Housekeeper(settings.reliability, data, database, store, dispatcher, bulletin, uploads)
    admission = Admission(settings, media, roots)
    estimator = Estimator(settings, store, media, lessons, admission, dispatcher, linker.unchanged)
    exporter, chunk_bytes = Exporter(data, roots), settings.limits.max_chunk_bytes
    return ServerParts(
        bulletin=bulletin,
        dispatcher=dispatcher,
        analysis_queue=queue,
        housekeeper=keeper,
        servers=ServerService(settings, instance_id, store, dispatcher, bulletin, ending),
        media=MediaService(linker, uploads, downloads, media),
        jobs=JobService(store, admission, estimator, dispatcher, bulletin, keeper, ending, settings),
        results=ResultService(data, store, bulletin, exporter, chunk_bytes),
        takes=TakeService(data, store, TakeStore(database)),
        models=ModelService(settings),
        analyses=AnalysisService(settings, data, analyses, linker, queue, analysis_news, ending),
    )
