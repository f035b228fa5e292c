"""Gives queued jobs to the engine, by priority and age, and writes down what becomes of them.

Between ``start`` and ``stop``: keep an engine process, take a job, follow it to its end, and again. A job whose
engine dies or hangs goes back to the queue and on from its last stored segment; one that does that twice without
storing a new one fails, so that the queue goes on. Where job after job takes the engine down, the queue is held.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from understudy_api.v1 import job_pb2, server_pb2, types_pb2
from understudy_engine.errors import DiskFull, EngineError
from understudy_engine.expected import Card

from . import jobs
from .assigning import Assigner
from .bulletin import Bulletin
from .convert import delivery_of
from .disk import Disk
from .ending import Ending
from .engine_process.keeper import EngineProcess
from .engine_process.messages import Assignment, LoadFailed, OfJob, PlanMade, Ready, SegmentStored, Stop
from .errors import ServerError, WorkerCrashed, to_status
from .hold import Hold
from .media import MediaLinker, Roots
from .recorder import Recorder
from .settings import Settings
from .storage import DataFolder, remove
from .store import JobEdit, JobStore

STEP_PATIENCE_S = 30.0  # for the running step, when the server ends
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
        self._assigner = Assigner(settings, store, linker, roots)
        self._bulletin = bulletin
        self._disk = Disk(data.path, store)
        reliability = settings.reliability
        self._hold = Hold(reliability.deaths_until_held, reliability.hold_seconds)
        self._engine: EngineProcess | None = None
        self._stopping = False
        self._store_full = ""  # why nothing can be written down at the moment
        self._news = asyncio.Event()  # somebody did something about the jobs
        self._idle = asyncio.Event()
        self._current: tuple[str, int] | None = None  # job and attempt
        self._life: asyncio.Task[None] | None = None
        self._engine_state = server_pb2.ENGINE_STATE_STARTING
        self._devices: list[server_pb2.Device] = []  # as the last engine told them
        self._card: Card | None = None

    # ---- For the services --------------------------------------------------------------------------------

    @property
    def engine_state(self) -> server_pb2.EngineState.ValueType:
        return self._engine_state

    @property
    def devices(self) -> list[server_pb2.Device]:
        """Empty until an engine has loaded its model once."""
        if self._engine is not None and self._engine.devices:
            self._devices = self._engine.devices
        return self._devices

    @property
    def card(self) -> Card | None:
        """The GPU that the engine computes with, as the last one found it; None on a CPU."""
        if self._engine is not None and self._engine.card:
            self._card = self._engine.card
        return self._card

    @property
    def running_job(self) -> str:
        return self._current[0] if self._current else ""

    @property
    def held_reason(self) -> str:
        """Why the queue stands still although jobs may wait, or ""."""
        return self._hold.reason or self._store_full

    def wake(self, name: str) -> None:
        """Somebody created *name*, or put it back into the queue: that opens a queue that was held."""
        self._hold.open()
        self._news.set()
        self._bulletin.publish(name)

    async def cancel(self, name: str) -> job_pb2.Job:
        """A job that waits is CANCELLED at once, a running one within a step; one that has ended stays as it is."""
        return await self._leave(name, jobs.cancel)

    async def pause(self, name: str) -> job_pb2.Job:
        """A job that waits is PAUSED at once, a running one within a step. Raises JobEnded."""
        return await self._leave(name, jobs.pause)

    async def requeue(self, name: str, change: Callable[[JobEdit], None]) -> job_pb2.Job:
        """*change* puts the job back into the queue."""
        job = await self.edit(name, change, durable=True)
        self.wake(name)
        return job

    async def _leave(self, name: str, change: Callable[[JobEdit], None]) -> job_pb2.Job:
        job = await self.edit(name, change, durable=True)
        if job.state in (jobs.CANCELLING, jobs.PAUSING) and self._engine is not None:
            await self._engine.send(Stop(job=name, attempt=job.attempt))
        self.wake(name)
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
                self._store_full = error.message
                self._bulletin.publish_server()
                await asyncio.sleep(DISK_PAUSE_S)
            finally:
                self._store_full = ""

    # ---- The life of the queue ---------------------------------------------------------------------------

    async def recover(self) -> None:
        """Brings jobs that a killed server left in the middle back into the queue. Before ``start``."""
        for name in await self._store.in_states(*jobs.ACTIVE):
            await self._take_back(name, jobs.left)

    def start(self) -> None:
        self._life = asyncio.create_task(self._run(), name="queue")

    async def stop(self, ending: Ending) -> None:
        """The running job leaves the engine after its segment, or its step, or is torn from it; it goes on later."""
        self._stopping = True
        self._news.set()
        await self._see_off(ending, ending.patience_s, after_segment=True)
        await self._see_off(ending, STEP_PATIENCE_S, after_segment=False)
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        with contextlib.suppress(DiskFull):  # the next start will see to it
            await self.recover()

    async def _see_off(self, ending: Ending, patience_s: float, *, after_segment: bool) -> None:
        """Waits until the running job has left the engine, while there is patience and nobody hurries."""
        if self._engine is None or self._current is None or patience_s <= 0:
            return
        await self._engine.send(
            Stop(job=self._current[0], attempt=self._current[1], after_segment=after_segment)
        )
        waits = [asyncio.create_task(event.wait()) for event in (self._idle, ending.hurried)]
        await asyncio.wait(waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

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
                self._tell_engine(server_pb2.ENGINE_STATE_RESTARTING)
                await engine.end(END_PATIENCE_S)
            if not self._stopping:
                for name in await self._store.in_states(*jobs.ACTIVE):  # only after a stumble
                    await self._take_back(name, lambda edit: jobs.died(edit, 0.0))
            failures = 0 if worked else failures + 1

    async def _pause(self, failures: int) -> None:
        """After one failure a moment; after more until there is a job to try again for."""
        if failures:
            await asyncio.sleep(RESTART_PAUSE_S)
        while failures >= jobs.CRASHES_ALLOWED:
            self._news.clear()
            if not self._hold.reason and await self._store.next_in_turn() is not None:
                return
            await _until(self._news, self._hold.remaining_s)

    async def _serve(self, engine: EngineProcess, failures: int) -> bool:
        """Renders jobs while *engine* lives; whether it came to a job."""
        first = await engine.receive()
        if not isinstance(first, Ready):
            if isinstance(first, LoadFailed) or failures + 1 >= jobs.CRASHES_ALLOWED:
                await self._engine_unusable(first)
            return False
        self._devices = [server_pb2.Device.FromString(device) for device in first.devices]
        self._card = Card.of_data(first.card) if first.card else None
        worked = False
        while (name := await self._next_job(engine)) is not None:
            worked = True
            self._tell_engine(server_pb2.ENGINE_STATE_BUSY)
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
            self._hold.died(name)
            await self._persist(name, lambda edit: jobs.fail(edit, status), durable=True)

    async def _next_job(self, engine: EngineProcess) -> str | None:
        """The queued job whose turn it is, once there is one; None when the engine is gone or the server ends."""
        engine.rest()
        gone = asyncio.create_task(engine.gone.wait())
        gone.add_done_callback(lambda _: self._news.set())
        try:
            while not (self._stopping or engine.gone.is_set()):
                self._news.clear()
                name = None if self._hold.reason else await self._store.next_in_turn()
                if name is not None:
                    return name
                self._tell_engine(server_pb2.ENGINE_STATE_IDLE)
                await _until(self._news, self._hold.remaining_s)
        finally:
            gone.cancel()
        return None

    def _tell_engine(self, state: server_pb2.EngineState.ValueType) -> None:
        self._engine_state = state
        self._bulletin.publish_server()

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
            wished = job.state in (jobs.CANCELLING, jobs.PAUSING)  # before there was anybody to tell
            if self._stopping or wished:
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
                await self._linker.remember(self._data.job(recorder.job).manifest)
                return
            if isinstance(message, (PlanMade, SegmentStored)):
                await self._check_disk(engine, message)
        if self._stopping:
            await self._take_back(recorder.job, jobs.left)
            return
        log.warning("the engine process %d died during %s", engine.pid, recorder.job)
        await self._take_back(recorder.job, lambda edit: jobs.died(edit, engine.hung_s))
        self._hold.died(recorder.job)  # after that, so that nobody sees a held queue without its job

    async def _check_disk(self, engine: EngineProcess, message: OfJob) -> None:
        """Before a segment is made for which there is no room, the job is put aside."""
        lack = await self._disk.lack(await self._store.get(message.job))
        if lack:
            await self._persist(message.job, lambda edit: jobs.lack_disk(edit, lack, jobs.PAUSING))
            await engine.send(Stop(job=message.job, attempt=message.attempt))

    async def _take_back(self, name: str, change: Callable[[JobEdit], None]) -> None:
        """Ends an attempt that was killed; if the job ends with it, what it left beside its delivery goes too."""
        job = await self._persist(name, change, durable=True)
        delivery = delivery_of(job.spec)
        if job.state in jobs.TERMINAL and delivery.HasField("path"):
            with contextlib.suppress(ServerError, EngineError, OSError):
                target = await asyncio.to_thread(self._assigner.delivery_path, delivery)
                await asyncio.to_thread(remove, self._data.job(name).beside(Path(target)))

    async def _prepare(self, name: str) -> Assignment | None:
        """The job as an assignment, or None if it was cancelled meanwhile or cannot begin: then it has FAILED."""

        def begin(edit: JobEdit) -> None:
            if edit.state == jobs.QUEUED:
                jobs.move(edit, jobs.PREPARING)

        lack = await self._disk.lack(await self._store.get(name))
        job = await self._persist(name, begin)
        if job.state != jobs.PREPARING:
            return None
        if lack:
            await self._persist(name, lambda edit: jobs.lack_disk(edit, lack, jobs.PAUSED))
            return None
        try:
            return await self._assigner.assignment(job)
        except Exception as error:
            status = to_status(error)
            await self._persist(name, lambda edit: jobs.fail(edit, status), durable=True)
            return None


async def _until(event: asyncio.Event, limit_s: float) -> None:
    """Until *event* is set, or for *limit_s* if that is not 0."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s or None):
            await event.wait()
