"""Gives queued jobs to the engine, the oldest first, and writes down what becomes of them.

Between ``start`` and ``stop``: keep an engine process, take a job, follow it to its end, and again. A job whose
engine dies goes back to the queue and on from its last stored segment; one that kills it twice without storing a new
one fails, so that the queue goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from understudy_api.v1 import job_pb2, server_pb2, types_pb2
from understudy_engine.errors import DiskFull, EngineError

from . import jobs
from .bulletin import Bulletin
from .convert import media_of, work_of
from .engine_process.keeper import EngineProcess
from .engine_process.messages import Assignment, LoadFailed, OfJob, Ready, Stop
from .errors import ServerError, WorkerCrashed, to_status
from .media import MediaLinker, Roots
from .recorder import Recorder
from .settings import Settings
from .storage import DataFolder, remove
from .store import JobEdit, JobStore

CRASHES_ALLOWED = 2  # engine deaths without a new segment
RESTART_PAUSE_S = 0.5  # after an engine that did not come to a job
END_PATIENCE_S = 2.0
DISK_PAUSE_S = 1.0

log = logging.getLogger(__name__)


class Dispatcher:
    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        store: JobStore,
        linker: MediaLinker,
        roots: Roots,
        bulletin: Bulletin,
    ) -> None:
        self._settings = settings
        self._data = data
        self._store = store
        self._linker = linker
        self._roots = roots
        self._bulletin = bulletin
        self._engine: EngineProcess | None = None
        self._stopping = False
        self._news = asyncio.Event()  # a job was created
        self._idle = asyncio.Event()
        self._current: tuple[str, int] | None = None  # job and attempt
        self._life: asyncio.Task[None] | None = None
        self.engine_state = server_pb2.ENGINE_STATE_STARTING
        self.devices: list[server_pb2.Device] = []

    # ---- For the services --------------------------------------------------------------------------------

    def wake(self) -> None:
        """A job was created."""
        self._news.set()

    async def cancel(self, name: str) -> job_pb2.Job:
        """A queued job is CANCELLED at once, a running one within a step; one that has ended stays as it is."""
        job = await self.edit(name, _wish_to_cancel, durable=True)
        if job.state == jobs.CANCELLING and self._engine is not None:
            await self._engine.send(Stop(job=name, attempt=job.attempt))
        return job

    async def edit(
        self, name: str, change: Callable[[JobEdit], None], *, durable: bool = False
    ) -> job_pb2.Job:
        """Changes a job and tells its followers."""
        job = await self._store.edit(name, change, durable=durable)
        if job.state in jobs.TERMINAL:
            self._bulletin.forget(name)
        else:
            self._bulletin.publish(name)
        return job

    async def _persist(
        self, name: str, change: Callable[[JobEdit], None], *, durable: bool = False
    ) -> job_pb2.Job:
        """``edit``, again and again while the disk is full: the engine waits meanwhile, and nothing is lost."""
        while True:
            try:
                return await self.edit(name, change, durable=durable)
            except DiskFull as error:
                if self._stopping:
                    raise
                log.warning("%s waits: %s", name, error)
                await asyncio.sleep(DISK_PAUSE_S)

    # ---- The life of the queue ---------------------------------------------------------------------------

    async def recover(self) -> None:
        """Brings jobs that a killed server left in the middle back into the queue. Before ``start``."""
        for name in await self._store.in_states(*jobs.ACTIVE):
            await self._take_back(name, _give_back)

    def start(self) -> None:
        self._life = asyncio.create_task(self._run(), name="queue")

    async def stop(self, patience_s: float) -> None:
        """The running job leaves the engine after its step, or is torn from it, and is QUEUED again."""
        self._stopping = True
        if self._engine is not None and self._current is not None:
            await self._engine.send(Stop(job=self._current[0], attempt=self._current[1]))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._idle.wait()
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        with contextlib.suppress(DiskFull):  # the next start will see to it
            await self.recover()

    async def _run(self) -> None:
        failures = 0  # engines in a row that did not come to a job
        while not self._stopping:
            await self._pause(failures)
            self._engine = await EngineProcess.start(self._settings, self._data)
            worked = False
            try:
                worked = await self._serve(self._engine, failures)
            except Exception:
                log.exception("the queue stumbled")  # a defect of ours, or a store that cannot be written
            finally:
                engine, self._engine = self._engine, None
                self.engine_state = server_pb2.ENGINE_STATE_RESTARTING
                await engine.end(END_PATIENCE_S)
            if not self._stopping:
                for name in await self._store.in_states(*jobs.ACTIVE):  # only after a stumble
                    await self._take_back(name, _give_back_after_crash)
            failures = 0 if worked else failures + 1

    async def _pause(self, failures: int) -> None:
        """After one failure a moment; after more until there is a job to try again for."""
        if failures:
            await asyncio.sleep(RESTART_PAUSE_S)
        while failures >= CRASHES_ALLOWED:
            self._news.clear()
            if await self._store.next_in_turn() is not None:
                return
            await self._news.wait()

    async def _serve(self, engine: EngineProcess, failures: int) -> bool:
        """Renders jobs while *engine* lives; whether it came to a job."""
        first = await engine.receive()
        if not isinstance(first, Ready):
            if isinstance(first, LoadFailed) or failures + 1 >= CRASHES_ALLOWED:
                await self._engine_unusable(first)
            return False
        self.devices = [server_pb2.Device.FromString(device) for device in first.devices]
        worked = False
        while (name := await self._next_job(engine)) is not None:
            worked = True
            self.engine_state = server_pb2.ENGINE_STATE_BUSY
            await self._render(engine, name)
        return worked

    async def _engine_unusable(self, message: object) -> None:
        """The model cannot be loaded: the oldest job says so, and the next one makes another try."""
        if isinstance(message, LoadFailed):
            status = types_pb2.Status.FromString(message.status)
        else:
            status = to_status(
                WorkerCrashed(
                    "The engine died while it loaded the model. engine.log in the data folder may tell why; "
                    "often memory ran out. `understudy doctor` looks at this machine."
                )
            )
        log.error("the engine is of no use: %s", status.message)
        name = await self._store.next_in_turn()
        if name is not None:
            await self._persist(name, lambda edit: jobs.move(edit, jobs.FAILED, error=status), durable=True)

    async def _next_job(self, engine: EngineProcess) -> str | None:
        """The oldest queued job, once there is one; None when the engine is gone or the server ends."""
        gone = asyncio.create_task(engine.gone.wait())
        try:
            while not (self._stopping or engine.gone.is_set()):
                self._news.clear()
                name = await self._store.next_in_turn()
                if name is not None:
                    return name
                self.engine_state = server_pb2.ENGINE_STATE_IDLE
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        finally:
            gone.cancel()
        return None

    # ---- One job -----------------------------------------------------------------------------------------

    async def _render(self, engine: EngineProcess, name: str) -> None:
        assignment = await self._prepare(name)
        if assignment is None:
            return
        self._current = (name, assignment.attempt)
        self._idle.clear()
        try:
            await engine.send(assignment)
            job = await self._store.get(name)
            if self._stopping or job.state == jobs.CANCELLING:  # wished before there was anybody to tell
                await engine.send(Stop(job=name, attempt=assignment.attempt))
            await self._follow(engine, Recorder(name, self._persist, self._bulletin))
        finally:
            self._current = None
            self._idle.set()

    async def _follow(self, engine: EngineProcess, recorder: Recorder) -> None:
        """Writes down what *engine* says of the current attempt, until that is over."""
        while (message := await engine.receive()) is not None:
            if not isinstance(message, OfJob) or (message.job, message.attempt) != self._current:
                continue  # of an attempt that is over
            if await recorder.write(message):
                return
        log.warning("the engine process %d died during %s", engine.pid, recorder.job)
        await self._take_back(recorder.job, _give_back if self._stopping else _give_back_after_crash)

    async def _take_back(self, name: str, change: Callable[[JobEdit], None]) -> None:
        """Ends an attempt that was killed; if the job ends with it, what it left beside its delivery goes too."""
        job = await self._persist(name, change, durable=True)
        delivery = work_of(job.spec).delivery
        if job.state in jobs.TERMINAL and delivery.HasField("path"):
            with contextlib.suppress(ServerError, EngineError, OSError):
                target = await asyncio.to_thread(self._delivery_path, delivery)
                await asyncio.to_thread(remove, self._data.job(name).beside(Path(target)))

    async def _prepare(self, name: str) -> Assignment | None:
        """The job as an assignment, or None if it was cancelled meanwhile or cannot begin: then it has FAILED."""

        def begin(edit: JobEdit) -> None:
            if edit.state == jobs.QUEUED:
                jobs.move(edit, jobs.PREPARING)

        job = await self._persist(name, begin)
        if job.state != jobs.PREPARING:
            return None
        work = work_of(job.spec)
        try:
            files = {media: str(await self._linker.unchanged(media)) for media in media_of(work)}
            delivery = await asyncio.to_thread(self._delivery_path, work.delivery)
        except Exception as error:
            status = to_status(error)
            await self._persist(name, lambda edit: jobs.move(edit, jobs.FAILED, error=status), durable=True)
            return None
        return Assignment(
            job=name, attempt=job.attempt, spec=job.spec.SerializeToString(), files=files, delivery=delivery
        )

    def _delivery_path(self, delivery: job_pb2.Delivery) -> str:
        # Whether something is there already was refused when the job was created, and is looked at again when the
        # result is written: an attempt before this one may have put it there.
        return str(self._roots.writable(delivery.path, overwrite=True)) if delivery.HasField("path") else ""


def _wish_to_cancel(edit: JobEdit) -> None:
    if edit.state == jobs.QUEUED:
        jobs.move(edit, jobs.CANCELLED)
    elif edit.state in (jobs.PREPARING, jobs.RUNNING):
        jobs.move(edit, jobs.CANCELLING)


def _give_back(edit: JobEdit) -> None:
    """A job that nobody works on any more, through no fault of its own."""
    jobs.move(edit, jobs.CANCELLED if edit.state == jobs.CANCELLING else jobs.QUEUED)


def _give_back_after_crash(edit: JobEdit) -> None:
    edit.crashes += 1
    if edit.crashes < CRASHES_ALLOWED or edit.state == jobs.CANCELLING:
        _give_back(edit)
        return
    stored = edit.job.progress.segments_done
    error = WorkerCrashed(
        f"The engine died {edit.crashes} times at segment {stored + 1} of this job. Often memory ran out: choose a "
        "smaller work area, or close other programs, and start the job again. engine.log in the data folder tells "
        "more.",
        crashes=edit.crashes,
        segment=stored,
    )
    jobs.move(edit, jobs.FAILED, error=to_status(error))
