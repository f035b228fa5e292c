"""What the server does beside its jobs: wakes those that waited for room on the disk, and throws away what may go."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from understudy_api.v1 import job_pb2

from . import jobs
from .bulletin import Bulletin
from .disk import Disk
from .dispatcher import Dispatcher
from .media import Uploads
from .settings import Reliability
from .storage import DataFolder, remove
from .store import Database, JobEdit, JobStore

LONGEST_WAIT_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Wait:
    """A job that was woken and met a full disk again is left alone for longer each time, unless it got on."""

    segments_done: int
    seconds: float
    until: float  # of the monotonic clock


class Housekeeper:
    """Works between ``start`` and ``stop``."""

    def __init__(
        self,
        settings: Reliability,
        data: DataFolder,
        database: Database,
        store: JobStore,
        dispatcher: Dispatcher,
        bulletin: Bulletin,
        uploads: Uploads,
    ) -> None:
        self._settings = settings
        self._uploads = uploads
        self._data = data
        self._database = database
        self._store = store
        self._disk = Disk(data.path, store)
        self._dispatcher = dispatcher
        self._bulletin = bulletin
        self._waits: dict[str, _Wait] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch_disk()), asyncio.create_task(self._clean_up())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def delete(self, name: str) -> None:
        """Forgets an ended job and removes its folder; raises JobNotTerminal."""
        await self._store.delete(name, jobs.check_ended)
        self._bulletin.forget(name)
        await asyncio.to_thread(remove, self._data.job(name).path)

    # ---- The disk ----------------------------------------------------------------------------------------

    async def _watch_disk(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._database.refill_reserve)
                await self._wake_those_with_room()
            except Exception:  # the next look may go better, and jobs must not suffer from it
                log.exception("looking after the disk")
            await asyncio.sleep(self._settings.disk_check_seconds)

    async def _wake_those_with_room(self) -> None:
        waiting = await self._store.paused_for(jobs.DISK_FULL)
        self._forget_others(waiting)
        for name in waiting:
            job = await self._store.get(name)
            if self._is_due(job) and not await self._disk.lack(job):
                self._note_waking(job)
                await self._dispatcher.edit(name, _wake, durable=True)
                self._dispatcher.wake(name)

    def _is_due(self, job: job_pb2.Job) -> bool:
        wait = self._waits.get(job.name)
        return job.state == jobs.PAUSED and (wait is None or time.monotonic() >= wait.until)

    def _note_waking(self, job: job_pb2.Job) -> None:
        done, seconds = job.progress.segments_done, self._settings.disk_check_seconds
        before = self._waits.get(job.name)
        if before is not None and before.segments_done == done:
            seconds = min(LONGEST_WAIT_S, 2 * before.seconds)
        self._waits[job.name] = _Wait(done, seconds, time.monotonic() + seconds)

    def _forget_others(self, waiting: list[str]) -> None:
        long_ago = time.monotonic() - LONGEST_WAIT_S
        self._waits = {
            name: wait for name, wait in self._waits.items() if name in waiting or wait.until > long_ago
        }

    # ---- What may go -------------------------------------------------------------------------------------

    async def _clean_up(self) -> None:
        while True:
            try:
                await self._remove_orphans()
                await self._clean_jobs()
                await self._uploads.clean()
            except Exception:
                log.exception("cleaning up")
            await asyncio.sleep(self._settings.clean_seconds)

    async def _clean_jobs(self) -> None:
        # Ages are told by the calendar, since they outlive the server; intervals by the monotonic clock.
        while due := await self._store.to_clean(time.time()):
            for job in due:
                if job.keep == job_pb2.KEEP_POLICY_WEEK:
                    await self.delete(job.name)
                else:
                    await asyncio.to_thread(remove, self._data.job(job.name).segments)
                    await self._store.cleaned(job.name)

    async def _remove_orphans(self) -> None:
        """Folders of jobs that were forgotten just before the server was killed."""
        folders = await asyncio.to_thread(lambda: list(self._data.jobs.iterdir()))
        known = await self._store.names()  # after the folders: a job comes before its folder
        for folder in folders:
            if f"jobs/{folder.name}" not in known:
                await asyncio.to_thread(remove, folder)


def _wake(edit: JobEdit) -> None:
    if edit.state == jobs.PAUSED and edit.job.pause_reason == jobs.DISK_FULL:
        jobs.move(edit, jobs.QUEUED)
