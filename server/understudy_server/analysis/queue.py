"""Makes queued analyses, one at a time and in order, in a process that lives while there is something to do.

What becomes of that process touches no job: an analysis under which it dies has FAILED, and the next one gets another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from understudy_api.v1 import analysis_pb2, types_pb2

from ..bulletin import Bulletin
from ..engine_process.keeper import EngineProcess
from ..engine_process.messages import (
    Analysed,
    AnalysisAssignment,
    Failed,
    Looked,
    Message,
    Noticed,
    OfJob,
    PassDone,
    PeopleKnown,
    Stop,
    Stopped,
)
from ..errors import AnalysisNotFound, WorkerCrashed, WorkerHung, to_status
from ..jobs import TERMINAL as ENDED_JOBS
from ..media import MediaLinker
from ..settings import Settings
from ..storage import DataFolder, remove
from ..store import AnalysisEdit, AnalysisStore
from ..store.analyses import CANCELLED, ENDED, FAILED, MATTE, POINTS, QUEUED, RUNNING, SUCCEEDED
from .edits import apply_update
from .given import write_given, write_matte
from .passes import link_passes

BLINK_S = 0.3  # for a process to leave what it does; then it is ended
END_PATIENCE_S = 2.0

log = logging.getLogger(__name__)


class AnalysisQueue:
    """Works between ``start`` and ``stop``. *bulletin* tells who follows an analysis that it has changed."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        store: AnalysisStore,
        linker: MediaLinker,
        bulletin: Bulletin,
    ) -> None:
        self._settings = settings
        self._data = data
        self._store = store
        self._linker = linker
        self._bulletin = bulletin
        self._news = asyncio.Event()
        self._process: EngineProcess | None = None
        self._current: tuple[str, int] | None = None  # analysis and attempt
        self._attempts = 0
        self._left = asyncio.Event()  # the process has left what it was doing
        self._progress: dict[str, analysis_pb2.AnalysisProgress] = {}
        self._life: asyncio.Task[None] | None = None

    # ---- For the service -----------------------------------------------------------------------------------

    def wake(self, name: str) -> None:
        """*name* was put into the queue."""
        self._news.set()
        self._bulletin.publish(name)

    async def get(self, name: str) -> analysis_pb2.Analysis:
        """With its progress, which is written down nowhere."""
        analysis = await self._store.get(name)
        if analysis.state == RUNNING and name in self._progress:
            analysis.progress.CopyFrom(self._progress[name])
        return analysis

    async def cancel(self, name: str) -> analysis_pb2.Analysis:
        """CANCELLED at once; one that has ended stays as it is."""

        def change(edit: AnalysisEdit) -> None:
            if edit.analysis.state not in ENDED:
                edit.analysis.state = CANCELLED

        analysis = await self._edit(name, change)
        await self._leave(name)
        return analysis

    async def update(self, name: str, request: analysis_pb2.UpdateAnalysisRequest) -> analysis_pb2.Analysis:
        """Puts the analysis back into the queue, if *request*, which was checked, changes anything."""

        def change(edit: AnalysisEdit) -> None:
            if apply_update(edit, request):
                edit.analysis.revision += 1
                edit.requeue()

        analysis = await self._edit(name, change)
        if analysis.state == QUEUED:
            await self._leave(name)
            self.wake(name)
        return analysis

    async def delete(self, name: str) -> None:
        """Raises AnalysisNotFound, or MediaInUse while a job that has not ended needs its passes."""
        folder = self._data.analysis(name).path
        await self._store.remove(name, folder, ENDED_JOBS)
        await self._leave(name)
        self._bulletin.publish(name)
        await asyncio.to_thread(remove, folder)

    # ---- The life of the queue -----------------------------------------------------------------------------

    async def recover(self) -> None:
        """Puts back what a killed server left in the middle, and removes what belongs to nobody. Before ``start``."""
        for name in await self._store.running():
            await self._store.edit(name, AnalysisEdit.requeue)
        folders = await asyncio.to_thread(lambda: list(self._data.analyses.iterdir()))
        known = await self._store.names()
        for folder in folders:
            if f"analyses/{folder.name}" not in known:
                await asyncio.to_thread(remove, folder)

    def start(self) -> None:
        self._life = asyncio.create_task(self._run(), name="analyses")

    async def stop(self) -> None:
        """What was under way goes on when a server starts again; the passes that it found are kept."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        await self._end_process()

    async def _run(self) -> None:
        while True:
            try:
                name = await self._next()
                await self._make(name)
            except Exception:
                log.exception(
                    "the queue of analyses stumbled"
                )  # a defect of ours, or a store that cannot be written
                await self._end_process()
                await asyncio.sleep(1.0)

    async def _next(self) -> str:
        """The one whose turn it is, once there is one. A process without work for long is ended."""
        while True:
            self._news.clear()
            name = await self._store.next_in_turn()
            if name is not None:
                return name
            try:
                async with asyncio.timeout(
                    self._settings.reliability.idle_seconds if self._process else None
                ):
                    await self._news.wait()
            except TimeoutError:
                await self._end_process()

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.end(END_PATIENCE_S)

    async def _running_process(self) -> EngineProcess:
        if self._process is not None and self._process.gone.is_set():
            await self._end_process()
        if self._process is None:
            settings, data = self._settings, self._data
            arguments = (data.path, settings.default_model, settings.torch_threads)
            patience_s = settings.reliability.hang_seconds
            self._process = await EngineProcess.spawn("finder", arguments, data.analysis_log, patience_s)
        return self._process

    # ---- One analysis --------------------------------------------------------------------------------------

    async def _make(self, name: str) -> None:
        self._attempts += 1
        self._left.clear()
        self._current = (name, self._attempts)
        try:
            assignment = await self._prepare(name, self._attempts)
            if assignment is not None:
                process = await self._running_process()
                await process.send(assignment)
                await self._follow(process, assignment)
        except AnalysisNotFound:
            pass  # it was deleted meanwhile
        except Exception as error:
            log.exception("%s", name)
            await self._fail(name, error)
        finally:
            self._current = None
            self._progress.pop(name, None)
            self._left.set()

    async def _prepare(self, name: str, attempt: int) -> AnalysisAssignment | None:
        """RUNNING, with what was put right as files; None if it was cancelled meanwhile."""

        def begin(edit: AnalysisEdit) -> None:
            if edit.analysis.state == QUEUED:
                edit.analysis.state = RUNNING

        analysis = await self._edit(name, begin)
        if analysis.state != RUNNING:
            return None
        clip = analysis.spec.clip
        path = await self._linker.unchanged(clip)
        await self._write_given(analysis, (await self._linker.file(clip)).asset.probe.size)
        return AnalysisAssignment(
            job=name,
            attempt=attempt,
            spec=analysis.spec.SerializeToString(),
            revision=analysis.revision,
            clip=str(path),
            clip_shown_as=await self._linker.shown_as(clip),
        )

    async def _write_given(self, analysis: analysis_pb2.Analysis, size: types_pb2.FrameSize) -> None:
        """Memory: one matte, and 2 KB a frame of points."""
        folder, edits = self._data.analysis(analysis.name).given, analysis.edits
        points = [await self._store.given(analysis.name, POINTS, frame) for frame in edits.point_frames]
        await asyncio.to_thread(write_given, folder, edits, size, points)
        for frame in edits.matte_frames:
            png = await self._store.given(analysis.name, MATTE, frame)
            await asyncio.to_thread(write_matte, folder, frame, png)

    async def _follow(self, process: EngineProcess, assignment: AnalysisAssignment) -> None:
        """Writes down what *process* says of *assignment*, until that is over."""
        while (message := await process.receive()) is not None:
            if isinstance(message, OfJob) and (message.job, message.attempt) == self._current:
                if isinstance(message, (Stopped, Failed, Analysed)):
                    process.rest()
                    await self._end(assignment, message)
                    return
                await self._note(assignment.job, message)
        await self._fail(assignment.job, _died(process))

    async def _note(self, name: str, message: Message) -> None:
        if isinstance(message, Looked):
            found = analysis_pb2.FoundPass.ValueType(message.found_pass)
            self._progress[name] = analysis_pb2.AnalysisProgress(
                **{"pass": found}, frame=message.frame, frames=message.frames
            )
            self._bulletin.publish(name)
            return

        def change(edit: AnalysisEdit) -> None:
            analysis = edit.analysis
            if analysis.state != RUNNING:
                return
            if isinstance(message, PassDone):
                found = analysis_pb2.FoundPass.ValueType(message.found_pass)
                analysis.found.add(**{"pass": found}, reused=message.reused)
            elif isinstance(message, Noticed):
                analysis.warnings.append(message.text)
            elif isinstance(message, PeopleKnown):
                analysis.people = message.people

        await self._edit(name, change)

    async def _end(self, assignment: AnalysisAssignment, message: Stopped | Failed | Analysed) -> None:
        if isinstance(message, Failed):
            status = types_pb2.Status.FromString(message.status)
            await self._fail(assignment.job, status)
        if not isinstance(message, Analysed):
            return
        folder = self._data.analysis(assignment.job).made(assignment.revision)
        passes = await link_passes(self._linker, folder, message.assets)

        def change(edit: AnalysisEdit) -> None:
            analysis = edit.analysis
            if analysis.state != RUNNING or analysis.revision != assignment.revision:
                return
            analysis.state, analysis.made_revision = SUCCEEDED, assignment.revision
            analysis.passes.CopyFrom(passes)
            analysis.chosen[:] = message.chosen

        await self._drop_old(assignment.job)
        await self._edit(assignment.job, change)

    async def _drop_old(self, name: str) -> None:
        """What is left of revisions before the one that is told of, but for those that a job was given."""
        folder, made = self._data.analysis(name), (await self._store.get(name)).made_revision
        old = [path for path in map(folder.made, range(1, made)) if path.exists()]
        for path in (folder.given, *await self._store.drop_unused(old)):
            await asyncio.to_thread(remove, path)

    async def _fail(self, name: str, error: Exception | types_pb2.Status) -> None:
        """Unless somebody was quicker and ended it, or put it back into the queue."""
        status = error if isinstance(error, types_pb2.Status) else to_status(error)

        def change(edit: AnalysisEdit) -> None:
            if edit.analysis.state == RUNNING:
                edit.analysis.state = FAILED
                edit.analysis.error.CopyFrom(status)

        with contextlib.suppress(AnalysisNotFound):
            await self._edit(name, change)

    async def _leave(self, name: str) -> None:
        """Has the process leave *name*, if it works on it: in a blink, or it is ended, which is safe at any moment."""
        if self._current is None or self._current[0] != name:
            return
        process, left = self._process, self._left
        if process is None:
            return
        await process.send(Stop(job=name, attempt=self._current[1]))
        try:
            async with asyncio.timeout(BLINK_S):
                await left.wait()
        except TimeoutError:
            if self._current is not None and self._current[0] == name:
                process.kill()

    async def _edit(self, name: str, change: Callable[[AnalysisEdit], None]) -> analysis_pb2.Analysis:
        analysis = await self._store.edit(name, change)
        self._bulletin.publish(name)
        return analysis


def _died(process: EngineProcess) -> Exception:
    if process.hung_s:
        return WorkerHung(
            f"Looking through the clip stood still for {process.hung_s:.0f} s and was ended. Ask for the analysis "
            "again: what was found is kept. Restart the machine if its GPU hangs.",
            seconds=process.hung_s,
        )
    return WorkerCrashed(
        "The process that looked through the clip died; often memory ran out. Ask for the analysis again: what was "
        "found is kept. analysis.log in the data folder tells more."
    )
